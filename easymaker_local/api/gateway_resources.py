"""Paths of users' own at the gateway, below the URL of a stage (EP-15, GW-06); all of it is ours, in the vendor's manner."""

from __future__ import annotations

from fastapi import APIRouter

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.domain.endpoint_spec import GatewayResourceSpec
from easymaker_local.gateway.user_resources import UserResource

router = APIRouter(tags=["endpoints"])


class GatewayResourceView(Wire):
    """A path below the stage's URL, and to which path of a model's pods it leads; ``modelId`` null: the stage's first one."""

    resource_name: str
    resource_path: str
    method_list: list[str]
    model_id: str | None
    rewrite_path: str

    @classmethod
    def of(cls, found: UserResource) -> GatewayResourceView:
        """Show it."""
        return cls(
            resource_name=found.name, resource_path=found.path, method_list=list(found.methods),
            model_id=found.model_id or None, rewrite_path=found.rewrite,
        )  # fmt: skip


class GatewayResourceAnswer(Envelope):
    """One path."""

    gateway_resource: GatewayResourceView


class GatewayResourceListAnswer(Envelope):
    """The paths of a stage, by name."""

    gateway_resource_list: list[GatewayResourceView]


@router.post("/endpoint-stages/{endpoint_stage_id}/gateway-resources")
async def create_gateway_resource(
    appkey: Appkey, endpoint_stage_id: str, body: GatewayResourceSpec, services: ServicesDep
) -> GatewayResourceAnswer:
    """Add a path of your own to a stage, in force on return. Below generated paths nothing can be added."""
    made = await services.gateway_resources.create(endpoint_stage_id, body)
    return GatewayResourceAnswer(gateway_resource=GatewayResourceView.of(made))


@router.get("/endpoint-stages/{endpoint_stage_id}/gateway-resources")
async def list_gateway_resources(appkey: Appkey, endpoint_stage_id: str, services: ServicesDep) -> GatewayResourceListAnswer:
    """List the paths of a stage that users have added, by name."""
    found = await services.gateway_resources.of_stage(endpoint_stage_id)
    return GatewayResourceListAnswer(gateway_resource_list=[GatewayResourceView.of(each) for each in found])


@router.delete("/endpoint-stages/{endpoint_stage_id}/gateway-resources/{resource_name}")
async def delete_gateway_resource(
    appkey: Appkey, endpoint_stage_id: str, resource_name: str, services: ServicesDep
) -> Envelope:
    """Take a path away that a user has added, in force on return."""
    await services.gateway_resources.delete(endpoint_stage_id, resource_name)
    return Envelope()
