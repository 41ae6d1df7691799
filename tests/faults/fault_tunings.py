"""Tunings for the fault tests: how each has to end whatever happens, and what is compared with what its trials printed.

``tunings_while_dead`` is asked right after a kill, when rows stand still; ``tuning_ended_as`` when everything has ended.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from easymaker_local.domain.trial import TrialStatus
from easymaker_local.domain.tuning import TRANSITIONS, TuningStatus
from easymaker_local.testing.appliance import Appliance
from tests.faults.fault_jobs import history, select

FIRST_LOSS = {"ends": 0, "fails": 500, "runs": 1000}
LINES = {"ends": 6, "fails": 3}

# One file that counts the runs; numbered lines, each with a value of its own; one of the ways to go on from there.
TRIAL = f"""\
import os, sys, time
way = sys.argv[2]
first, end = {FIRST_LOSS}[way], {LINES}.get(way)
with open(os.environ["EM_CHECKPOINT_DIR"] + "/runs", "a") as runs:
    runs.write(f"{{os.getpid()}}\\n")
number = 0
while number != end:
    print(f"step {{number}}: loss={{first + number}}", flush=True)
    number += 1
    time.sleep(0.05)
sys.exit(3 if way == "fails" else 0)
"""


@dataclass(frozen=True)
class TuningKind:
    """A tuning to be posted, a grid of ``ways``. ``why``: its detail or reason; ``trials``: their statuses by number."""

    name: str
    status: str
    why: str
    ways: str
    trials: tuple[str, ...]
    parallel: int = 1
    is_stopped: bool = False
    more: Mapping[str, object] = field(default_factory=dict)

    def body(self, appliance: Appliance, label: str) -> dict[str, object]:
        """Return what is to be posted; ``label`` makes name and places unique."""
        return {
            "hyperparameterTuningName": label,
            "entryPoint": "trial.py",
            "instanceCount": self.parallel,
            "parallelTrialCount": self.parallel,
            "modelUploadUri": appliance.uri("models", f"{label}/model"),
            "checkPointUploadUri": appliance.uri("models", f"{label}/checkpoint"),
            "tuningStrategyName": "GRID",
            "hyperparameterSpecList": [
                {
                    "hyperparameterName": "way", "hyperparameterTypeCode": "categorical",
                    "hyperparameterSpecifiedValues": self.ways,
                }
            ],
            "maxTrialCount": None,
            **self.more,
        }  # fmt: skip

    def allows(self, trials: tuple[str, ...]) -> bool:
        """True if the trials may have ended so: one that the end of the tuning kills may not have been made yet."""
        return trials == self.trials or (self.trials[-1] == "KILLED" and trials == self.trials[:-1] != ())


GOAL = TuningKind("tuning-goal", "COMPLETE", "GoalReached", "ends, runs", ("SUCCEEDED", "KILLED"), 2, more={"objectiveGoal": 0})
EXPLORED = TuningKind(
    "tuning-explored", "COMPLETE", "SuggestionEndReached", "ends, runs", ("SUCCEEDED", "EARLY_STOPPED"),
    more={"earlyStoppingAlgorithm": "MEDIAN", "earlyStoppingMinTrialCount": 1, "earlyStoppingStartStep": 1},
)  # fmt: skip
LIMITED = TuningKind(
    "tuning-limited", "COMPLETE", "MaxTrialsReached", "ends, fails, runs", ("SUCCEEDED", "FAILED"), 2,
    more={"maxTrialCount": 2},
)  # fmt: skip
GIVES_UP = TuningKind(
    "tuning-gives-up", "FAIL_HYPERPARAMETER_TUNING", "TOO_MANY_FAILED_TRIALS", "fails, runs", ("FAILED", "KILLED"), 2,
    more={"maxFailedTrialCount": 1},
)  # fmt: skip
STOPPED_TUNING = TuningKind("tuning-stopped", "STOPPED", "STOPPED_BY_USER", "runs, ends", ("KILLED",), is_stopped=True)
TUNING_KINDS = (GOAL, EXPLORED, LIMITED, GIVES_UP, STOPPED_TUNING)


def tunings_while_dead(appliance: Appliance, checks: Counter[str]) -> None:
    """Compare rows of tunings, trials and trainings, and what was read with what was printed, while no daemon lives."""
    tunings = {row["id"]: row for row in select(appliance, "SELECT * FROM tunings")}
    trials = select(appliance, "SELECT * FROM trials ORDER BY tuning_id, number")
    trainings = {row["id"]: row for row in select(appliance, "SELECT * FROM trainings WHERE tuning_id IS NOT NULL")}

    checks["a trial is one training, and numbers have no gaps"] += 1
    assert {trial["id"]: trial["tuning_id"] for trial in trials} == {id_: row["tuning_id"] for id_, row in trainings.items()}
    numbers: dict[str, list[int]] = defaultdict(list)
    for trial in trials:
        numbers[trial["tuning_id"]].append(trial["number"])
        assert json.loads(trainings[trial["id"]]["spec"])["hyperparameterList"] == [
            {"parameterName": name, "parameterValue": text} for name, text in json.loads(trial["parameters"]).items()
        ]
    for tuning_id, found in numbers.items():
        assert found == list(range(1, len(found) + 1)), tuning_id

    checks["no trial outlives its tuning"] += 1
    for trial in trials:
        if tunings[trial["tuning_id"]]["is_finished"]:
            assert TrialStatus(trial["status"]).is_finished, trial["id"]
        if TrialStatus(trial["status"]).is_finished:
            assert trainings[trial["id"]]["is_finished"], trial["id"]
    _values_are_what_was_printed(appliance, checks)


def _values_are_what_was_printed(appliance: Appliance, checks: Counter[str]) -> None:
    """Up to the position that was read to: every value once and in order, and their sums are those of the values."""
    query = "SELECT * FROM metric_points WHERE training_id IN (SELECT id FROM trials) ORDER BY training_id, step"
    points: dict[str, list[float]] = defaultdict(list)
    for row in select(appliance, query):
        assert (row["name"], row["step"]) == ("loss", len(points[row["training_id"]]))
        points[row["training_id"]].append(row["value"])
    sums = {row["training_id"]: tuple(row)[2:] for row in select(appliance, "SELECT * FROM metric_summaries")}
    assert set(sums) == set(points)
    query = """SELECT trials.*, json_extract(tunings.spec, '$.earlyStoppingStartStep') AS early
               FROM trials JOIN tunings ON tunings.id = tuning_id"""
    for trial in select(appliance, query):
        checks["values are the lines that were read"] += 1
        log = appliance.home / "logs" / "training" / trial["id"] / "node-0.log"
        printed = log.read_bytes() if log.exists() else b""
        read = printed[: trial["position"]].decode()
        assert trial["position"] <= len(printed)
        assert read == "" or read.endswith("\n")
        found = points.get(trial["id"], [])
        assert found == [float(text) for text in re.findall("loss=(.*)", read)], trial["id"]
        if found:
            first = found[: trial["early"]]
            assert sums[trial["id"]] == (len(found), min(found), max(found), found[-1], sum(first), len(first))
        if TrialStatus(trial["status"]).is_finished:
            assert read == printed.decode(), f"{trial['id']} is {trial['status']} and was not read to its end"


def tuning_ended_as(appliance: Appliance, tuning_id: str, kind: TuningKind, checks: Counter[str]) -> None:
    """The tuning and each of its trials ended as if the daemon had lived all the time, and every trial ran once."""
    checks["a tuning ended as it had to, by an unbroken history"] += 1
    shown = appliance.shown_tuning(tuning_id)
    why = shown["statusReason"]["code"] if shown["statusReason"] else shown["hyperparameterTuningStatusReason"]
    assert (shown["hyperparameterTuningStatusCode"], why) == (kind.status, kind.why), shown
    way = [TuningStatus(status) for status in history(appliance, tuning_id, "tuning")]
    assert way[0] is TuningStatus.CREATE_REQUESTED
    for before, after in pairwise(way):
        assert after in TRANSITIONS[before], way
    assert way[-1] == kind.status
    trials = appliance.trials(tuning_id)
    assert kind.allows(tuple(trial["trialStatusCode"] for trial in trials)), trials
    best = next((trial["trialId"] for trial in trials if trial["trialStatusCode"] == "SUCCEEDED"), None)
    assert shown["optimalTrialId"] == best
    for trial, value in zip(trials, kind.ways.split(", "), strict=False):
        checks["a trial ran once and printed everything once"] += 1
        assert trial["hyperparameterList"] == [{"parameterName": "way", "parameterValue": value}]
        lines = appliance.log(trial["trialId"]).splitlines()
        count = LINES.get(value, len(lines))
        assert lines == [f"step {number}: loss={FIRST_LOSS[value] + number}" for number in range(count)], trial
        runs = (
            appliance.home / "storage" / "models" / shown["hyperparameterTuningName"] / "checkpoint" / trial["trialId"] / "runs"
        )
        written = runs.read_text() if runs.exists() else ""
        if trial["trialStatusCode"] == "KILLED" and not written:
            assert lines == []  # it was ended before it could write, perhaps when it had just opened the file
        else:
            assert re.fullmatch(r"\d+\n", written), f"{trial['trialId']}: exactly one run, not {written!r}"


def tuning_is_gone(appliance: Appliance, tuning_id: str, trial_ids: Sequence[str]) -> None:
    """Nothing is left of a tuning that was deleted, nor of its trials."""
    ids = [tuning_id, *trial_ids]
    for table, column in (
        ("tunings", "id"), ("trials", "id"), ("trainings", "id"), ("events", "resource_id"), ("metric_points", "training_id"),
        ("metric_summaries", "training_id"),
    ):  # fmt: skip
        marks = ", ".join("?" * len(ids))
        assert select(appliance, f"SELECT * FROM {table} WHERE {column} IN ({marks})", *ids) == [], table
    for folder in ("work", "logs", "tensorboard"):
        left = [path for path in (appliance.home / folder).rglob("*") if any(id_ in path.name for id_ in ids)]
        assert left == []
