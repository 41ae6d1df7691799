"""The link that opens TensorBoard in a browser (EX-05, TR-34). Jobs get none: it would open what is the user's."""

from __future__ import annotations

from fastapi import APIRouter

from easymaker_local.api.deps import Appkey, CredentialsDep, ServicesDep
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.domain.tensorboard import Board, Scope
from easymaker_local.errors import Conflict
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.credentials import Origin

router = APIRouter(tags=["tensorboard"])


class TensorboardLoginView(Wire):
    """``accessUri`` is the address for good, ``loginUri`` leads there once and signs the browser in."""

    access_uri: str
    login_uri: str
    expires_datetime: str


class TensorboardLoginAnswer(Envelope):
    """A one-time link."""

    tensorboard_login: TensorboardLoginView


@router.post("/tensorboard/{scope}/{resource_id}/login")
async def create_tensorboard_login(
    appkey: Appkey, scope: Scope, resource_id: str, services: ServicesDep, credentials: CredentialsDep
) -> TensorboardLoginAnswer:
    """Make a link to the TensorBoard of an experiment or training that signs a browser in, once and within minutes."""
    match scope:
        case Scope.EXPERIMENT:
            await services.experiments.get(resource_id)
        case Scope.TRAINING:
            await services.trainings.get(resource_id)
    gateway = services.context.settings.gateway_url
    if gateway is None:
        raise Conflict("TensorBoard is behind the gateway's port, and gateway_port is 0.", hint="Set gateway_port.")
    uri = gateway + Board(scope, resource_id).path
    made = credentials.issue_code(Origin.GATEWAY)
    view = TensorboardLoginView(
        access_uri=uri, login_uri=f"{uri}login?code={made.code}", expires_datetime=to_iso(made.expires_at)
    )
    return TensorboardLoginAnswer(tensorboard_login=view)
