"""The calls about endpoints, stages and stage resources, as a part of ``Client``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from easymaker_local.client.endpoint_shapes import (
    CreatedEndpoint,
    DefaultStagePreview,
    Deployment,
    Endpoint,
    GatewaySettings,
    Pod,
    PodLog,
    PodLogPiece,
    Stage,
    StagePreview,
    StageResource,
    Usable,
    UserGatewayResource,
)
from easymaker_local.client.shapes import Body, Event

_ANSWER_SECONDS = 60.0


class EndpointCalls:
    """Needs ``_call`` and ``_list`` of ``Client``."""

    _call: Callable[..., dict[str, Any]]
    _list: Callable[..., list[Any]]

    def endpoints(
        self, *, name: str | None = None, statuses: Sequence[str] = (), id_prefix: str | None = None,
        keyword: str | None = None, sort_by: str | None = None, sort_order: str | None = None, limit: int | None = None,
    ) -> list[Endpoint]:  # fmt: skip
        """Return the endpoints that meet every condition, or ``limit`` of them; newest first unless sorted otherwise."""
        query = {
            "endpointName": name, "endpointStatusCodeList": [*statuses] or None, "endpointIdPrefix": id_prefix,
            "keyword": keyword,
            "sortBy": sort_by, "sortOrder": sort_order,
        }  # fmt: skip
        return cast(list[Endpoint], self._list("endpoints", "endpointList", query, limit))

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return one."""
        return cast(Endpoint, self._call("GET", "endpoints", endpoint_id)["endpoint"])

    def create_endpoint(self, body: Body) -> CreatedEndpoint:
        """Ask for one with its default stage; InvalidRequest names every field at fault."""
        return cast(CreatedEndpoint, self._call("POST", "endpoints", body=body))

    def check_endpoint(self, body: Body) -> None:
        """Raise what its creation would raise; nothing is created."""
        self._call("POST", "endpoints", "check", body=body)

    def change_endpoint(self, endpoint_id: str, body: Body) -> Endpoint:
        """Change description or tags."""
        return cast(Endpoint, self._call("PATCH", "endpoints", endpoint_id, body=body)["endpoint"])

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Ask for its deletion, with its default stage."""
        self._call("DELETE", "endpoints", endpoint_id)

    def retry_endpoint_deletion(self, endpoint_id: str) -> Endpoint:
        """Let a deletion that hangs be tried again."""
        return cast(Endpoint, self._call("PUT", "endpoints", endpoint_id, "retry")["endpoint"])

    def change_default_stage(self, endpoint_id: str, stage_id: str, *, stop_first: bool = False) -> Endpoint:
        """Ask that another stage becomes the default one."""
        body = {"endpointStageId": stage_id, "stopFirst": stop_first}
        return cast(Endpoint, self._call("PUT", "endpoints", endpoint_id, "default-stage", body=body)["endpoint"])

    def preview_default_stage(self, endpoint_id: str, stage_id: str) -> DefaultStagePreview:
        """Say what that would do."""
        answer = self._call("GET", "endpoints", endpoint_id, "default-stage", "preview", query={"endpointStageId": stage_id})
        return cast(DefaultStagePreview, answer["defaultStagePreview"])

    def api_key(self, endpoint_id: str) -> str | None:
        """Return the key that calls need; None: they need none."""
        return cast("str | None", self._call("GET", "endpoints", endpoint_id, "api-key")["endpointApiKey"]["apiKey"])

    def change_api_key(self, endpoint_id: str, *, enable: bool) -> str | None:
        """Make a new key, or let calls need none."""
        answer = self._call("PUT", "endpoints", endpoint_id, "api-key", body={"apiKeyEnable": enable})
        return cast("str | None", answer["endpointApiKey"]["apiKey"])

    def endpoint_events(self, endpoint_id: str, after: int = 0) -> list[Event]:
        """Return its history, oldest first."""
        return cast(list[Event], self._call("GET", "endpoints", endpoint_id, "events", query={"after": after})["eventList"])

    # -- stages

    def stages(
        self, endpoint_id: str | None = None, *, name: str | None = None, id_prefix: str | None = None,
        keyword: str | None = None, sort_by: str | None = None, sort_order: str | None = None, limit: int | None = None,
    ) -> list[Stage]:  # fmt: skip
        """Return the stages that meet every condition, or ``limit`` of them; newest first unless sorted otherwise."""
        query = {
            "endpointId": endpoint_id, "apigwStageName": name, "endpointStageIdPrefix": id_prefix, "keyword": keyword,
            "sortBy": sort_by, "sortOrder": sort_order,
        }  # fmt: skip
        return cast(list[Stage], self._list("endpoint-stages", "endpointStageList", query, limit))

    def stage(self, stage_id: str) -> Stage:
        """Return one."""
        return cast(Stage, self._call("GET", "endpoint-stages", stage_id)["endpointStage"])

    def create_stage(self, body: Body) -> Stage:
        """Ask for one; InvalidRequest names every field at fault."""
        return cast(Stage, self._call("POST", "endpoint-stages", body=body)["endpointStage"])

    def preview_stage(self, body: Body) -> StagePreview:
        """Say what a stage would take and whether it fits."""
        return cast(StagePreview, self._call("POST", "endpoint-stages", "preview", body=body)["endpointStagePreview"])

    def check_stage(self, body: Body) -> None:
        """Raise what its creation would raise; nothing is created."""
        self._call("POST", "endpoint-stages", "check", body=body)

    def change_stage(self, stage_id: str, body: Body) -> Stage:
        """Change description or tags."""
        return cast(Stage, self._call("PATCH", "endpoint-stages", stage_id, body=body)["endpointStage"])

    def delete_stage(self, stage_id: str) -> None:
        """Ask for its deletion."""
        self._call("DELETE", "endpoint-stages", stage_id)

    def deploy_stage(self, stage_id: str) -> Deployment:
        """Deploy it to the gateway by hand."""
        return cast(Deployment, self._call("PUT", "endpoint-stages", stage_id, "deploy")["deployment"])

    def gateway_resources(self, stage_id: str) -> list[UserGatewayResource]:
        """Return the paths that users have added to it, by name."""
        answer = self._call("GET", "endpoint-stages", stage_id, "gateway-resources")
        return cast(list[UserGatewayResource], answer["gatewayResourceList"])

    def create_gateway_resource(self, stage_id: str, body: Body) -> UserGatewayResource:
        """Add a path to it."""
        answer = self._call("POST", "endpoint-stages", stage_id, "gateway-resources", body=body)
        return cast(UserGatewayResource, answer["gatewayResource"])

    def delete_gateway_resource(self, stage_id: str, name: str) -> None:
        """Take a path away that a user has added."""
        self._call("DELETE", "endpoint-stages", stage_id, "gateway-resources", name)

    def gateway_settings(self, stage_id: str) -> GatewaySettings:
        """Return what was deployed to the gateway."""
        return cast(GatewaySettings, self._call("GET", "endpoint-stages", stage_id, "gateway")["gatewaySettings"])

    def pods(self, stage_id: str) -> list[Pod]:
        """Return its pods, oldest first."""
        return cast(list[Pod], self._call("GET", "endpoint-stages", stage_id, "pods")["podList"])

    def pod_logs(self, stage_id: str) -> list[PodLog]:
        """Return what logs its pods have, those of pods that are gone too; written to last at the end."""
        return cast(list[PodLog], self._call("GET", "endpoint-stages", stage_id, "pod-logs")["podLogList"])

    def pod_log(self, stage_id: str, pod_id: str, offset: int = 0, wait_seconds: float = 0) -> PodLogPiece:
        """Return a piece of the log of a pod; waits up to ``wait_seconds`` for more."""
        query = {"offset": offset, "waitSeconds": wait_seconds}
        path = ("endpoint-stages", stage_id, "pods", pod_id, "log")
        return cast(PodLogPiece, self._call("GET", *path, query=query, timeout=_ANSWER_SECONDS + wait_seconds)["log"])

    def stage_events(self, stage_id: str, after: int = 0) -> list[Event]:
        """Return its history, oldest first."""
        found = self._call("GET", "endpoint-stages", stage_id, "events", query={"after": after})["eventList"]
        return cast(list[Event], found)

    # -- stage resources

    def stage_resources(
        self, stage_id: str | None = None, *, model_id: str | None = None, id_prefix: str | None = None,
        limit: int | None = None,
    ) -> list[StageResource]:  # fmt: skip
        """Return the stage resources, newest first: all that meet every condition, or ``limit`` of them."""
        query = {"endpointStageId": stage_id, "modelId": model_id, "endpointModelIdPrefix": id_prefix}
        return cast(list[StageResource], self._list("endpoint-models", "endpointModelList", query, limit))

    def stage_resource(self, resource_id: str) -> StageResource:
        """Return one."""
        return cast(StageResource, self._call("GET", "endpoint-models", resource_id)["endpointModel"])

    def create_stage_resource(self, body: Body) -> StageResource:
        """Deploy one more model on a stage; InvalidRequest names every field at fault."""
        return cast(StageResource, self._call("POST", "endpoint-models", body=body)["endpointModel"])

    def delete_stage_resource(self, resource_id: str) -> None:
        """Take a model off its stage."""
        self._call("DELETE", "endpoint-models", resource_id)

    def usable_resource(self, flavor_id: str) -> Usable:
        """Return what pods may use of an instance of a flavor."""
        return cast(Usable, self._call("GET", "flavors", flavor_id, "usable")["usableResource"])
