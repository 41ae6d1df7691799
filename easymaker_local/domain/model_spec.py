"""What a user asks for when creating a model (MD-01…MD-12, rest-api §6.9, §13)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from easymaker_local.domain.masking import MASK, looks_secret
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.training_spec import Parameter
from easymaker_local.domain.wire import Body, Description, Identifier, Name, Tags, Uri
from easymaker_local.errors import FieldError

MAXIMUM_PARAMETERS = 10
HUB_ID, HUB_REVISION, HUB_TOKEN = "MODEL_ID", "REVISION", "HF_TOKEN"
"""Variables of the parameters of a model of the Hugging Face hub: which it is, which commit of it, who asks for it (MD-12)."""

# Newest first; the key and its words changed at almost every release of the SDK (rest-api §13.4).
_FORMAT_KEYS = ("modelFormatCode", "model_format_code", "modelTypeCode", "frameworkCode")
_OLDER_FORMATS = {"SCIKIT_LEARN": ModelFormat.SKLEARN}
_NOT_OFFERED = ("TRITON", "SAPEON", "TENSORFLOW_TRITON", "PYTORCH_TRITON", "ONNX_TRITON")

_SECRET = re.compile(r"token|secret|password|key", re.IGNORECASE)
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def variable_name(text: str) -> str:
    """Return the name of a parameter as that of a variable (MD-11): ``modelId``, ``model-id``, ``model id`` → ``MODEL_ID``.

    The server has a function of its own for it; ``tests/contract`` holds the two together.
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", _WORD_BEGINS.sub("_", text)).strip("_").upper()


def is_secret(name: str) -> bool:
    """True for a parameter whose value is stored encrypted and shown masked (MD-L03)."""
    return looks_secret(name) or _SECRET.search(name) is not None


class ModelParameter(Parameter):
    """A parameter (MD-07); an argument by its own name and a variable when the model is served."""

    parameter_name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    # Not in a representation, which may come into a log.
    parameter_value: Annotated[str, StringConstraints(max_length=255)] = Field("", repr=False)

    @field_validator("parameter_name")
    @classmethod
    def _gives_a_variable(cls, name: str) -> str:
        if "=" in name or not variable_name(name):
            raise ValueError("must have a letter from A to Z or a digit, to become a variable, and no '='")
        return name

    @property
    def variable(self) -> str:
        """Name of the environment variable (MD-11)."""
        return variable_name(self.parameter_name)


class ModelSpec(Body):
    """A model as requested; which origins go together is said by ``origin_faults``.

    In a stored one the values of secret parameters are masked.
    """

    model_name: Name
    description: Description | None = None
    model_format_code: ModelFormat | None = None
    framework_version: Annotated[str, StringConstraints(max_length=50)] | None = None
    training_id: Identifier | None = None
    hyperparameter_tuning_id: Identifier | None = None
    fine_tuning_id: Identifier | None = None
    model_upload_uri: Uri | None = None
    parameter_list: Annotated[tuple[ModelParameter, ...], Field(max_length=MAXIMUM_PARAMETERS)] = ()
    tag_list: Tags = ()

    @model_validator(mode="before")
    @classmethod
    def _older_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = next((data[key] for key in _FORMAT_KEYS if data.get(key) is not None), None)
        kept = {key: value for key, value in data.items() if key not in _FORMAT_KEYS}
        return kept if given is None else {**kept, "modelFormatCode": given}

    @field_validator("model_format_code", mode="before")
    @classmethod
    def _older_words(cls, value: Any) -> Any:
        if isinstance(value, str) and value in _NOT_OFFERED:
            raise ValueError(f"{value} is not offered here; {', '.join(ModelFormat)} are")
        return _OLDER_FORMATS.get(value, value) if isinstance(value, str) else value

    @field_validator("parameter_list")
    @classmethod
    def _variables_differ(cls, parameters: tuple[ModelParameter, ...]) -> tuple[ModelParameter, ...]:
        taken: dict[str, str] = {}
        for parameter in parameters:
            name, variable = parameter.parameter_name, parameter.variable
            if variable in taken:
                raise ValueError(f"{taken[variable]!r} and {name!r} would both become the variable {variable}")
            taken[variable] = name
        return parameters

    def parameter(self, variable: str) -> str | None:
        """Return the value of the parameter that becomes a variable."""
        return next((one.parameter_value for one in self.parameter_list if one.variable == variable), None)

    @property
    def hub_id(self) -> str | None:
        """Which model of the Hugging Face hub it is; None if it is no such model (MD-12)."""
        return self.parameter(HUB_ID) if self.model_format_code is ModelFormat.HUGGING_FACE else None

    @property
    def secrets(self) -> dict[str, str]:
        """The values that are to be stored encrypted, by the names of their parameters."""
        return {p.parameter_name: p.parameter_value for p in self.parameter_list if is_secret(p.parameter_name)}

    def masked(self) -> ModelSpec:
        """Return what may be stored and shown."""
        shown = tuple(
            p.model_copy(update={"parameter_value": MASK}) if is_secret(p.parameter_name) else p for p in self.parameter_list
        )
        return self.model_copy(update={"parameter_list": shown})


class ModelChange(Body):
    """What may be changed afterwards (MD-17, MD-23)."""

    model_name: Name | None = None
    description: Description | None = None
    tag_list: Tags | None = None


def origin_faults(spec: ModelSpec) -> list[FieldError]:
    """Return what is wrong with where the model is to come from: it has exactly one origin (MD-06, MD-12, MD-15)."""
    if spec.fine_tuning_id is not None:
        return [FieldError("fineTuningId", "fine tuning is not offered here; give the address of the model instead")]
    origins = {
        "trainingId": spec.training_id, "hyperparameterTuningId": spec.hyperparameter_tuning_id,
        "modelUploadUri": spec.model_upload_uri, "the parameter model_id of a Hugging Face model": spec.hub_id,
    }  # fmt: skip
    given = [name for name, value in origins.items() if value is not None]
    if len(given) > 1:
        return [FieldError(given[1], f"a model has one origin, and {given[0]} is given as well")]
    if not given:
        *some, last = origins
        return [FieldError("modelUploadUri", f"the origin is missing: give {', '.join(some)} or {last}")]
    return []
