"""The token of object storage by the SDK's route, which hangs off the root and not off the application key (rest-api §7.1)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from easymaker_local.api.deps import Appkey
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.domain import storage_token
from easymaker_local.kit.clock import to_iso

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
    """Issue a token for object storage; it is good for some hours and for nothing else."""
    key = storage_token.derive_key(request.app.state.credentials.token)
    token, expires = storage_token.issue(key, request.app.state.services.context.clock.now())
    return TokenAnswer(access=TokenAccess(token=TokenView(id=token, expires=to_iso(expires))))
