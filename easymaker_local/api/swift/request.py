"""What every route of the Swift API needs: the address taken apart, headers as text, plain answers."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

TEXT = "text/plain; charset=utf-8"
_DRAIN_BYTES = 64 << 20


class Refused(Exception):
    """An answer that is no success: status and a line for people."""

    def __init__(self, status: int, message: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


class Content:
    """A request's body, once. Asking for more after its end would wait for the client to go away."""

    def __init__(self, receive: Receive, *, is_held_back: bool) -> None:
        self._receive = receive
        self._is_complete = False
        # The client holds it back until it is asked to send (Expect: 100-continue).
        self.is_held_back = is_held_back

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield what arrives; raises ClientDisconnect if it breaks off."""
        while not self._is_complete:
            self.is_held_back = False
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._is_complete = True
                raise ClientDisconnect
            self._is_complete = not message.get("more_body")
            if message.get("body"):
                yield message["body"]

    async def drain(self) -> None:
        """Read what is left, up to a limit: a client that is still sending hears no answer, and sends no other request."""
        left = _DRAIN_BYTES
        with suppress(ClientDisconnect):
            async for block in self.blocks():
                left -= len(block)
                if left < 0:
                    return


@dataclass(frozen=True)
class Request:
    """A request; ``container`` and ``name`` are empty where the address ends before them. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: Content
    send: Send
    transaction: str

    @classmethod
    def of(cls, scope: Scope, content: Content, send: Send) -> Request:
        """Take a request apart; raises Refused if its address is no text."""
        try:
            path = unquote_to_bytes(scope["raw_path"]).decode()
            query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True, errors="strict"))
        except UnicodeDecodeError as error:
            raise Refused(412, "The address is not UTF-8.") from error
        headers = {name.decode("latin-1"): header_text(value) for name, value in scope["headers"]}
        return cls(scope["method"], path, query, headers, content, send, new_transaction())

    @property
    def container(self) -> str:
        """The container's name."""
        return self._pieces()[0]

    @property
    def name(self) -> str:
        """The object's name, as it was sent."""
        return self._pieces()[1]

    def _pieces(self) -> tuple[str, str]:
        _, _, _, *rest = self.path.split("/", 3)
        container, _, name = rest[0].partition("/") if rest else ("", "", "")
        return container, name

    async def answer(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"", *, content_type: str = TEXT
    ) -> None:
        """Send a whole answer."""
        fields = {"Content-Length": str(len(body)), "Content-Type": content_type, **(headers or {})}
        if status in {204, 304}:
            fields.pop("Content-Length")
        await self.begin(status, fields)
        is_empty = self.method == "HEAD" or status in {204, 304}
        await self.send({"type": "http.response.body", "body": b"" if is_empty else body})

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head of an answer."""
        fields = {**headers, "X-Trans-Id": self.transaction, "X-Openstack-Request-Id": self.transaction}
        raw = [(name.encode("latin-1"), value.encode()) for name, value in fields.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})


def new_transaction() -> str:
    """Return an id for one request, in Swift's form."""
    return f"tx{secrets.token_hex(16)}"


def header_text(value: bytes) -> str:
    """Decode a header's value: UTF-8 from clients that know, Latin-1 from those that do not."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
