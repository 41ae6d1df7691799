"""The contract between the controllers and the gateway (GW-L01…GW-L05).

The gateway has a store of its own: what it was told is there after a restart of the daemon, and what somebody removes there is
really gone (GW-15, GW-16). Every verb may be called again at any time, also after a crash in the middle of an earlier call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from easymaker_local.domain.gateway import ApiCount, ApiKey, Backend, Deployed, GatewayResource, GatewayService, ModelLoad
from easymaker_local.gateway.user_resources import UserResource


class Gateway(Protocol):
    """Routes requests. All methods may block on I/O inside but not the event loop."""

    async def put_service(self, service: GatewayService) -> Mapping[str, Deployed]:
        """Make this service and its stages what is in force, all at once; return how that stands, by stage.

        Stages that are deployed as they are wanted stay untouched; a stage that is not named is left alone. With another
        ``default_stage_id`` the default URL changes without a failed request (EP-32). A stage whose settings could not be
        brought into force keeps its earlier version and is STAGE DEPLOY FAIL. Raises Conflict beyond a quota (EP-17).
        """
        ...

    async def deploy_stage(self, stage_id: str) -> Deployed:
        """Deploy once more what was told (GW-04). Raises NotFound for an unknown stage, Conflict for one removed outside."""
        ...

    async def remove_stage(self, stage_id: str) -> None:
        """Answer no new request for the stage; those under way go on. Calm about absence."""
        ...

    async def remove_service(self, service_id: str) -> None:
        """Remove a service with what is left of its stages. Calm about absence."""
        ...

    async def status(self, stage_id: str) -> Deployed:
        """Return what there really is of a stage now (GW-18)."""
        ...

    def settings(self, stage_id: str) -> Sequence[GatewayResource]:
        """Return what is deployed to a stage (GW-03). Raises NotFound if nothing is."""
        ...

    async def set_backends(self, stage_id: str, model_id: str, backends: Sequence[Backend]) -> None:
        """Let these pods, and no others, answer for a model; in force on return. Requests under way at others go on.

        Requests that were held for the model are let go if there is a pod now.
        """
        ...

    def resources(self) -> Sequence[UserResource]:
        """Return what users have made, beside what is generated (EP-15)."""
        ...

    async def put_resource(self, resource: UserResource) -> None:
        """Make or replace one of these; in force on return. Raises InvalidRequest (GW-09), NotFound."""
        ...

    async def remove_resource(self, name: str) -> None:
        """Take one of these away; in force on return. Raises NotFound."""
        ...

    async def counts(self) -> Mapping[ApiKey, ApiCount]:
        """Return what was counted since ``epoch`` began. Raises TransientError if the gateway does not answer."""
        ...

    async def loads(self) -> Mapping[tuple[str, str], ModelLoad]:
        """Return how many requests are under way, by stage and model, with those that are held. Raises TransientError."""
        ...

    async def reopen_access_log(self) -> None:
        """Begin another file at the access log's path, after somebody has renamed the one there. Raises TransientError."""
        ...

    @property
    def epoch(self) -> str:
        """Name of the process that counts: with another one, counting has begun anew. Empty while there is none."""
        ...

    @property
    def replaced(self) -> tuple[str, Mapping[ApiKey, ApiCount]] | None:
        """Epoch and counts of a process that was replaced when this gateway was opened, as they were then."""
        ...

    def on_held(self, callback: Callable[[str, str], None]) -> None:
        """Call ``callback(stage id, model id)`` from the event loop when a request has begun to wait for a held model."""
        ...
