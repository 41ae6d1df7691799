"""Trying out a stage (ours): the page speaks to the daemon alone, and endpoints answer on another origin (architecture 12)."""

from __future__ import annotations

import codecs
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import StrEnum

from fastapi import APIRouter, Request, Response

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.api.event_stream import Event, EventStream, described
from easymaker_local.domain.tryout import Tried, TriedEnd, TriedHead, TryOut

router = APIRouter(tags=["endpoints"])


class BodyEncoding(StrEnum):
    """How ``body`` carries the bytes of an answer."""

    TEXT = "TEXT"
    BASE64 = "BASE64"


class TriedHeaderView(Wire):
    """One header of an answer."""

    header_name: str
    header_value: str

    @classmethod
    def list_of(cls, head: TriedHead) -> list[TriedHeaderView]:
        """Show all of them."""
        return [cls(header_name=name, header_value=value) for name, value in head.headers]


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
            body = tried.content.decode() if not tried.end.is_cut else _begun(tried.content)
            encoding = BodyEncoding.TEXT
        except UnicodeDecodeError:
            body, encoding = b64encode(tried.content).decode(), BodyEncoding.BASE64
        return cls(
            status_code=tried.head.status, header_list=TriedHeaderView.list_of(tried.head), body=body, body_encoding=encoding,
            is_body_cut=tried.end.is_cut, milliseconds=round(tried.end.milliseconds, 1),
        )  # fmt: skip


class TriedAnswer(Envelope):
    """What a stage answered to a request."""

    tried: TriedView


class TriedHeadView(Wire):
    """Data of the ``head`` event, the first one; ``statusCode`` is the stage's own, also 404 or 503."""

    status_code: int
    header_list: list[TriedHeaderView]


class TriedPieceView(Wire):
    """Data of a ``piece`` event: what follows in the answer's body, in whole characters; U+FFFD stands for what is no text."""

    content: str


class TriedEndView(Wire):
    """Data of the ``end`` event.

    ``isBodyCut``: there was more than 4 MiB. ``failureMessage``: why the answer broke off before it was complete.
    """

    is_body_cut: bool
    milliseconds: float
    failure_message: str | None


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


@router.post(
    "/endpoint-stages/{endpoint_stage_id}/try/stream", **described(head=TriedHeadView, piece=TriedPieceView, end=TriedEndView)
)
async def stream_tried_endpoint_stage(
    request: Request, appkey: Appkey, endpoint_stage_id: str, body: TryOut, services: ServicesDep
) -> Response:
    """Likewise, but send the answer on as it comes, as server-sent events: what is generated appears as it is written (OI-19).

    ``head`` when the stage begins to answer; what fails before is refused as it is for the whole. ``piece`` with what comes,
    ``end`` after all of it. Who goes away ends the request to the stage.
    """
    return EventStream.once_begun(request, _events(services.tryouts.stream(endpoint_stage_id, body)))


async def _events(parts: AsyncGenerator[TriedHead | bytes | TriedEnd, None]) -> AsyncGenerator[Event, None]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    async with aclosing(parts):
        async for part in parts:
            match part:
                case TriedHead():
                    yield Event("head", TriedHeadView(status_code=part.status, header_list=TriedHeaderView.list_of(part)))
                case bytes():
                    if content := decoder.decode(part):
                        yield Event("piece", TriedPieceView(content=content))
                case TriedEnd():
                    # Where an answer was cut may be in the middle of a character: that is no fault of it.
                    if not part.is_cut and (content := decoder.decode(b"", final=True)):
                        yield Event("piece", TriedPieceView(content=content))
                    spent = round(part.milliseconds, 1)
                    yield Event("end", TriedEndView(is_body_cut=part.is_cut, milliseconds=spent, failure_message=part.failure))
