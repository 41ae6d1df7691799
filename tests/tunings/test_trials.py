"""What one trial gets, leaves behind and shows (HP-14, HP-25, HP-38, HP-39, HP-68…HP-72), in both drivers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.domain.test_search_space import listed, ranged
from tests.tunings.searches import end, statuses, tune, values

NAME = "told"
SPECS = [
    ranged("double", "0.5", "0.5", "1"), ranged("INT", 16, 24, 8, "batch"), listed("discrete", "0.9", "momentum"),
    listed("categorical", "sgd, adam w"),
]  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A grid of all four types that has ended, two trials at a time, with logs and checkpoints."""

    appliance: Appliance
    id: str
    shown: dict[str, Any]
    trials: list[dict[str, Any]]

    def losses(self, trial: dict[str, Any]) -> list[float]:
        """Return the values that a trial printed, by what it was told."""
        batch, optimizer = float(values(trial)["batch"]), values(trial)["optimizer"]
        return [*(batch / (epoch + 1) + len(optimizer) for epoch in range(4)), 40.0]

    def get(self, path: str, **query: object) -> dict[str, Any]:
        answer = self.appliance.call("GET", path, params=query)
        assert answer["header"]["isSuccessful"], answer
        return answer


@pytest.fixture(scope="module")
def told(appliance: Appliance) -> Told:
    tuning = tune(
        appliance, NAME, "tells.py", *SPECS, metricList=[{"name": "loss"}, {"name": "val|f-1"}], useLog=True,
        instanceCount=2, parallelTrialCount=2, checkPointUploadUri=appliance.uri("models", f"{NAME}-checkpoints"),
    )  # fmt: skip
    assert end(appliance, tuning) == ("COMPLETE", "SuggestionEndReached")
    return Told(appliance, tuning, appliance.shown_tuning(tuning), appliance.trials(tuning))


def test_every_combination_is_one_trial(told: Told) -> None:
    """HP-05, HP-66, HP-72, HP-L03."""
    assert told.shown["gridSize"] == 4
    assert {trial["trialStatusCode"] for trial in told.trials} == {"SUCCEEDED"}
    assert [trial["number"] for trial in told.trials] == [1, 2, 3, 4]
    found = [tuple(values(trial).values()) for trial in told.trials]
    assert found == [("0.5", batch, "0.9", optimizer) for batch, optimizer in product(("16", "24"), ("sgd", "adam w"))]
    assert (told.shown["successfulTrialCount"], told.shown["failedTrialCount"]) == (4, 0)


def test_values_arrive_as_those_of_a_training(told: Told) -> None:
    """HP-14, HP-38, HP-25: as arguments and variables; and each trial's model has a place of its own."""
    for trial in told.trials:
        place = told.appliance.home / "storage/models" / NAME / trial["trialId"]
        assert trial["modelUploadUri"] == told.appliance.uri("models", f"{NAME}/{trial['trialId']}")
        seen = json.loads((place / "seen.json").read_text())
        given = values(trial)
        assert seen["argv"] == [text for name, value in given.items() for text in (f"--{name}", value)]
        assert seen["env"] == {f"EM_HP_{name.upper()}": value for name, value in given.items()}
        checkpoint = told.appliance.home / "storage/models" / f"{NAME}-checkpoints" / trial["trialId"] / "last.txt"
        assert checkpoint.read_text() == given["optimizer"]
    places = told.appliance.home / "storage/models" / NAME
    assert {place.name for place in places.iterdir()} == {trial["trialId"] for trial in told.trials}


def test_every_value_that_was_printed_is_there_in_its_order(told: Told) -> None:
    """HP-39, HP-40, HP-L04: as in the log, also a last line without its end, and nothing that is no number."""
    for trial in told.trials:
        path = f"/hyperparameter-tunings/{told.id}/trials/{trial['trialId']}"
        losses = told.losses(trial)
        points = told.get(f"{path}/metrics", metricName="loss")["pointList"]
        assert [(point["step"], point["value"]) for point in points] == list(enumerate(losses))
        rest = told.get(f"{path}/metrics", metricName="loss", step=1, limit=3)
        assert ([point["value"] for point in rest["pointList"]], rest["nextStep"]) == (losses[1:4], 4)
        second = told.get(f"{path}/metrics", metricName="val|f-1")["pointList"]
        assert [point["value"] for point in second] == [0.0, 0.1, 0.2, 0.3]
        assert told.get(f"{path}/metrics", metricName="learning")["pointList"] == []
        summary = {m["trialMetricName"]: m for m in told.get(path)["trial"]["trialMetricList"]}
        assert list(summary) == ["loss", "val|f-1"]
        extremes = [float(summary["loss"][f"trialMetric{which}Value"]) for which in ("Min", "Max", "Latest")]
        assert extremes == [min(losses), max(losses), losses[-1]]
        assert summary["loss"]["count"] == 5
        assert trial["objectiveValue"] == min(losses)


def test_the_best_trial_is_the_one_with_the_lowest_value(told: Told) -> None:
    """HP-29, HP-40, HP-49."""
    best = min(told.trials, key=lambda trial: min(told.losses(trial)))
    assert (told.shown["optimalTrialId"], told.shown["optimalTrial"]) == (best["trialId"], best)
    analysis = told.get(f"/hyperparameter-tunings/{told.id}/analysis")["analysis"]
    assert [point["value"] for point in analysis["historyList"]] == [trial["objectiveValue"] for trial in told.trials]
    assert analysis["historyList"][-1]["bestValue"] == best["objectiveValue"]


def test_a_trial_is_a_training_that_its_tuning_decides_about(told: Told) -> None:
    """HP-38, HP-68, GN-02: it can be looked at like any training, and is changed by its tuning alone."""
    listed_ids = {training["trainingId"] for training in told.get("/trainings")["trainingList"]}
    for trial in told.trials:
        assert trial["trialId"] not in listed_ids
        training = told.get(f"/trainings/{trial['trialId']}")["training"]
        assert (training["trainingStatusCode"], training["trainingName"]) == ("COMPLETE", trial["trialName"])
        assert training["hyperparameterList"] == trial["hyperparameterList"]
        assert told.get(f"/trainings/{trial['trialId']}/runs")["runList"]
    first = told.trials[0]["trialId"]
    for method, path, body in (("PUT", "/stop", None), ("PATCH", "", {"description": "d"}), ("DELETE", "", None)):
        refused = told.appliance.call(method, f"/trainings/{first}{path}", json=body)
        assert (refused["header"]["isSuccessful"], refused["errorCode"]) == (False, "CONFLICT"), method
        assert told.id in refused["header"]["resultMessage"], method


def test_lines_are_in_the_log_and_in_the_log_store(told: Told) -> None:
    """LG-18, LG-20, HP-L04: with the tuning's id and the trial's as the training's."""
    query = f'category:"easymaker.training" AND hyperparameterTuningId:{told.id}'
    for trial in told.trials:
        lines = told.appliance.log(trial["trialId"]).splitlines()
        assert lines[0].startswith(f"epoch 0: loss={told.losses(trial)[0]}, ")
        assert lines[-1] == "loss=nan, and no newline loss = 40"

        def shipped(trial_id: str = trial["trialId"], count: int = len(lines)) -> list[dict[str, Any]] | None:
            rows = told.get("/logs", query=f"{query} AND trainingId:{trial_id} AND node:0", limit=100)["logList"]
            return rows if len(rows) >= count else None

        rows = until(shipped, what="the last line in the log store")
        assert [row["body"] for row in rows][::-1] == lines


def test_runs_of_all_trials_are_in_one_folder_for_tensorboard(told: Told) -> None:
    """HP-52, TB-04."""
    (folder,) = told.appliance.home.glob(f"tensorboard/*/*@{told.id}")
    written = {path.parent.name.rpartition("-")[2] for path in folder.glob("*/notes.txt")}
    assert written == {trial["trialId"] for trial in told.trials}


def test_nodes_and_trials_run_at_the_same_time(appliance: Appliance) -> None:
    """HP-20, HP-21, HP-22, HP-47, DT-01, DT-07: two trials of two nodes each; node 0 alone is listened to."""
    specs = listed("categorical", "nodes-1, nodes-2", "until")
    tuning = tune(appliance, "nodes", "nodes.py", specs, instanceCount=4, parallelTrialCount=2)
    until(lambda: statuses(appliance, tuning) == ["RUNNING", "RUNNING"], what="two trials that run at once")
    shown = appliance.shown_tuning(tuning)
    assert (shown["runningTrialCount"], shown["parallelTrialCount"], shown["instanceCount"]) == (2, 2, 4)
    ids = [trial["trialId"] for trial in appliance.trials(tuning)]
    for trial, node in product(ids, (0, 1)):
        until(lambda trial=trial, node=node: "began" in appliance.log(trial, node), what=f"node {node} of trial {trial}")
        assert f"began {node} of 2" in appliance.log(trial, node)
        assert "ended" not in appliance.log(trial, node)
    appliance.put("signals", {"nodes-1": "", "nodes-2": ""})
    assert end(appliance, tuning) == ("COMPLETE", "SuggestionEndReached")
    assert [trial["objectiveValue"] for trial in appliance.trials(tuning)] == [0.25, 0.25]
    (metric,) = appliance.trials(tuning)[0]["trialMetricList"]
    assert (metric["trialMetricMaxValue"], metric["count"]) == ("1", 2)
