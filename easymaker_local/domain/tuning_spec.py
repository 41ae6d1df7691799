"""What a user asks for when creating a hyperparameter tuning (HP.1, rest-api §6.6)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, field_validator

from easymaker_local.domain.metric_lines import DEFAULT_REGEX, MetricRegex
from easymaker_local.domain.training_spec import JobForm, refuse_collisions
from easymaker_local.domain.wire import Body, Description, Identifier, Name, Tags, Uri

MAXIMUM_INSTANCES = 10
MAXIMUM_METRICS = 10


class HyperparameterType(StrEnum):
    """HP-14; lower case on the wire (rest-api §3)."""

    INT = "int"
    DOUBLE = "double"
    DISCRETE = "discrete"
    CATEGORICAL = "categorical"

    @property
    def is_range(self) -> bool:
        """True if it is given by its ends, false if by its values."""
        return self in {HyperparameterType.INT, HyperparameterType.DOUBLE}


class Strategy(StrEnum):
    """HP-05."""

    GRID = "GRID"
    RANDOM = "RANDOM"
    BAYESIAN_OPTIMIZATION = "BAYESIAN_OPTIMIZATION"


class ObjectiveType(StrEnum):
    """HP-29."""

    MINIMIZE = "MINIMIZE"
    MAXIMIZE = "MAXIMIZE"


class EarlyStopping(StrEnum):
    """HP-33; without one no trial is ended early."""

    MEDIAN = "MEDIAN"


def _number_as_text(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


NumberText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64), BeforeValidator(_number_as_text)]


def _has_name_and_value(value: str) -> str:
    MetricRegex(value)
    return value


MetricFormat = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_has_name_and_value)]
"""HP-27."""


class HyperparameterSpec(Body):
    """One hyperparameter and the values that it may take. What does not fit together is found by ``search_space.faults``."""

    hyperparameter_name: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]
    hyperparameter_type_code: HyperparameterType
    hyperparameter_min_value: NumberText | None = None
    hyperparameter_max_value: NumberText | None = None
    hyperparameter_step: NumberText | None = None
    hyperparameter_specified_values: Annotated[str, StringConstraints(max_length=3000, pattern=r"^[^\x00]*$")] | None = None

    @field_validator("hyperparameter_type_code", mode="before")
    @classmethod
    def _lower_case(cls, value: Any) -> Any:
        """The vendor's guide prints upper case (rest-api §14)."""
        return value.lower() if isinstance(value, str) else value


class MetricName(Body):
    """A metric that is collected (HP-26)."""

    # Stripped, as matches are; what no line can hold would never be found.
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=36, pattern=r"^[^\x00-\x1f\x7f]+$")]


class TuningSpec(JobForm):
    """A tuning as requested; ``instance_count`` are the nodes of all trials that run at once (HP-20)."""

    hyperparameter_tuning_name: Name
    description: Description | None = None
    image_id: Identifier
    flavor_id: Identifier
    model_upload_uri: Uri
    parallel_trial_count: Annotated[int, Field(ge=1, le=MAXIMUM_INSTANCES)] = 1
    hyperparameter_spec_list: Annotated[tuple[HyperparameterSpec, ...], Field(max_length=100)] = ()
    metric_list: Annotated[tuple[MetricName, ...], Field(max_length=MAXIMUM_METRICS)] = ()
    metric_regex: MetricFormat = DEFAULT_REGEX
    objective_metric: MetricName | None = None
    objective_type_code: ObjectiveType | None = None
    objective_goal: Annotated[float, Field(allow_inf_nan=False)] | None = None
    max_failed_trial_count: Annotated[int, Field(ge=1)] | None = None
    max_trial_count: Annotated[int, Field(ge=1)] | None = None
    tuning_strategy_name: Strategy | None = None
    tuning_strategy_random_state: Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)] | None = None
    early_stopping_algorithm: EarlyStopping | None = None
    early_stopping_min_trial_count: Annotated[int, Field(ge=1)] = 3
    early_stopping_start_step: Annotated[int, Field(ge=1)] = 4

    @field_validator("hyperparameter_spec_list")
    @classmethod
    def _variables_differ(cls, specs: tuple[HyperparameterSpec, ...]) -> tuple[HyperparameterSpec, ...]:
        refuse_collisions([spec.hyperparameter_name for spec in specs], "EM_HP_")
        return specs

    @field_validator("metric_list")
    @classmethod
    def _metrics_differ(cls, metrics: tuple[MetricName, ...]) -> tuple[MetricName, ...]:
        names = [metric.name for metric in metrics]
        if len(set(names)) < len(names):
            raise ValueError("a metric is named twice")
        return metrics

    @property
    def nodes_per_trial(self) -> int:
        """HP-21."""
        return max(1, self.instance_count // self.parallel_trial_count)

    def place_of_model(self, trial_id: str) -> str:
        """Return where a trial's model goes: below the tuning's own address (HP-25)."""
        return f"{self.model_upload_uri.rstrip('/')}/{trial_id}"

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What is collected."""
        return tuple(metric.name for metric in self.metric_list)

    @property
    def objective(self) -> str:
        """Name of the objective metric; a tuning that was accepted has one."""
        return self.objective_metric.name if self.objective_metric is not None else ""


class TuningChange(Body):
    """What may be changed afterwards (GN-13)."""

    hyperparameter_tuning_name: Name | None = None
    description: Description | None = None
    tag_list: Tags | None = None
