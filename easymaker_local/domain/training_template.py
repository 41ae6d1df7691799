"""Training templates: values made in advance for trainings and tunings (TT).

A template has no status: creation, change and deletion take effect at once (TT-11), and nothing depends on it (TT-10). Its form
is copied where it is used, so that what was made with it knows nothing of it any more (TT-05).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from easymaker_local.domain.training_spec import TrainingForm
from easymaker_local.domain.wire import Description, Name

SCHEMA_VERSION: Literal[1] = 1


def _known_version(version: Any) -> Any:
    if type(version) is not int or version != SCHEMA_VERSION:
        raise ValueError(f"this version of easymaker-local reads version {SCHEMA_VERSION} of templates, not {version!r:.40}")
    return version


class TrainingTemplateSpec(TrainingForm):
    """A template as requested, stored and exported (TT-L01). Only its name is required (TT-03).

    Unknown fields are refused, not ignored: no older SDK sends any, and a file from another machine must not lose something.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Annotated[Literal[1], BeforeValidator(_known_version)] = SCHEMA_VERSION
    training_template_name: Name
    description: Description | None = None

    def document(self) -> dict[str, Any]:
        """Return what is stored, which is a creation body as well: the version and the fields that were given."""
        given = self.model_fields_set | {"schema_version"}
        held = self.model_dump(mode="json", by_alias=True, include=given)
        return {field: held[field] for field in (*_OWN, *held) if field in held}


# Not of the form that a template fills, but of the template itself.
_OWN = ("schemaVersion", "trainingTemplateName", "description")
REMOVABLE = [str(field.alias) for field in TrainingTemplateSpec.model_fields.values() if field.alias not in _OWN[:2]]


def _removable(field: str) -> str:
    if field not in REMOVABLE:
        raise ValueError(f"must be one of {', '.join(REMOVABLE)}")
    return field


class TrainingTemplateChange(TrainingForm):
    """What to change (TT-07): what is absent stays, ``null`` too; ``removedFieldList`` names what the template no longer holds.

    A field that is both removed and given is replaced.
    """

    model_config = ConfigDict(extra="forbid")

    training_template_name: Name | None = None
    description: Description | None = None
    removed_field_list: tuple[
        Annotated[str, AfterValidator(_removable), Field(json_schema_extra={"enum": list[Any](REMOVABLE)})], ...
    ] = ()

    def apply(self, spec: TrainingTemplateSpec) -> TrainingTemplateSpec:
        """Return the spec with the change."""
        kept = {field: value for field, value in spec.document().items() if field not in self.removed_field_list}
        given = self.model_dump(mode="json", by_alias=True, include=self.model_fields_set - {"removed_field_list"})
        return TrainingTemplateSpec.model_validate({**kept, **given})


class TemplateUse(StrEnum):
    """What a template is used for."""

    TRAINING = "training"
    TUNING = "tuning"


def values_for(use: TemplateUse, spec: TrainingTemplateSpec, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the part of a creation body that a template supplies (TT-01), without the fields that are to stay empty.

    Of a tuning these are the fields that both forms share, and the names of hyperparameters as names of specifications (TT-04);
    ``instanceCount`` is that of one trial, to be multiplied by the number of parallel ones (rest-api §6.6).
    """
    values = {field: value for field, value in spec.document().items() if field not in (*_OWN, *without)}
    if use is TemplateUse.TUNING and "hyperparameterList" in values:
        names = [parameter["parameterName"] for parameter in values.pop("hyperparameterList")]
        values["hyperparameterSpecList"] = [{"hyperparameterName": name} for name in names]
    return values


@dataclass(frozen=True)
class TrainingTemplate:
    """A row. Times are epoch seconds."""

    id: str
    spec: TrainingTemplateSpec
    created_at: float
    changed_at: float

    @property
    def name(self) -> str:
        """What people call it; several may have the same."""
        return self.spec.training_template_name
