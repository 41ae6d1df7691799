"""From TOML and options to the creation body of a hyperparameter tuning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from easymaker_local.cli.job_spec import parse
from easymaker_local.cli.tuning_options import given, overridden
from easymaker_local.cli.tuning_spec import TUNING, by_key, by_option, completed, per_trial
from easymaker_local.errors import FieldError, InvalidRequest

SHORT = """
name = "t"
experiment = "e"
image = "i"
flavor = "f"
metrics = ["loss", "accuracy"]
regex = "(a)(b)"
objective = "loss"
direction = "minimize"
goal = 0.5
strategy = "bayesian"
random_state = 1
parallel = 2
max_trials = 9
max_failed_trials = 3
early_stopping = "median"
min_trials = 4
start_step = 5
[hyperparameters]
optimizer = ["sgd", "adam"]
batch = [16, 32]
[hyperparameters.lr]
type = "double"
min = 0.01
max = 0.05
step = 0.01
"""
WIRE = """
hyperparameter_tuning_name = "t"
experiment_id = "e"
imageId = "i"
flavor_id = "f"
metric_list = [{name = "loss"}, {name = "accuracy"}]
metric_regex = "(a)(b)"
objective_metric = {name = "loss"}
objectiveTypeCode = "MINIMIZE"
objective_goal = 0.5
tuning_strategy_name = "BAYESIAN_OPTIMIZATION"
tuningStrategyRandomState = 1
parallel_trial_count = 2
max_trial_count = 9
max_failed_trial_count = 3
early_stopping_algorithm = "MEDIAN"
early_stopping_min_trial_count = 4
early_stopping_start_step = 5
[[hyperparameter_spec_list]]
hyperparameter_name = "optimizer"
hyperparameterTypeCode = "categorical"
hyperparameter_specified_values = "sgd,adam"
[[hyperparameter_spec_list]]
hyperparameter_name = "batch"
hyperparameter_type_code = "discrete"
hyperparameter_specified_values = "16,32"
[[hyperparameter_spec_list]]
hyperparameter_name = "lr"
hyperparameter_type_code = "double"
hyperparameter_min_value = 0.01
hyperparameter_max_value = 0.05
hyperparameter_step = 0.01
"""


def test_short_words_and_wire_names_mean_the_same() -> None:
    found = parse(SHORT, "a", TUNING)
    assert found == parse(WIRE, "b", TUNING)
    assert found["hyperparameterSpecList"][1] == {
        "hyperparameterName": "batch", "hyperparameterTypeCode": "discrete", "hyperparameterSpecifiedValues": "16,32",
    }  # fmt: skip
    assert (found["objectiveMetric"], found["tuningStrategyName"]) == ({"name": "loss"}, "BAYESIAN_OPTIMIZATION")


def test_the_file_in_the_readme_is_one() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    (written,) = [block for block in re.findall(r"```toml\n(.*?)```", readme, re.S) if "[hyperparameters]" in block]
    kinds = [spec["hyperparameterTypeCode"] for spec in parse(written, "README.md", TUNING)["hyperparameterSpecList"]]
    assert kinds == ["discrete", "double"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("goul = 1", "goul: unknown; did you mean goal"),
        ("[hyperparameters.lr]\nmini = 1", "hyperparameters.lr.mini: unknown; did you mean min"),
        ("[[hyperparameter_spec_list]]\nhyperparameter_nam = 'x'", "did you mean hyperparameterName"),
        ("[hyperparameters]\nopt = ['a,b']", "hyperparameters.opt.values: a value cannot have a comma in it"),
        ("objective = 'a'\nobjective_metric = {name = 'a'}", "objective_metric: the same as another key"),
    ],
)
def test_what_the_daemon_would_not_see_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(text, "spec.toml", TUNING)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("body", "nodes"),
    [
        ({}, 1), ({"nodes": 2}, 2), ({"parallelTrialCount": 3}, 3), ({"nodes": 2, "parallelTrialCount": 3}, 6),
        ({"instanceCount": 4, "parallelTrialCount": 2}, 4), ({"nodes": "x"}, "x"),
    ],
)  # fmt: skip
def test_nodes_of_a_trial_are_counted_for_all_that_run_at_once(body: dict[str, Any], nodes: int) -> None:
    """HP-20, HP-21."""
    assert completed(body)["instanceCount"] == nodes
    assert "nodes" not in completed(body)


def test_nodes_are_said_in_one_way() -> None:
    with pytest.raises(InvalidRequest, match="give one of them"):
        completed({"nodes": 2, "instanceCount": 2})
    assert per_trial({"instanceCount": 6, "parallelTrialCount": 3}) == {"nodes": 2, "parallelTrialCount": 3}
    assert per_trial({"imageId": "i"}) == {"imageId": "i"}


def test_an_objective_that_goes_without_saying() -> None:
    one, other = {"name": "a"}, {"name": "b"}
    assert completed({"metricList": [one]})["objectiveMetric"] == one
    assert completed({"objectiveMetric": one})["metricList"] == [one]
    assert "objectiveMetric" not in completed({"metricList": [one, other]})


def test_options_become_hyperparameters() -> None:
    """HP-13 to HP-17."""
    found = given({"int": ["layers=1:4"], "double": ["lr=-0.5:1e-1:0.1"], "discrete": ["b=1,2"], "categorical": ["o=x=1,y"]})
    name, kind = "hyperparameterName", "hyperparameterTypeCode"
    assert found == {"hyperparameterSpecList": [
        {name: "layers", kind: "int", "hyperparameterMinValue": "1", "hyperparameterMaxValue": "4"},
        {
            name: "lr", kind: "double", "hyperparameterMinValue": "-0.5", "hyperparameterMaxValue": "1e-1",
            "hyperparameterStep": "0.1",
        },
        {name: "b", kind: "discrete", "hyperparameterSpecifiedValues": "1,2"},
        {name: "o", kind: "categorical", "hyperparameterSpecifiedValues": "x=1,y"},
    ]}  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        {"int": ["a"]},
        {"int": ["a=1"]},
        {"double": ["a=1:2:3:4"]},
        {"double": ["a=1:"]},
        {"int": ["a=1:2"], "discrete": ["a=1"]},
    ],
)
def test_options_that_are_no_hyperparameters(form: dict[str, list[str]]) -> None:
    with pytest.raises(typer.BadParameter):
        given(form)


@pytest.mark.parametrize(
    ("form", "field", "value"),
    [
        ({"strategy": "Grid"}, "tuningStrategyName", "GRID"),
        ({"strategy": "bayesian-optimization"}, "tuningStrategyName", "BAYESIAN_OPTIMIZATION"),
        ({"minimize": True}, "objectiveTypeCode", "MINIMIZE"), ({"minimize": False}, "objectiveTypeCode", "MAXIMIZE"),
        ({"early_stopping": "median"}, "earlyStoppingAlgorithm", "MEDIAN"),
        ({"early_stopping": "none"}, "earlyStoppingAlgorithm", None),
        ({"goal": 0.0}, "objectiveGoal", 0.0), ({"nodes": 2}, "nodes", 2), ({"metric": ["a"]}, "metricList", [{"name": "a"}]),
    ],
)  # fmt: skip
def test_options_mean_what_the_api_says(form: dict[str, Any], field: str, value: object) -> None:
    assert given(form) == {field: value}


def test_hyperparameters_are_merged_by_name() -> None:
    """TT-04."""
    template = {"hyperparameterSpecList": [{"hyperparameterName": "lr"}, {"hyperparameterName": "epochs"}]}
    merged = overridden(template, given({"double": ["lr=0:1"], "int": ["layers=1:2"]}))
    names = [(spec["hyperparameterName"], spec.get("hyperparameterTypeCode")) for spec in merged["hyperparameterSpecList"]]
    assert names == [("lr", "double"), ("epochs", None), ("layers", "int")]


def test_faults_name_what_the_user_wrote() -> None:
    body = {"hyperparameterSpecList": [
        {"hyperparameterName": "lr", "hyperparameterTypeCode": "double"}, {"hyperparameterName": "epochs"}
    ]}  # fmt: skip
    low = FieldError("hyperparameterSpecList.0.hyperparameterMinValue", "required for double")
    kind = FieldError("hyperparameterSpecList.1.hyperparameterTypeCode", "field required")
    assert by_key(body)(low) == FieldError("hyperparameters.lr.min", "required for double")
    assert by_key(body)(kind).field == "hyperparameters.epochs.type"
    assert by_option(body)(low) == FieldError("--double lr", "required for double")
    assert by_option(body)(kind).field == "hyperparameter epochs"
    assert "--int epochs=MIN:MAX" in by_option(body)(kind).message
    fields = {
        "objectiveTypeCode": "--minimize/--maximize",
        "metricRegex": "--regex",
        "hyperparameterSpecList": "--int, --double",
    }
    for field, option in {**fields, "entryPoint": "--entry-point", "maxTrialCount": "--max-trials"}.items():
        assert by_option(body)(FieldError(field, "x")).field.startswith(option)
