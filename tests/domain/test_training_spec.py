"""What a training may be asked for: limits, spellings, variables."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from easymaker_local.domain.training_spec import TrainingSpec, variable_suffix
from easymaker_local.testing.factories import SPEC, make_spec


def faults(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        make_spec(**fields)
    return str(caught.value)


def parameters(count: int) -> list[dict[str, str]]:
    return [{"parameterName": f"p{i}", "parameterValue": "v"} for i in range(count)]


def datasets(*names: str) -> list[dict[str, str]]:
    return [{"datasetName": name, "dataUri": "obs://h/v1/AUTH_t/c/p"} for name in names]


@pytest.mark.parametrize(
    ("requirement", "fields"),
    [
        ("GN-02", {"trainingName": "x" * 51}),
        ("GN-02", {"description": "x" * 256}),
        ("GN-02", {"experimentId": "x" * 37}),
        ("TR-03", {"trainingName": "  "}),
        ("GN-09", {"modelUploadUri": "obs://" + "x" * 250}),
        ("TR-10", {"entryPoint": "x" * 256}),
        ("TR-10", {"entryPoint": "../train.py"}),
        ("TR-10", {"entryPoint": "/etc/passwd"}),
        ("TR-12", {"hyperparameterList": parameters(101)}),
        ("TR-12", {"hyperparameterList": [{"parameterName": "k" * 256, "parameterValue": ""}]}),
        ("TR-12", {"hyperparameterList": [{"parameterName": "k", "parameterValue": "v" * 1001}]}),
        ("TR-12", {"hyperparameterList": [{"parameterName": "", "parameterValue": "v"}]}),
        ("HY-06", {"hyperparameterList": [{"parameterName": n, "parameterValue": "v"} for n in ("a-b", "A_b")]}),
        ("TR-15", {"instanceCount": 0}),
        ("TR-15", {"instanceCount": 11}),
        ("TR-18", {"datasetList": datasets(*(f"d{i}" for i in range(11)))}),
        ("TR-18", {"datasetList": datasets("x" * 37)}),
        ("TR-27", {"datasetList": datasets("train", "TRAIN")}),
        ("GN-23", {"dataStorageSize": 10001}),
        ("GN-24", {"timeoutMinutes": 720 * 60 + 1}),
        ("GN-24", {"timeoutMinutes": 0}),
        ("GN-03", {"tagList": [{"tagKey": f"k{i}", "tagValue": "v"} for i in range(11)]}),
        ("GN-04", {"tagList": [{"tagKey": "k", "tagValue": "1"}, {"tagKey": "k", "tagValue": "2"}]}),
        ("folder", {"datasetList": datasets("a/b")}),
        ("folder", {"datasetList": datasets("..")}),
        ("EM_HPS", {"hyperparameterList": [{"parameterName": f"k{i}", "parameterValue": "\u20ac" * 1000} for i in range(50)]}),
        ("nul", {"hyperparameterList": [{"parameterName": "k", "parameterValue": "a\0b"}]}),
    ],
)  # fmt: skip
def test_refused(requirement: str, fields: dict[str, Any]) -> None:
    (field,) = fields
    assert field in faults(**fields)


def test_the_limits_themselves_are_allowed() -> None:
    """GN-02, GN-03, TR-12, TR-15, TR-18, GN-24."""
    spec = make_spec(
        trainingName="x" * 50, description="x" * 255, hyperparameterList=parameters(100), instanceCount=10,
        datasetList=datasets(*(f"d{i}" for i in range(9)), "x" * 36), timeoutMinutes=43200, dataStorageSize=10000,
        tagList=[{"tagKey": f"k{i}", "tagValue": "v"} for i in range(10)],
    )  # fmt: skip
    assert len(spec.hyperparameter_list) == 100


def test_what_is_absent_has_the_vendors_default() -> None:
    """TR-15: one node. GN-24: 720 hours. GN-22: no log management."""
    spec = TrainingSpec.model_validate({k: v for k, v in SPEC.items() if k != "timeoutMinutes"})
    assert (spec.instance_count, spec.timeout_minutes, spec.use_log, spec.use_torchrun) == (1, 43200, False, False)


def test_older_sdks_are_understood() -> None:
    """rest-api §13: explicit nulls, older names of hyperparameters, numbers as values."""
    spec = make_spec(
        description=None, checkPointInputUri=None, tagList=None, nprocPerNode=0,
        hyperparameterList=[
            {"parameterKey": "a", "parameterValue": 1},
            {"hyperparameterKey": "b", "hyperparameterValue": 0.5},
            {"parameterName": "c", "parameterValue": True},
            {"parameterName": "d"},
        ],
    )  # fmt: skip
    assert [(p.parameter_name, p.parameter_value) for p in spec.hyperparameter_list] == [
        ("a", "1"), ("b", "0.5"), ("c", "true"), ("d", ""),
    ]  # fmt: skip


def test_a_spec_survives_its_storage() -> None:
    spec = make_spec(hyperparameterList=parameters(2), datasetList=datasets("train"), checkPointInputUri="nas://n:/p")
    assert TrainingSpec.model_validate_json(spec.model_dump_json(by_alias=True)) == spec


@given(st.text(min_size=1))
def test_any_name_becomes_part_of_a_variable(name: str) -> None:
    """EV-02, HY-06."""
    suffix = variable_suffix(name)
    assert set(suffix) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
    assert suffix


def test_names_are_upper_cased_as_in_the_seed() -> None:
    """EV-02, HY-03: ``train`` gives EM_DATASET_TRAIN."""
    assert variable_suffix("train") == "TRAIN"
    assert variable_suffix("batch-size.v2") == "BATCH_SIZE_V2"
