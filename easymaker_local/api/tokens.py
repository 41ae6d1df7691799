"""The token of object storage by the SDK's route, which hangs off the root and not off the application key (rest-api §7.1)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from easymaker_local.api.access import presented_token
from easymaker_local.api.deps import Appkey
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.domain import storage_token
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.credentials import Caller, Credentials

router = APIRouter(tags=["storage"])

Group = Annotated[str, Path(description="Group id. One appliance is one project, so any text is accepted.")]


class TokenView(Wire):
    """A token of object storage; ``expires`` with fraction and offset, as the SDK parses it."""

    id: str
    expires: str


class TokenAccess(Wire):
    """What the SDK calls it."""

    token: TokenView


class TokenAnswer(Envelope):
    """A token for the Swift API."""

    access: TokenAccess


@router.get("/token/v1.0/appkeys/{appkey}/groups/{group}/iaas-token")
async def issue_storage_token(appkey: Appkey, group: Group, request: Request) -> TokenAnswer:
    """Issue a token for object storage; it is good for some hours (a job's: little over one) and for nothing else."""
    credentials: Credentials = request.app.state.credentials
    presented = presented_token(request.headers)
    is_job = presented is not None and await credentials.caller(presented) is Caller.JOB
    lifetime = storage_token.JOB_LIFETIME_SECONDS if is_job else storage_token.LIFETIME_SECONDS
    key, now = storage_token.derive_key(credentials.token), request.app.state.services.context.clock.now()
    token, expires = storage_token.issue(key, now, lifetime)
    return TokenAnswer(access=TokenAccess(token=TokenView(id=token, expires=to_iso(expires))))
