"""Tunings on a full machine (HP-55, HP-62, HP-70, HP-78, HP-L02): trials wait as any training does. Processes only."""

from __future__ import annotations

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.conftest import MakeAppliance
from tests.domain.test_search_space import listed
from tests.faults.test_queue import settings
from tests.tunings.searches import SCRIPTS, end, history, statuses, tune

pytestmark = pytest.mark.parametrize("driver_name", ["process"], indirect=True)


@pytest.fixture
def full(make_appliance: MakeAppliance) -> Appliance:
    """A machine with two vCPUs, one of which a tuning holds until ``free`` is in the bucket of signals."""
    appliance = make_appliance(**settings(2))
    appliance.put("code", SCRIPTS)
    appliance.put("signals", {"none": ""})
    appliance.put("data", {"rows/1.csv": "1"})
    appliance.start()
    holder = tune(appliance, "holder", "waits.py", listed("categorical", "free", "until"), flavorId="cpu1")
    appliance.await_tuning(holder, "RUNNING")
    return appliance


def test_fewer_trials_run_than_were_asked_for(full: Appliance) -> None:
    """HP-22, HP-46, HP-47, HP-70, HP-71, HP-L02: the others wait as CREATED, with the reason, and run when there is room."""
    body = {"flavorId": "cpu1", "instanceCount": 3, "parallelTrialCount": 3}
    tuning = tune(full, "three", "waits.py", listed("categorical", "a, b, c", "until"), **body)
    until(lambda: statuses(full, tuning) == ["RUNNING", "CREATED", "CREATED"], what="one that runs and two that wait")
    until(lambda: full.trials(tuning)[1]["statusReason"], what="the reason why it waits")
    assert full.trials(tuning)[1]["statusReason"]["code"] == "WAITING_FOR_RESOURCES"
    shown = full.shown_tuning(tuning)
    counts = [shown[f"{name}TrialCount"] for name in ("parallel", "running", "created", "successful")]
    assert (counts, shown["hyperparameterTuningStatusCode"]) == ([3, 1, 2, 0], "RUNNING")
    full.put("signals", {"free": ""})
    until(lambda: statuses(full, tuning) == ["RUNNING", "RUNNING", "CREATED"], what="room for another one")
    full.put("signals", {"a": "", "b": "", "c": ""})
    assert end(full, tuning) == ("COMPLETE", "SuggestionEndReached")
    assert statuses(full, tuning) == ["SUCCEEDED"] * 3


def test_stop_while_queued(full: Appliance) -> None:
    """HP-55, HP-73, HP-78: nothing has run, and its trial is KILLED from CREATED."""
    tuning = tune(full, "queued", "waits.py", listed("categorical", "never", "until"), flavorId="cpu2")
    waiting = until(lambda: full.shown_tuning(tuning)["statusReason"] and full.shown_tuning(tuning), what="its reason to wait")
    assert (waiting["hyperparameterTuningStatusCode"], waiting["statusReason"]["code"]) == (
        "CREATE_REQUESTED", "WAITING_FOR_RESOURCES",
    )  # fmt: skip
    (trial,) = full.trials(tuning)
    assert full.call("PUT", f"/hyperparameter-tunings/{tuning}/stop")["header"]["isSuccessful"]
    assert end(full, tuning)[0] == "STOPPED"
    assert (statuses(full, tuning), full.log(trial["trialId"])) == (["KILLED"], "")
    assert full.shown_tuning(tuning)["startedDatetime"] is None
    assert history(full, tuning) == ["CREATE_REQUESTED", "STOP_IN_PROGRESS", "STOPPED"]


def test_stop_while_some_trials_run_and_some_wait(full: Appliance) -> None:
    """HP-44, HP-60, HP-77."""
    body = {"flavorId": "cpu1", "instanceCount": 2, "parallelTrialCount": 2}
    tuning = tune(full, "both", "waits.py", listed("categorical", "never, ever", "until"), **body)
    until(lambda: statuses(full, tuning) == ["RUNNING", "CREATED"], what="one that runs and one that waits")
    full.call("PUT", f"/hyperparameter-tunings/{tuning}/stop")
    assert (end(full, tuning)[0], statuses(full, tuning)) == ("STOPPED", ["KILLED", "KILLED"])


def test_an_input_that_is_gone_when_the_turn_comes(full: Appliance) -> None:
    """HP-37, HP-62: the tuning says what is missing, and nothing more is tried."""
    rows = {"datasetName": "rows", "dataUri": full.uri("data", "rows")}
    tuning = tune(
        full, "unlucky", "waits.py", listed("categorical", "a, b", "until"), flavorId="cpu2", datasetList=[rows],
    )  # fmt: skip
    until(lambda: statuses(full, tuning) == ["CREATED"], what="its first trial")
    (full.home / "storage/data/rows/1.csv").unlink()
    (full.home / "storage/data/rows").rmdir()
    full.put("signals", {"free": ""})
    status, reason = end(full, tuning)
    assert (status, full.shown_tuning(tuning)["statusReason"]["code"]) == ("CREATE_FAILED", "INPUT_MISSING")
    assert "data/rows" in (reason or "")
    assert statuses(full, tuning) == ["FAILED"]
    assert "RUNNING" not in history(full, tuning)
