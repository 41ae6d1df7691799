"""What may be asked for as a model, and what its parameters become."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.model_spec import ModelSpec, is_secret, origin_faults, variable_name
from easymaker_local.testing.factories import make_model_spec


def parameters(**named: str) -> list[dict[str, str]]:
    return [{"parameterName": name, "parameterValue": value} for name, value in named.items()]


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("modelId", "MODEL_ID"), ("model-id", "MODEL_ID"), ("model id", "MODEL_ID"), ("model_id", "MODEL_ID"),
        ("hf_token", "HF_TOKEN"), ("HFToken", "HF_TOKEN"), ("topK2", "TOP_K2"), (" --max.tokens-- ", "MAX_TOKENS"),
        ("MODEL_ID", "MODEL_ID"), ("a", "A"), ("2fast", "2FAST"),
    ],
)  # fmt: skip
def test_names_become_variables(name: str, variable: str) -> None:
    """MD-11, FS-L04."""
    assert variable_name(name) == variable


@given(st.text(max_size=64))
def test_a_variable_is_one(name: str) -> None:
    """MD-11: whatever the name, an environment can hold it."""
    assert re.fullmatch(r"([A-Z0-9]+(_[A-Z0-9]+)*)?", variable_name(name))


@pytest.mark.parametrize("name", ["hf_token", "clientSecret", "password", "API_KEY", "keys", "Token", "max_tokens", "passwd"])
def test_secret_names(name: str) -> None:
    """MD-L03: a name that contains token, secret, password or key, and whatever looks secret elsewhere."""
    assert is_secret(name)


@pytest.mark.parametrize("name", ["model_id", "task", "temperature", "revision"])
def test_other_names_are_shown(name: str) -> None:
    assert not is_secret(name)


def test_secrets_are_masked_and_their_values_are_in_no_representation() -> None:
    """MD-L03: what is stored and shown has no secret in it, and what may come into a log has none either."""
    spec = make_model_spec(parameterList=parameters(hf_token="hf_abc", task="fill_mask"))
    assert spec.secrets == {"hf_token": "hf_abc"}
    assert "hf_abc" not in repr(spec)
    masked = spec.masked()
    assert "hf_abc" not in masked.model_dump_json()
    assert [p.parameter_value for p in masked.parameter_list] == ["********", "fill_mask"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (parameters(modelId="a", model_id="b"), "would both become the variable MODEL_ID"),
        (parameters(same="a") * 2, "would both become the variable SAME"),
        (parameters(**{f"p{n}": "" for n in range(11)}), "at most 10"),
        (parameters(**{"n" * 65: ""}), "at most 64"),
        (parameters(n="v" * 256), "at most 255"),
        (parameters(**{"---": ""}), "a letter from A to Z or a digit"),
        (parameters(**{"a=b": ""}), "no '='"),
        (parameters(a="\0"), "NUL"),
        ([{"parameterValue": "v"}], "required"),
    ],
)
def test_parameters_that_are_refused(rows: list[dict[str, str]], words: str) -> None:
    """MD-07, MD-11, GN-02."""
    with pytest.raises(ValidationError, match=words):
        make_model_spec(parameterList=rows)


def test_longest_parameters_are_taken_and_numbers_become_text() -> None:
    """MD-07."""
    rows = [{"parameterName": f"{n}{'n' * 63}", "parameterValue": "v" * 255} for n in range(9)]
    spec = make_model_spec(parameterList=[*rows, {"parameterName": "k", "parameterValue": 5}])
    assert spec.parameter("K") == "5"
    assert len(spec.parameter_list) == 10


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"modelFormatCode": "SKLEARN"}, ModelFormat.SKLEARN),
        ({"frameworkCode": "TENSORFLOW"}, ModelFormat.TENSORFLOW),
        ({"modelTypeCode": "SCIKIT_LEARN"}, ModelFormat.SKLEARN),
        ({"modelFormatCode": None, "frameworkCode": "PYTORCH"}, ModelFormat.PYTORCH),
        ({"modelFormatCode": "PYTHON", "frameworkCode": "PYTORCH"}, ModelFormat.PYTHON),
        ({}, None),
    ],
)
def test_every_sdk_says_the_format_in_its_own_way(body: dict[str, Any], found: ModelFormat | None) -> None:
    """MD-04, rest-api §13.4: three keys, two vocabularies, null is absent."""
    assert ModelSpec.model_validate({"modelName": "m", **body}).model_format_code == found


@pytest.mark.parametrize("code", ["TRITON", "SAPEON", "ONNX_TRITON", "JAX"])
def test_other_formats_are_refused_with_those_that_there_are(code: str) -> None:
    """MD-04."""
    with pytest.raises(ValidationError, match=r"TENSORFLOW.*PYTORCH.*SKLEARN.*HUGGING_FACE"):
        make_model_spec(modelFormatCode=code)


HUB = {"modelFormatCode": "HUGGING_FACE", "parameterList": parameters(model_id="org/name"), "modelUploadUri": None}


@pytest.mark.parametrize("body", [{}, {**HUB}, {**HUB, "parameterList": parameters(modelId="org/name")}])
def test_one_origin_is_right(body: dict[str, Any]) -> None:
    """MD-06, MD-12."""
    assert origin_faults(make_model_spec(**body)) == []


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"modelUploadUri": None}, "modelUploadUri", "the origin is missing"),
        ({**HUB, "parameterList": []}, "modelUploadUri", "model_id of a Hugging Face model"),
        ({**HUB, "modelFormatCode": "PYTORCH"}, "modelUploadUri", "the origin is missing"),
        ({"trainingId": "t"}, "modelUploadUri", "trainingId is given as well"),
        ({"modelUploadUri": None, "trainingId": "t", "hyperparameterTuningId": "h"}, "hyperparameterTuningId", "as well"),
        ({**HUB, "trainingId": "t"}, "the parameter model_id of a Hugging Face model", "trainingId is given as well"),
        ({"fineTuningId": "f"}, "fineTuningId", "not offered"),
    ],
)
def test_origins_that_are_refused(body: dict[str, Any], field: str, words: str) -> None:
    """MD-06, MD-12, MD-15, FS-14: exactly one."""
    (fault,) = origin_faults(make_model_spec(**body))
    assert fault.field == field
    assert words in fault.message
