"""A stage in service: what the gateway is told, how pods are looked after, whether they answer (EP-13, EP-34, SR-L03)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from easymaker_local.controllers.endpoint_routes import EndpointRoutes
from easymaker_local.controllers.pods import Looked, Pods
from easymaker_local.controllers.stage_view import View, view
from easymaker_local.domain.endpoint import Pod, PodState, ResourceStatus, StageStatus, Wish
from easymaker_local.domain.gateway import Backend, Deployed, GatewayStatus
from easymaker_local.domain.pods import ready
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.stage import cause_of_gateway
from easymaker_local.errors import Conflict, PermanentError, TransientError
from easymaker_local.services.context import Context

log = logging.getLogger(__name__)


@dataclass
class StageServing:
    """What the steps of a stage's controller have in common; nothing is written here."""

    context: Context
    routes: EndpointRoutes
    pods: Pods

    async def tell(self, seen: View) -> tuple[Deployed | None, Cause | None]:
        """Bring gateway and rows together: what is to wait is held before its pods go, and let go after they came.

        Returns why that could not be done, if so: then no pod may go that the gateway still has.
        """
        endpoint_id, stage_id = seen.endpoint.id, seen.stage.id
        backends = await self._backends(seen)
        try:
            told = (await self.routes.put(endpoint_id)).get(stage_id)
            refused = _refusal(told) and _refusal(await self.routes.gateway.status(stage_id))  # deployed by hand (GW-04)
            if refused is not None:
                # What is to wait may not be held yet: without pods it would be answered with 503.
                backends = {model_id: pods for model_id, pods in backends.items() if pods}
            await self.routes.set_backends(stage_id, backends)
            deployed = (await self.routes.put(endpoint_id, let_go=stage_id)).get(stage_id)
            if seen.stage.status is StageStatus.DEPLOY_IN_PROGRESS:
                deployed = await self.routes.gateway.status(stage_id)  # as it really is, also by hand or removed (GW-18)
        except Conflict as error:
            return None, Cause(Reason.QUOTA_EXCEEDED, str(error))
        except (TransientError, PermanentError, OSError) as error:
            log.warning("stage %s: the gateway: %s", stage_id, error)
            return None, Cause(Reason.GATEWAY_FAILED, f"The API gateway does not take what is new: {error}")
        return deployed, refused

    async def _backends(self, seen: View) -> dict[str, list[Backend]]:
        """Return who answers for each model: the pods of all resources that carry it (EP-13)."""
        found: dict[str, list[Backend]] = {}
        for resource in seen.resources:
            if resource.wish is Wish.DELETE or resource.status is ResourceStatus.DELETE_IN_PROGRESS:
                continue
            here = found.setdefault(resource.model_id, [])
            for pod in seen.pods_of(resource):
                if pod.state is PodState.READY and (backend := await self.pods.backend(pod)) is not None:
                    here.append(backend)
        return found

    async def tend(self, seen: View, pods: Sequence[Pod]) -> Looked:
        """Look after pods, all at once; a driver that does not answer for one keeps the others from nothing."""
        done = await asyncio.gather(*(self.pods.tend(seen, pod) for pod in pods), return_exceptions=True)
        looked = [found for found in done if isinstance(found, Looked)]
        for problem in done:
            if isinstance(problem, BaseException) and not any(found.has_changed for found in looked):
                raise problem
        pauses = [found.pause for found in looked if found.pause is not None]
        return Looked(any(found.has_changed for found in looked), min(pauses, default=None))

    async def why_not_ready(self, stage_id: str) -> Cause | None:
        """Ask the pods of a stage now; return why it cannot answer for all of its models, None: it can (EP-34)."""
        seen = await self.context.store.read(lambda db: view(db, stage_id))
        for model_id in dict.fromkeys(resource.model_id for resource in seen.resources):
            carriers = [resource for resource in seen.resources if resource.model_id == model_id]
            pods = [pod for resource in carriers for pod in ready(seen.pods_of(resource))]
            sleeps = all(resource.wanted_pods == 0 for resource in carriers)  # its requests wait until it is awake
            if not sleeps and not any([await self.pods.answers(seen, pod) for pod in pods]):
                name = seen.models[model_id].name if model_id in seen.models else model_id
                return Cause(Reason.NOT_READY, f"No pod of model {name!r} answers on stage {seen.stage.name!r}.")
        return None


def _refusal(deployed: Deployed | None) -> Cause | None:
    """Return why what was told last is not in force; None: it is, or the gateway does not have the stage (GW-15)."""
    if deployed is None or deployed.status in {GatewayStatus.ACTIVE, GatewayStatus.NOT_FOUND_STAGE}:
        return None
    return cause_of_gateway(deployed)
