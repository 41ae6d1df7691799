"""The link that opens TensorBoard in a browser (EX-05, TR-34). Jobs get none: it would open what is the user's."""

from __future__ import annotations

from fastapi import APIRouter

from easymaker_local.api.deps import Appkey, CredentialsDep, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.web_servers.login import WebLoginView, issue_login
from easymaker_local.domain.tensorboard import Board, Scope

router = APIRouter(tags=["tensorboard"])


class TensorboardLoginAnswer(Envelope):
    """A one-time link."""

    tensorboard_login: WebLoginView


@router.post("/tensorboard/{scope}/{resource_id}/login")
async def create_tensorboard_login(
    appkey: Appkey, scope: Scope, resource_id: str, services: ServicesDep, credentials: CredentialsDep
) -> TensorboardLoginAnswer:
    """Make a link to the TensorBoard of an experiment, training or tuning that signs a browser in, once and within minutes."""
    match scope:
        case Scope.EXPERIMENT:
            await services.experiments.get(resource_id)
        case Scope.TRAINING:
            await services.trainings.get(resource_id)
        case Scope.TUNING:
            await services.tunings.get(resource_id)
    view = issue_login(credentials, services.context.settings, Board(scope, resource_id).path, "TensorBoard")
    return TensorboardLoginAnswer(tensorboard_login=view)
