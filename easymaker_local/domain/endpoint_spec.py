"""What a user asks for when creating an endpoint, a stage or a stage resource: EP-02…EP-12, SR-01…SR-11, rest-api §6.10."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from easymaker_local.domain import gateway, quantity
from easymaker_local.domain.endpoint_urls import NOT_FOR_STAGES
from easymaker_local.domain.wire import Body, Description, Identifier, Name, Tags

MAXIMUM_RESOURCES = 10
MAXIMUM_NODES = 10
MAXIMUM_PODS = 100


class ScaleMetric(StrEnum):
    """By what pods are scaled (AS-14, SD-05); by requests under way is an addition."""

    CPU_UTILIZATION = "CPU_UTILIZATION"
    MEMORY_UTILIZATION = "MEMORY_UTILIZATION"
    REQUESTS = "REQUESTS"


def _path(text: str) -> str:
    if text and not re.fullmatch(r"(/[A-Za-z0-9._~-]{1,60}){1,5}", text):
        raise ValueError("must look like /inference: letters, digits, '.', '_', '~' and '-' after each '/'")
    if text.startswith(("/v1", "/v2", "/openai")):
        raise ValueError("must not begin like the paths of the inference protocol: /v1, /v2, /openai")
    return text


def _stage_name(text: str) -> str:
    if not gateway.STAGE_NAME.fullmatch(text):
        raise ValueError("must have 1 to 30 lower-case letters and digits")
    if text in NOT_FOR_STAGES:
        raise ValueError(f"{text!r} stands for something else in URLs; choose another name")
    return text


def _endpoint_name(text: str) -> str:
    if text in {".", ".."} or "/" in text:
        raise ValueError("must not contain '/', as it becomes a part of the URL")
    if text in gateway.RESERVED_NAMES or text.startswith("."):
        raise ValueError(f"{text!r} stands for something else in URLs; choose another name")
    return text


ResourcePath = Annotated[str, StringConstraints(max_length=255), AfterValidator(_path)]
StageName = Annotated[str, AfterValidator(_stage_name)]


class Allocation(Body):
    """What each pod gets: a percentage of the usable resources of an instance, or amounts; nothing: equal shares (SR-02).

    For one resource, CPU or memory or GPU, there is either (SR-10). A percentage beside an amount is therefore no
    contradiction: it is for the resources that have no amount. Beside amounts for both CPU and memory it is refused.
    """

    percentage: (
        Annotated[float, Field(gt=0, le=100, description="Share of what is usable, of each resource that has no amount here.")]
        | None
    ) = None
    cpu: str | None = None
    memory: str | None = None
    gpu: str | None = None

    @field_validator("cpu", "memory", "gpu", mode="before")
    @classmethod
    def _numbers_too(cls, value: Any) -> Any:
        return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _are_amounts(self) -> Allocation:
        if self.cpu is not None:
            quantity.cpu_milli(self.cpu)
        if self.memory is not None and quantity.memory_mib(self.memory) < 1:
            raise ValueError("memory: at least 1Mi")
        if self.gpu is not None:
            quantity.devices(self.gpu)
        if self.percentage is not None and None not in (self.cpu, self.memory):
            raise ValueError("a percentage and direct amounts exclude each other")
        return self


class ResourceSpec(Body):
    """One stage resource (SR). ``idle_minutes``: scale to zero after so long without a request; 0: never."""

    model_id: Identifier
    resource_option_detail: Allocation = Allocation()
    pod_count: Annotated[int, Field(ge=1, le=MAXIMUM_PODS)] = 1
    description: Description | None = None
    pod_auto_scale_enable: bool = False
    scale_metric_code: ScaleMetric = ScaleMetric.CPU_UTILIZATION
    scale_metric_target: Annotated[int, Field(ge=1)] = 50
    scale_to_zero_idle_minutes: Annotated[float, Field(ge=0, le=10080)] = 0
    apigw_resource_uri: ResourcePath = ""


class StageSettings(Body):
    """What endpoint and stage creation share (EP-06…EP-12, AS-02…AS-09)."""

    flavor_id: Identifier
    node_count: Annotated[int, Field(ge=1, le=MAXIMUM_NODES)] = 1
    endpoint_model_resource_list: Annotated[tuple[ResourceSpec, ...], Field(min_length=1, max_length=MAXIMUM_RESOURCES)]
    description: Description | None = None
    use_log: bool = False
    ca_enable: bool = False
    ca_min_node_count: Annotated[int, Field(ge=1, le=MAXIMUM_NODES)] = 1
    ca_max_node_count: Annotated[int, Field(ge=1, le=MAXIMUM_NODES)] = 10
    ca_scale_down_enable: bool = True
    ca_scale_down_util_thresh: Annotated[int, Field(ge=0, le=100)] = 50
    ca_scale_down_unneeded_time: Annotated[int, Field(ge=0, le=10080)] = 10
    ca_scale_down_delay_after_add: Annotated[int, Field(ge=0, le=10080)] = 10
    tag_list: Tags = ()

    @model_validator(mode="before")
    @classmethod
    def _older_form(cls, data: Any) -> Any:
        """SDK 1.0 names one model at the top (rest-api §13.3)."""
        if not isinstance(data, dict) or data.get("modelId") is None or data.get("endpointModelResourceList"):
            return data
        only = {"modelId": data["modelId"], "apigwResourceUri": data.get("apigwResourceUri")}
        return {**data, "endpointModelResourceList": [only]}

    # AS-09, each at its own field; the defaults are in order with every number of instances.
    @field_validator("ca_min_node_count")
    @classmethod
    def _at_most_the_nodes(cls, value: int, info: ValidationInfo) -> int:
        nodes = info.data.get("node_count", value)
        if info.data.get("ca_enable") and value > nodes:
            raise ValueError(f"must be at most the number of instances (nodeCount), which is {nodes}")
        return value

    @field_validator("ca_max_node_count")
    @classmethod
    def _at_least_the_nodes(cls, value: int, info: ValidationInfo) -> int:
        nodes = info.data.get("node_count", value)
        if info.data.get("ca_enable") and value < nodes:
            raise ValueError(f"must be at least the number of instances (nodeCount), which is {nodes}")
        return value


class EndpointSpec(StageSettings):
    """A new endpoint with its default stage. ``api_key_enable``: who calls it needs the key that creation makes."""

    endpoint_name: Annotated[Name, AfterValidator(_endpoint_name)]
    api_key_enable: bool = False


class StageSpec(StageSettings):
    """A new stage of an endpoint."""

    endpoint_id: Identifier
    apigw_stage_name: StageName


class StageResourceSpec(ResourceSpec):
    """A new resource of a stage ("create stage resource", SR)."""

    endpoint_stage_id: Identifier


class GatewayResourceSpec(Body):
    """A path of a user's own below a stage's URL (EP-15). ``model_id`` None: the stage's first model answers."""

    resource_name: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    resource_path: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    method_list: Annotated[tuple[str, ...], Field(min_length=1, max_length=10)] = ("POST",)
    model_id: Identifier | None = None
    rewrite_path: Annotated[str, StringConstraints(min_length=1, max_length=255)] = "/"


class EndpointChange(Body):
    """What can change of an endpoint or stage; what is absent stays (GN-13)."""

    description: Description | None = None
    tag_list: Tags | None = None


class StagePreview(StageSettings):
    """A stage that could be made, for a look at what it would take; ``endpoint_id`` None: with an endpoint of its own."""

    endpoint_id: Identifier | None = None
    apigw_stage_name: StageName | None = None


class DefaultStageChange(Body):
    """Which stage becomes the default one. ``stop_first``: the present one is deleted first, and requests wait (EP-32)."""

    endpoint_stage_id: Identifier
    stop_first: bool = False


class ApiKeyChange(Body):
    """Whether calls need a key; with True there is a new one, and the former one ends."""

    api_key_enable: bool
