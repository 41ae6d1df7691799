"""What a user asks for when creating a training (TR.1, rest-api §6.5)."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from easymaker_local.domain.wire import Body, Description, Identifier, Name, Tags, Uri

MAXIMUM_MINUTES = 720 * 60

# The kernel refuses a longer variable (MAX_ARG_STRLEN is 128 KiB with name and end); EM_HPS has to fit.
MAXIMUM_VARIABLE_BYTES = 127 << 10


def variable_suffix(text: str) -> str:
    """Return ``text`` as the tail of a variable name: upper case, other characters become ``_`` (EV-02, HY-06)."""
    return re.sub(r"[^A-Z0-9_]", "_", text.upper())


class Parameter(Body):
    """A hyperparameter: a Key-Value row (TR-12). Numbers and booleans become text."""

    parameter_name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    parameter_value: Annotated[str, StringConstraints(max_length=1000)] = ""

    @model_validator(mode="before")
    @classmethod
    def _older_spellings(cls, data: Any) -> Any:
        """Older SDKs say ``parameterKey``, and before that ``hyperparameterKey`` (rest-api §13.5)."""
        if not isinstance(data, dict):
            return data
        name = next((data[k] for k in ("parameterName", "parameterKey", "hyperparameterKey") if k in data), None)
        value = next((data[k] for k in ("parameterValue", "hyperparameterValue") if k in data), None)
        pieces = {"parameterName": name, "parameterValue": value}
        return {k: v for k, v in pieces.items() if v is not None}

    @field_validator("parameter_value", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, int | float) else value

    @field_validator("parameter_name", "parameter_value")
    @classmethod
    def _no_nul(cls, value: str) -> str:
        if "\0" in value:
            raise ValueError("must not contain a NUL character")
        return value


class Dataset(Body):
    """A data set and its name (TR-18)."""

    dataset_name: Annotated[str, StringConstraints(min_length=1, max_length=36, pattern=r"^[^/\x00]+$")]
    data_uri: Uri

    @field_validator("dataset_name")
    @classmethod
    def _a_folder_name(cls, value: str) -> str:
        if value in {".", ".."}:
            raise ValueError("must not be '.' or '..'")
        return value


class JobForm(Body):
    """What the creation forms of trainings and hyperparameter tunings share. Of this alone nothing is required."""

    experiment_id: Identifier | None = None
    image_id: Identifier | None = None
    flavor_id: Identifier | None = None
    instance_count: Annotated[int, Field(ge=1, le=10)] = 1
    model_upload_uri: Uri | None = None
    timeout_minutes: Annotated[int, Field(ge=1, le=MAXIMUM_MINUTES)] = MAXIMUM_MINUTES
    use_log: bool = False
    use_torchrun: bool = False
    nproc_per_node: Annotated[int, Field(ge=0)] = 0
    data_storage_size: Annotated[int, Field(ge=1, le=10000)] | None = None
    algorithm_id: Identifier | None = None
    source_dir_uri: Uri | None = None
    entry_point: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    dataset_list: Annotated[tuple[Dataset, ...], Field(max_length=10)] = ()
    check_point_input_uri: Uri | None = None
    check_point_upload_uri: Uri | None = None
    tag_list: Tags = ()

    @field_validator("entry_point")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        if value is not None and (value.startswith("/") or ".." in PurePosixPath(value).parts or "\0" in value):
            raise ValueError("must be a file below the algorithm path, without '..'")
        return value

    @field_validator("dataset_list")
    @classmethod
    def _dataset_variables_differ(cls, datasets: tuple[Dataset, ...]) -> tuple[Dataset, ...]:
        refuse_collisions([d.dataset_name for d in datasets], "EM_DATASET_")
        return datasets


class TrainingForm(JobForm):
    """What the creation form holds beside name and description (TR-04 to TR-25). Of this alone nothing is required (TT-03)."""

    hyperparameter_list: Annotated[tuple[Parameter, ...], Field(max_length=100)] = ()

    @field_validator("hyperparameter_list")
    @classmethod
    def _hyperparameter_variables_differ(cls, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        refuse_collisions([p.parameter_name for p in parameters], "EM_HP_")
        together = json.dumps({p.parameter_name: p.parameter_value for p in parameters}, ensure_ascii=False)
        if len(together.encode()) > MAXIMUM_VARIABLE_BYTES:
            raise ValueError(f"together at most {MAXIMUM_VARIABLE_BYTES >> 10} KiB, what the variable EM_HPS can hold")
        return parameters


class TrainingSpec(TrainingForm):
    """A training as requested. What needs the catalogue, storage or machine is checked by ``services/trainings.py``."""

    training_name: Name
    description: Description | None = None
    image_id: Identifier
    flavor_id: Identifier
    model_upload_uri: Uri
    parent_pipeline_run_id: Identifier | None = None
    parent_pipeline_run_task_name: Annotated[str, StringConstraints(max_length=255)] | None = None


class TrainingChange(Body):
    """What may be changed afterwards (GN-13)."""

    training_name: Name | None = None
    description: Description | None = None
    tag_list: Tags | None = None


def refuse_collisions(names: list[str], prefix: str) -> None:
    """TR-27, HY-06: two names must not become the same variable."""
    taken: dict[str, str] = {}
    for name in names:
        variable = prefix + variable_suffix(name)
        if variable in taken:
            raise ValueError(f"{taken[variable]!r} and {name!r} would both become the variable {variable}")
        taken[variable] = name
