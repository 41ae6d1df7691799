"""Answers without an end: server-sent events, as browsers read them with ``EventSource``.

A stream ends when its events do, when the daemon is to end, when its caller may no longer ask, and when the client is gone.
A client that reads slowly makes the events wait; nothing is gathered for it.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import operator
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Send

from easymaker_local.api.access import refuse_caller
from easymaker_local.api.envelope import Wire
from easymaker_local.errors import EasyMakerError

log = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_SECONDS = 15.0
"""How often a stream shows that it is alive, and whether its caller may still ask is looked at."""
RETRY_MILLISECONDS = 1000
"""How long a browser waits before it comes back."""


@dataclass(frozen=True)
class Event:
    """One event; ``id`` comes back as ``Last-Event-ID`` from a client that lost the connection after it."""

    name: str
    data: Wire
    id: str | None = None

    @property
    def text(self) -> bytes:
        """The event as it goes out. JSON has no line breaks of its own."""
        id_line = "" if self.id is None else f"id: {self.id}\n"
        return f"event: {self.name}\n{id_line}data: {self.data.model_dump_json(by_alias=True)}\n\n".encode()


class Streams:
    """What the open streams of one application share: their end."""

    def __init__(self) -> None:
        self.ending = asyncio.Event()

    def end(self) -> None:
        """End all of them, and those that begin from now on; on the loop that serves them."""
        self.ending.set()


class EventStream(StreamingResponse):
    """See the module."""

    _events: AsyncIterator[Event]
    _awaited_by: Request | None = None

    @classmethod
    def of(cls, request: Request, events: AsyncIterator[Event]) -> EventStream:
        """Send ``events`` as the answer to a request. If they fail the stream ends, and the client comes back."""
        made = cls(_frames(request, events), media_type=MEDIA_TYPE)
        made._events = events
        return made

    @classmethod
    def once_begun(cls, request: Request, events: AsyncIterator[Event]) -> EventStream:
        """Likewise, but answer with the first event only: what fails before it is a refusal like that of any other route."""
        made = cls.of(request, events)
        made._awaited_by = request
        return made

    async def stream_response(self, send: Send) -> None:
        """Do as the base does, and leave nothing behind when the client is gone."""
        try:
            if self._awaited_by is not None:
                first = await _next(self._events)
                self.body_iterator = _frames(self._awaited_by, _again(first, self._events))
            await super().stream_response(send)
        finally:
            with anyio.CancelScope(shield=True):
                for each in (self.body_iterator, self._events):
                    if isinstance(each, AsyncGenerator):
                        await each.aclose()


def described(**data: type[Wire]) -> dict[str, Any]:
    """Return what declares a route that answers with these events, by name: the data of each, for whoever reads OpenAPI."""
    names = ", ".join(f"``{name}`` ({model.__name__})" for name, model in data.items())
    models = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in data.values()]
    content = {MEDIA_TYPE: {"schema": {"anyOf": models}}}
    return {
        "response_class": EventStream, "response_model": functools.reduce(operator.or_, data.values()),
        "responses": {200: {"description": f"Server-sent events, whose data are JSON: {names}.", "content": content}},
    }  # fmt: skip


async def _frames(request: Request, events: AsyncIterator[Event]) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()
    streams: Streams = request.app.state.streams
    ending = asyncio.create_task(streams.ending.wait())
    coming: asyncio.Task[Event | None] | None = None
    heartbeat_at = loop.time() + HEARTBEAT_SECONDS
    try:
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        while True:
            if loop.time() >= heartbeat_at:
                if not await _may_ask(request):
                    return
                heartbeat_at = loop.time() + HEARTBEAT_SECONDS
                yield b":\n\n"
            coming = coming or asyncio.create_task(_next(events))
            left = max(0.0, heartbeat_at - loop.time())
            await asyncio.wait({coming, ending}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                return
            if coming.done():
                event, coming = coming.result(), None
                if event is None:
                    return
                yield event.text
    except EasyMakerError as error:
        log.warning("%s: the stream of events ends: %s", request.url.path, error)
    finally:
        ending.cancel()
        if coming is not None:
            coming.cancel()
            # A client that is gone has cancelled this task, and anyio would do so again at every wait.
            with anyio.CancelScope(shield=True):
                await asyncio.gather(coming, return_exceptions=True)


async def _again(first: Event | None, rest: AsyncIterator[Event]) -> AsyncIterator[Event]:
    if first is not None:
        yield first
    async for event in rest:
        yield event


async def _next(events: AsyncIterator[Event]) -> Event | None:
    return await anext(events, None)


async def _may_ask(request: Request) -> bool:
    """True while the token or session with which the request came is still good."""
    state = request.app.state
    return await refuse_caller(request.scope, request.headers, state.credentials, state.services.context.settings) is None
