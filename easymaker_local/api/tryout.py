"""Trying out a stage (ours): the page speaks to the daemon alone, and endpoints answer on another origin (architecture 12)."""

from __future__ import annotations

from base64 import b64encode
from enum import StrEnum

from fastapi import APIRouter

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.domain.tryout import Tried, TryOut

router = APIRouter(tags=["endpoints"])


class BodyEncoding(StrEnum):
    """How ``body`` carries the bytes of an answer."""

    TEXT = "TEXT"
    BASE64 = "BASE64"


class TriedHeaderView(Wire):
    """One header of an answer."""

    header_name: str
    header_value: str


class TriedView(Wire):
    """What the stage answered; ``statusCode`` is its own, also 404 or 503.

    ``body``: at most 4 MiB; ``isBodyCut``: there was more. ``milliseconds``: until all of it was there.
    """

    status_code: int
    header_list: list[TriedHeaderView]
    body: str
    body_encoding: BodyEncoding
    is_body_cut: bool
    milliseconds: float

    @classmethod
    def of(cls, tried: Tried) -> TriedView:
        """Show it, as text if it is some."""
        try:
            # Where it was cut may be in the middle of a character.
            body = tried.content.decode() if not tried.is_cut else _begun(tried.content)
            encoding = BodyEncoding.TEXT
        except UnicodeDecodeError:
            body, encoding = b64encode(tried.content).decode(), BodyEncoding.BASE64
        return cls(
            status_code=tried.status,
            header_list=[TriedHeaderView(header_name=name, header_value=value) for name, value in tried.headers],
            body=body, body_encoding=encoding, is_body_cut=tried.is_cut, milliseconds=round(tried.milliseconds, 1),
        )  # fmt: skip


class TriedAnswer(Envelope):
    """What a stage answered to a request."""

    tried: TriedView


def _begun(content: bytes) -> str:
    """Decode text that may end in the middle of a character; raises UnicodeDecodeError for what is no text."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if len(content) - error.start > 3:
            raise
        return content[: error.start].decode()


@router.post("/endpoint-stages/{endpoint_stage_id}/try")
async def try_endpoint_stage(appkey: Appkey, endpoint_stage_id: str, body: TryOut, services: ServicesDep) -> TriedAnswer:
    """Send a request to a stage as a user of the endpoint does, with its API key, and show what came back as a whole."""
    return TriedAnswer(tried=TriedView.of(await services.tryouts.send(endpoint_stage_id, body)))
