"""What MLflow is told of a training: names that it takes, statuses in its words, times in its unit."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.mlflow import TAGS_TAG, RunStatus, place_of, run_id, run_of, valid_name
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.kit.ids import new_id
from easymaker_local.testing.factories import make_training

S = TrainingStatus


def is_taken(name: str) -> bool:
    """MLflow's rule for names of parameters, metrics and tags, written after its documentation."""
    path = posixpath.normpath(name)
    is_path = path == name and path != "." and not path.startswith(("..", "/"))
    return 0 < len(name) <= 250 and re.fullmatch(r"[/\w.\- :]*", name) is not None and is_path


@given(st.text(max_size=300) | st.text("./ a", max_size=12))
def test_every_name_becomes_one_that_mlflow_takes(text: str) -> None:
    name = valid_name(text)
    assert is_taken(name)
    assert valid_name(name) == name
    if is_taken(text):
        assert name == text


def test_names_that_become_the_same_are_told_apart() -> None:
    """TR-12: keys of 255 characters, and any characters."""
    long = "k" * 255
    parameters = {"a=b": "1", "a?b": "2", "a_b": "3", long: "4", long[:-1]: "5", "..": "6", "학습률": "7"}
    listed = [{"parameterName": name, "parameterValue": value} for name, value in parameters.items()]
    # Names of variables are told apart by other rules.
    training = make_training(hyperparameterList=listed[:1])
    spec = training.spec.model_copy(
        update={"hyperparameter_list": tuple(training.spec.hyperparameter_list[0].model_validate(one) for one in listed)}
    )
    found = run_of(replace(training, spec=spec), "Image", "me").parameters
    assert sorted(found.values()) == list("1234567")
    assert all(is_taken(name) for name in found)
    assert found["학습률"] == "7"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (S.CREATE_REQUESTED, "SCHEDULED"), (S.CREATE_IN_PROGRESS, "RUNNING"), (S.RUNNING, "RUNNING"),
        (S.COMPLETE_IN_PROGRESS, "RUNNING"), (S.COMPLETE, "FINISHED"), (S.STOP_IN_PROGRESS, "RUNNING"), (S.STOPPED, "KILLED"),
        (S.FAIL_TRAIN_IN_PROGRESS, "RUNNING"), (S.FAIL_TRAIN, "FAILED"), (S.CREATE_FAILED, "FAILED"),
    ],
)  # fmt: skip
def test_statuses(status: TrainingStatus, expected: str) -> None:
    """TR-39…TR-47: an end is told as one only when it is final."""
    assert run_of(make_training(status), "Image", "me").status is RunStatus(expected)
    assert status.is_finished == (expected not in {"SCHEDULED", "RUNNING"})


def test_what_a_run_shows() -> None:
    training = make_training(
        S.FAIL_TRAIN, training_id="ab12", started_at=1_000_001.5, description="words",
        tagList=[{"tagKey": "team", "tagValue": "vision"}, {"tagKey": "easymaker.status", "tagValue": "forged"}],
    )  # fmt: skip
    cause = Cause(Reason.EXIT_CODE, "The entry point ended with exit code 1.")
    failed = replace(training, finished_at=1_000_002.0, cause=cause)
    run = run_of(failed, "Plain Python", "me")
    assert (run.id, run.name) == ("ab12" + 28 * "0", "training")
    assert (run.started_at, run.ended_at) == (1_000_001_500, 1_000_002_000)
    shown = {name.removeprefix("easymaker."): value for name, value in run.tags.items()}
    assert shown["team"] == "vision"
    assert (shown["trainingId"], shown["experimentId"], shown["status"]) == ("ab12", "e1", "FAIL_TRAIN")
    assert shown["reason"] == "The entry point ended with exit code 1."
    assert (shown["image"], shown["flavor"]) == ("Plain Python", "m2.c1m2")
    assert (shown["mlflow.note.content"], shown["mlflow.user"], shown["mlflow.source.name"]) == ("words", "me", "train.py")
    # What queues has no start of its own yet, and what it waits for is no reason of an end.
    waiting = run_of(replace(make_training(), cause=Cause(Reason.WAITING_FOR_RESOURCES, "full")), "Image", "me")
    assert (waiting.started_at, waiting.ended_at) == (1_000_000_000, None)
    assert "easymaker.reason" not in waiting.tags


def test_tags_that_the_user_took_away_are_known_and_no_others() -> None:
    before = run_of(make_training(tagList=[{"tagKey": "old"}, {"tagKey": "kept"}]), "Image", "me")
    after = run_of(make_training(tagList=[{"tagKey": "kept"}, {"tagKey": "new"}]), "Image", "me")
    in_mlflow = {**before.tags, TAGS_TAG: before.mine, "made in mlflow": "x"}
    assert after.outdated(in_mlflow) == ["old"]
    assert after.outdated({}) == []
    assert run_of(make_training(), "Image", "me").outdated(in_mlflow) == ["old", "kept"]


def test_ids_look_as_mlflows_own_and_lead_back() -> None:
    made = new_id()
    assert re.fullmatch("[0-9a-f]{32}", run_id(made))
    assert run_id(made).startswith(made)
    assert place_of(made) == f"#/runs/{run_id(made)}"
