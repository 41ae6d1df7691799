"""The daemon dies during a search, and the search goes on as the other daemon's would have (HP-06, HP-L01, GN-L02)."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.conftest import MakeAppliance
from tests.faults.crash_points import start_armed
from tests.faults.fault_jobs import assert_nothing_left, select
from tests.faults.fault_tunings import tunings_while_dead

TRIAL = """\
import os, sys
lr = float(sys.argv[2])
with open(os.environ["EM_CHECKPOINT_DIR"] + "/runs", "a") as runs:
    runs.write(f"{os.getpid()}\\n")
for step in range(3):
    print(f"loss={(lr - 0.3) ** 2 + 1 / (1 + step)}", flush=True)
"""
TRIALS = 18
# The first ten proposals of the search are chance; those after them follow from what came before.
UNDISTURBED = 9
POINTS = (
    "in the commit of trial made", "after the commit of trial made", "after driver start", "in the commit of metric values",
    "after the commit of metric values", "in the commit of trial settled", "after the commit of trial settled",
    "after the commit of tuning COMPLETE_IN_PROGRESS",
)  # fmt: skip


def _search(appliance: Appliance, name: str) -> str:
    made = appliance.tuning(
        hyperparameterTuningName=name, tuningStrategyName="BAYESIAN_OPTIMIZATION", tuningStrategyRandomState=7,
        maxTrialCount=TRIALS, checkPointUploadUri=appliance.uri("models", name),
    )  # fmt: skip
    return str(made["hyperparameterTuningId"])


def _found(appliance: Appliance, tuning_id: str) -> tuple[list[tuple[Any, ...]], int]:
    """Return what each trial tried, how it ended and what it found, and the number of the best one."""
    trials = appliance.trials(tuning_id)
    best = appliance.shown_tuning(tuning_id)["optimalTrialId"]
    whole = [
        (t["number"], t["hyperparameterList"], t["trialStatusCode"], t["objectiveValue"], t["trialMetricList"]) for t in trials
    ]
    return whole, next(trial["number"] for trial in trials if trial["trialId"] == best)


@pytest.mark.parametrize("driver_name", ["process"], indirect=True)
def test_a_search_goes_on_as_if_nothing_had_happened(
    make_appliance: MakeAppliance, monkeypatch: pytest.MonkeyPatch, kills: Counter[str], checks: Counter[str], tmp_path: Path
) -> None:
    """HP-06, HP-L01: the same values in the same order and the same best trial, and each trial ran once."""
    appliance = make_appliance()
    appliance.put("code", {"train.py": TRIAL})
    appliance.start()
    undisturbed = _search(appliance, "undisturbed")
    appliance.await_tuning(undisturbed, "COMPLETE")
    killed = _search(appliance, "killed")
    ended = "SELECT * FROM trials WHERE tuning_id = ? AND status = 'SUCCEEDED'"
    until(lambda: len(select(appliance, ended, killed)) >= UNDISTURBED, what="the first trials")
    appliance.kill()
    kills["during a search"] += 1
    for point in POINTS:
        start_armed(appliance, point, tmp_path / "met", monkeypatch)
        until(lambda: appliance.has_ended, what=f"the death {point}")
        kills[point] += 1
        tunings_while_dead(appliance, checks)
    appliance.start()
    appliance.await_tuning(killed, "COMPLETE")
    checks["a search is the same with and without deaths"] += 1
    assert _found(appliance, killed) == _found(appliance, undisturbed)
    for trial in appliance.trials(killed):
        runs = appliance.home / "storage" / "models" / "killed" / trial["trialId"] / "runs"
        assert re.fullmatch(r"\d+\n", runs.read_text()), "exactly one run"
    appliance.stop()
    tunings_while_dead(appliance, checks)
    assert_nothing_left(appliance)
