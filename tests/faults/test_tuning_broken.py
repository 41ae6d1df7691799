"""Rows of tunings that somebody has spoilt: shown with what is wrong, left alone, named by doctor, and deleted when asked."""

from __future__ import annotations

from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.cli.cli_runner import in_this_process
from tests.conftest import MakeAppliance
from tests.faults.fault_jobs import assert_nothing_left, install_id, marked_processes, select
from tests.faults.fault_tunings import LIMITED, STOPPED_TUNING, TRIAL, tuning_is_gone
from tests.faults.test_state_broken import diagnosis, spoil


@pytest.fixture(params=["process"])
def driver_name(request: pytest.FixtureRequest) -> str:
    """What is spoilt here is the same for all drivers."""
    return str(request.param)


@pytest.fixture
def appliance(make_appliance: MakeAppliance) -> Appliance:
    made = make_appliance(stop_grace_seconds="1", resync_seconds="1")
    made.put("code", {"trial.py": TRIAL})
    made.start()
    return made


def running(appliance: Appliance) -> tuple[str, str]:
    """Return a tuning and its first trial, which has printed something and goes on until it is ended."""
    tuning_id = appliance.tuning(**STOPPED_TUNING.body(appliance, "broken"))["hyperparameterTuningId"]
    [trial] = until(lambda: appliance.trials(tuning_id), what="the first trial")
    until(lambda: "step 1" in appliance.log(trial["trialId"]), what="its first lines")
    return str(tuning_id), str(trial["trialId"])


def delete(appliance: Appliance, tuning_id: str) -> dict[str, Any]:
    return appliance.call("DELETE", f"/hyperparameter-tunings/{tuning_id}")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE tunings SET spec = '{secret' WHERE id = ?", "Invalid JSON"),
        ("UPDATE tunings SET status = 'DREAMING' WHERE id = ?", "'DREAMING' is not a valid TuningStatus"),
        ("UPDATE trials SET status = 'DREAMING' WHERE tuning_id = ?", "'DREAMING' is not a valid TrialStatus"),
        ("UPDATE trials SET parameters = '{secret' WHERE tuning_id = ?", "property name"),
        ("UPDATE trials SET parameters = '[1]' WHERE tuning_id = ?", "no object"),
    ],
    ids=["spec", "status", "status of a trial", "values of a trial", "values that are a list"],
)
def test_a_broken_tuning_is_quarantined(appliance: Appliance, statement: str, words: str) -> None:
    """GN-L02: its trial goes on, no other is made, other tunings are as ever; a deletion ends the trial first."""
    broken, trial_id = running(appliance)
    appliance.kill()
    spoil(appliance, statement, broken)
    appliance.start()

    shown = appliance.shown_tuning(broken)
    assert shown["hyperparameterTuningStatusCode"] == "BROKEN"
    assert words in shown["hyperparameterTuningStatusReason"]
    assert "secret" not in shown["hyperparameterTuningStatusReason"], "what stands in the row is not repeated"
    refused = appliance.call("PUT", f"/hyperparameter-tunings/{broken}/stop")
    assert (refused["header"]["resultCode"], refused["errorCode"]) == (409, "BROKEN_RECORD")
    later = appliance.tuning(**LIMITED.body(appliance, "later"))["hyperparameterTuningId"]
    appliance.await_tuning(later, "COMPLETE")
    listed = appliance.call("GET", "/hyperparameter-tunings")["hyperparameterTuningList"]
    assert [row["hyperparameterTuningStatusCode"] for row in listed] == ["COMPLETE", "BROKEN"]
    level, message = diagnosis(appliance, "records")
    assert level == "problem"
    assert broken in message or trial_id in message
    assert words in message
    for command in ("list", f"show {broken}"):
        assert "BROKEN" in in_this_process(appliance.environment)("tuning", *command.split()).out
    size = len(appliance.log(trial_id))
    until(lambda: len(appliance.log(trial_id)) > size, what="more output of the trial, which goes on")
    assert [row["id"] for row in select(appliance, "SELECT id FROM trials WHERE tuning_id = ?", broken)] == [trial_id]

    refused = delete(appliance, broken)
    assert (refused["header"]["resultCode"], refused["errorCode"]) == (409, "CONFLICT")
    assert "delete it again in a moment" in refused["header"]["resultMessage"]
    appliance.await_status(trial_id, "STOPPED")
    assert delete(appliance, broken)["header"]["isSuccessful"]
    tuning_is_gone(appliance, broken, [trial_id])
    assert_nothing_left(appliance)
    assert diagnosis(appliance, "records")[0] == "ok"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE trainings SET spec = '{secret' WHERE id = ?", "UPDATE trainings SET status = 'DREAMING' WHERE id = ?"],
    ids=["spec", "status"],
)
def test_a_broken_training_is_a_failed_trial(appliance: Appliance, statement: str) -> None:
    """GN-L02, HP-74: the tuning goes on with the next one; what the broken one runs ends with the tuning's deletion."""
    tuning_id, broken = running(appliance)
    appliance.kill()
    spoil(appliance, statement, broken)
    appliance.start()

    appliance.await_tuning(tuning_id, "COMPLETE")
    trials = appliance.trials(tuning_id)
    assert [(trial["number"], trial["trialStatusCode"]) for trial in trials] == [(1, "FAILED"), (2, "SUCCEEDED")]
    assert appliance.shown_tuning(tuning_id)["optimalTrialId"] == trials[1]["trialId"]
    assert appliance.shown(broken)["trainingStatusCode"] == "BROKEN"
    level, message = diagnosis(appliance, "records")
    assert level == "problem"
    assert broken in message
    assert marked_processes(install_id(appliance)), "what it runs is left alone"

    assert delete(appliance, tuning_id)["header"]["isSuccessful"]
    tuning_is_gone(appliance, tuning_id, [broken, trials[1]["trialId"]])
    assert_nothing_left(appliance)
    assert diagnosis(appliance, "records")[0] == "ok"
