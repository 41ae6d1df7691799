"""Values of hyperparameters (HP-13…HP-17, HP-L03): exact grids, and what is refused with the field's name."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from easymaker_local.domain.search_space import axes, faults, grid_point, grid_size
from easymaker_local.domain.tuning_spec import TuningSpec

BASE = {
    "hyperparameterTuningName": "h", "imageId": "plain", "flavorId": "m2.c1m2",
    "modelUploadUri": "obs://local/v1/AUTH_local/m/h",
    "tuningStrategyName": "GRID", "metricList": [{"name": "loss"}], "objectiveMetric": {"name": "loss"},
    "objectiveTypeCode": "MINIMIZE",
}  # fmt: skip


def ranged(kind: str, low: object, high: object, step: object = None, name: str = "lr") -> dict[str, Any]:
    """Return a range as it comes over the wire."""
    return {
        "hyperparameterName": name, "hyperparameterTypeCode": kind, "hyperparameterMinValue": low,
        "hyperparameterMaxValue": high, "hyperparameterStep": step,
    }  # fmt: skip


def listed(kind: str, values: object, name: str = "optimizer") -> dict[str, Any]:
    """Return a list of values as it comes over the wire."""
    return {"hyperparameterName": name, "hyperparameterTypeCode": kind, "hyperparameterSpecifiedValues": values}


def spec(*parameters: dict[str, Any], **fields: object) -> TuningSpec:
    """Return a tuning."""
    return TuningSpec.model_validate({**BASE, "hyperparameterSpecList": parameters, **fields})


def grid(found: TuningSpec) -> list[dict[str, str]]:
    """Return all combinations, in order."""
    size = grid_size(found)
    assert size is not None
    points = [grid_point(found, index) for index in range(size)]
    assert grid_point(found, size) is None
    return [point for point in points if point is not None]


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (ranged("double", "0.01", "0.05", "0.01"), ["0.01", "0.02", "0.03", "0.04", "0.05"]),
        (ranged("DOUBLE", 0.1, 0.3, 0.1), ["0.1", "0.2", "0.3"]),
        (ranged("double", "1e-3", "3e-3", "1e-3"), ["0.001", "0.002", "0.003"]),
        (ranged("double", "0", "1", "0.4"), ["0", "0.4", "0.8"]),
        (ranged("double", "-0.5", "0.5", "0.5"), ["-0.5", "0", "0.5"]),
        (ranged("int", "16", "32", "8"), ["16", "24", "32"]),
        (ranged("int", 1, 1, 1), ["1"]),
        (ranged("int", "10", "15", "1e1"), ["10"]),
        (listed("discrete", " 1, 2.5 ,3e2,"), ["1", "2.5", "3e2"]),
        (listed("categorical", "sgd, adam , sgd"), ["sgd", "adam"]),
    ],
)
def test_a_grid_has_exactly_the_values_that_people_count(parameter: dict[str, Any], values: list[str]) -> None:
    """HP-10, HP-16, HP-17."""
    found = spec(parameter)
    assert faults(found) == []
    assert [next(iter(point.values())) for point in grid(found)] == values


def test_every_combination_comes_once_and_the_last_parameter_changes_fastest() -> None:
    """HP-66, HP-L03."""
    found = spec(ranged("double", "0.01", "0.05", "0.01"), ranged("int", 1, 3, 1, "n"), listed("categorical", "a,b"))
    wanted = product(["0.01", "0.02", "0.03", "0.04", "0.05"], ["1", "2", "3"], ["a", "b"])
    assert [tuple(point.values()) for point in grid(found)] == list(wanted)


@given(
    st.decimals(-1000, 1000, allow_nan=False, places=4), st.integers(0, 60),
    st.decimals("0.0001", 50, allow_nan=False, places=4),
)  # fmt: skip
def test_grids_are_exact_whatever_the_numbers(low: Decimal, steps: int, step: Decimal) -> None:
    found = spec(ranged("double", str(low), str(low + steps * step), str(step)))
    assert [Decimal(point["lr"]) for point in grid(found)] == [low + i * step for i in range(steps + 1)]


def test_a_step_means_something_on_a_grid_only() -> None:
    """HP-10: the vendor's samples send it always."""
    found = spec(ranged("int", 1, 3, "nonsense"), tuningStrategyName="RANDOM")
    assert (faults(found), grid_size(found)) == ([], None)
    assert axes(found)[0].ends == (1.0, 3.0)


@pytest.mark.parametrize(
    ("field", "parameters"),
    [
        ("0.MinValue", [ranged("double", 2, 1, 1)]),
        ("0.MinValue", [ranged("double", None, 1, 1)]),
        ("0.MaxValue", [ranged("int", 1, "x", 1)]),
        ("0.MaxValue", [ranged("int", 1, 2.5, 1)]),
        ("0.MaxValue", [ranged("double", 1, "inf", 1)]),
        ("0.MaxValue", [ranged("double", 1, "1e999999999", 1)]),
        ("0.MaxValue", [ranged("double", "-1e308", "1e308", 1)]),
        ("0.MaxValue", [ranged("double", 0, "9.9e308", 1)]),
        ("0.Step", [ranged("double", 1, 2, 0)]),
        ("0.Step", [ranged("double", 1, 2, -1)]),
        ("0.Step", [ranged("double", 1, 2)]),
        ("1.Step", [listed("discrete", "1"), ranged("int", 1, 2)]),
        ("0.SpecifiedValues", [listed("categorical", " , ")]),
        ("0.SpecifiedValues", [listed("discrete", "1,two")]),
        ("0.SpecifiedValues", [listed("discrete", None)]),
        ("0.SpecifiedValues", [listed("categorical", "a" * 1001)]),
    ],
)
def test_a_hyperparameter_at_fault_is_named_with_its_field(field: str, parameters: list[dict[str, Any]]) -> None:
    """HP-15…HP-17."""
    number, _, name = field.partition(".")
    assert [fault.field for fault in faults(spec(*parameters))] == [f"hyperparameterSpecList.{number}.hyperparameter{name}"]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("hyperparameterSpecList", {"hyperparameterSpecList": []}),
        (
            "hyperparameterSpecList",
            {"hyperparameterSpecList": [ranged("double", 0, "1e308", "1e-308", name=f"p{n}") for n in range(8)]},
        ),
        ("tuningStrategyName", {"tuningStrategyName": None}),
        ("metricList", {"metricList": []}),
        ("objectiveMetric", {"objectiveMetric": None}),
        ("objectiveMetric", {"objectiveMetric": {"name": "other"}}),
        ("objectiveTypeCode", {"objectiveTypeCode": None}),
        ("instanceCount", {"instanceCount": 5, "parallelTrialCount": 2}),
    ],
)
def test_what_does_not_fit_together_is_refused_by_field(field: str, change: dict[str, Any]) -> None:
    """HP-05, HP-20, HP-28, HP-29."""
    found = faults(spec(**{"hyperparameterSpecList": [ranged("int", 1, 2, 1)], **change}))
    assert [fault.field for fault in found] == [field]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("instanceCount", {"instanceCount": 11}),
        ("metricList", {"metricList": [{"name": f"m{n}"} for n in range(11)]}),
        ("metricList", {"metricList": [{"name": "a"}, {"name": "a"}]}),
        ("metricList", {"metricList": [{"name": "a"}, {"name": " a "}]}),
        ("metricList", {"metricList": [{"name": "  "}]}),
        ("metricList", {"metricList": [{"name": "a\nb"}]}),
        ("metricRegex", {"metricRegex": "(a"}),
        ("metricRegex", {"metricRegex": r"(\w+)=\d+"}),
        ("metricRegex", {"metricRegex": r"(\w+)=(\d+)(?=x)"}),
        ("metricRegex", {"metricRegex": "(a)(b)" * 43}),
        ("objectiveGoal", {"objectiveGoal": float("nan")}),
        ("hyperparameterSpecList", {"hyperparameterSpecList": [ranged("int", 1, 2, 1, "a-b"), ranged("int", 1, 2, 1, "a_b")]}),
        ("tuningStrategyName", {"tuningStrategyName": "HYPERBAND"}),
        ("earlyStoppingStartStep", {"earlyStoppingStartStep": 0}),
        ("maxTrialCount", {"maxTrialCount": 0}),
    ],
)
def test_what_no_field_may_hold_is_refused(field: str, change: dict[str, Any]) -> None:
    """HP-20, HP-26, HP-27, HP-35."""
    with pytest.raises(ValidationError) as refused:
        spec(**{"hyperparameterSpecList": [ranged("int", 1, 2, 1)], **change})
    assert refused.value.errors()[0]["loc"][0] == field
