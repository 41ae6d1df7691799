"""What a template may hold, how it is changed, and what it supplies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from easymaker_local.domain.training_spec import TrainingForm, TrainingSpec
from easymaker_local.domain.training_template import (
    TemplateUse,
    TrainingTemplateChange,
    TrainingTemplateSpec,
    values_for,
)
from easymaker_local.testing.factories import TEMPLATE


def template(**fields: Any) -> TrainingTemplateSpec:
    return TrainingTemplateSpec.model_validate({"trainingTemplateName": "t", **fields})


def change(**fields: Any) -> TrainingTemplateChange:
    return TrainingTemplateChange.model_validate(fields)


def test_only_its_name_is_required() -> None:
    """TT-03: what is not given is absent, not a default."""
    assert template().document() == {"schemaVersion": 1, "trainingTemplateName": "t"}
    assert template(imageId=None, tagList=None) == template(), "null is absent"
    with pytest.raises(ValidationError, match="trainingTemplateName"):
        TrainingTemplateSpec.model_validate({"imageId": "i"})


def test_it_can_hold_whatever_the_creation_form_holds() -> None:
    """TT-02: every field of a training but its name and description, which are the template's own (TR-04 to TR-25)."""
    own = {"training_name", "description", "parent_pipeline_run_id", "parent_pipeline_run_task_name"}
    assert set(TrainingForm.model_fields) == set(TrainingSpec.model_fields) - own
    assert set(TrainingForm.model_fields) < set(TrainingTemplateSpec.model_fields)


@pytest.mark.parametrize(
    ("requirement", "fields"),
    [
        ("GN-02", {"trainingTemplateName": "x" * 51}),
        ("GN-02", {"trainingTemplateName": " "}),
        ("GN-02", {"description": "x" * 256}),
        ("GN-03", {"tagList": [{"tagKey": f"k{i}"} for i in range(11)]}),
        ("GN-04", {"tagList": [{"tagKey": "k"}, {"tagKey": "k"}]}),
        ("TR-10", {"entryPoint": "../train.py"}),
        ("TR-12", {"hyperparameterList": [{"parameterName": f"p{i}"} for i in range(101)]}),
        ("TR-15", {"instanceCount": 11}),
        ("TR-27", {"datasetList": [{"datasetName": n, "dataUri": "obs://h/v1/AUTH_t/c"} for n in ("a", "A")]}),
        ("GN-24", {"timeoutMinutes": 0}),
        ("TT-L01", {"schemaVersion": 2}),
        ("TT-L01", {"schemaVersion": "1"}),
        ("TT-L01", {"schemaVersion": True}),
        ("TT-L01", {"flavour": "m2.c1m2"}),
        ("TT-L01", {"trainingName": "a training's"}),
    ],
)  # fmt: skip
def test_refused(requirement: str, fields: dict[str, Any]) -> None:
    """TT-03: what is there obeys the same rules as a training's."""
    (field,) = fields
    with pytest.raises(ValidationError) as caught:
        template(**fields)
    assert field in str(caught.value)


def test_a_change_replaces_adds_and_removes() -> None:
    """TT-07."""
    old = template(imageId="i", flavorId="f", tagList=[{"tagKey": "a", "tagValue": "1"}])
    assert change(imageId="j").apply(old) == template(imageId="j", flavorId="f", tagList=[{"tagKey": "a", "tagValue": "1"}])
    assert change(removedFieldList=["imageId", "tagList", "entryPoint"]).apply(old) == template(flavorId="f")
    assert change(removedFieldList=["tagList"], tagList=[{"tagKey": "b"}]).apply(old).document()["tagList"] == [
        {"tagKey": "b", "tagValue": ""}
    ]
    assert change(trainingTemplateName="new", imageId=None).apply(old).document() == {
        **old.document(), "trainingTemplateName": "new",
    }  # fmt: skip


@pytest.mark.parametrize("field", ["trainingTemplateName", "schemaVersion", "nonsense"])
def test_what_every_template_has_cannot_be_removed(field: str) -> None:
    with pytest.raises(ValidationError, match="removedFieldList"):
        change(removedFieldList=[field])


def test_values_for_a_training() -> None:
    """TT-01: the form, without what is the template's own; with a name it is a creation body."""
    spec = TrainingTemplateSpec.model_validate({**TEMPLATE, "description": "of the template"})
    values = values_for(TemplateUse.TRAINING, spec)
    made = TrainingSpec.model_validate({**values, "trainingName": "n"})
    assert made.description is None
    assert made.model_dump(include=set(TrainingForm.model_fields)) == spec.model_dump(include=set(TrainingForm.model_fields))
    assert values_for(TemplateUse.TRAINING, spec, {"imageId"}) == {f: v for f, v in values.items() if f != "imageId"}


def test_values_for_a_tuning() -> None:
    """TT-04: the fields that both forms share; hyperparameter names become names of specifications."""
    parameters = [{"parameterName": "lr", "parameterValue": "1"}, {"parameterName": "m"}]
    spec = TrainingTemplateSpec.model_validate({**TEMPLATE, "instanceCount": 2, "hyperparameterList": parameters})
    values = values_for(TemplateUse.TUNING, spec)
    assert values.pop("hyperparameterSpecList") == [{"hyperparameterName": "lr"}, {"hyperparameterName": "m"}]
    shared = values_for(TemplateUse.TRAINING, spec)
    del shared["hyperparameterList"]
    assert values == shared
    assert "hyperparameterSpecList" not in values_for(TemplateUse.TUNING, template())


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
NAME = TEXT.filter(str.strip)
FORMS = st.fixed_dictionaries(
    {"trainingTemplateName": NAME},
    optional={
        "description": TEXT, "experimentId": TEXT, "imageId": TEXT, "flavorId": TEXT, "sourceDirUri": TEXT,
        "entryPoint": TEXT.filter(lambda text: not text.startswith("/") and ".." not in text), "modelUploadUri": TEXT,
        "instanceCount": st.integers(1, 10), "useLog": st.booleans(), "useTorchrun": st.booleans(),
        "nprocPerNode": st.integers(0, 64), "timeoutMinutes": st.integers(1, 43200), "dataStorageSize": st.integers(1, 10000),
        "hyperparameterList": st.lists(
            st.fixed_dictionaries({"parameterName": TEXT}, optional={"parameterValue": TEXT | st.integers() | st.booleans()}),
            max_size=1,
        ),
        "tagList": st.dictionaries(TEXT, TEXT, max_size=10).map(
            lambda tags: [{"tagKey": key, "tagValue": value} for key, value in tags.items()]
        ),
        "datasetList": st.lists(
            st.fixed_dictionaries({
                "datasetName": TEXT.filter(lambda text: "/" not in text and text not in {".", ".."}), "dataUri": TEXT,
            }), max_size=1,
        ),
    },
)  # fmt: skip


@given(FORMS)
def test_a_document_comes_back_as_it_was(body: dict[str, Any]) -> None:
    """TT-L01: written, read and written again it is the same, and holds what was given, nothing else."""
    spec = TrainingTemplateSpec.model_validate(body)
    document = spec.document()
    assert set(document) == {*body, "schemaVersion"}
    read = TrainingTemplateSpec.model_validate_json(json.dumps(document, ensure_ascii=False))
    assert read == TrainingTemplateSpec.model_validate({**body, "schemaVersion": 1})
    assert read.document() == document
    assert TrainingTemplateChange.model_validate({"removedFieldList": []}).apply(spec).document() == document
