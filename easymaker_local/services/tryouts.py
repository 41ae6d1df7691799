"""Trying out a stage: one request to the gateway, as users of the endpoint send it (EP-33, EP-39), on behalf of the page."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from easymaker_local.domain.endpoint_urls import stage_path
from easymaker_local.domain.tryout import MAXIMUM_BYTES, Tried, TriedEnd, TriedHead, TryOut
from easymaker_local.errors import Conflict, FieldError, InvalidRequest
from easymaker_local.services.api_keys import api_key_of
from easymaker_local.services.context import Context
from easymaker_local.services.stage_rows import check_gateway
from easymaker_local.store import endpoints, stages

if TYPE_CHECKING:
    import sqlite3

    import httpx

# A model that sleeps is loaded first, and the gateway itself ends what takes too long (OI-20).
_SECONDS = 600.0
_CONNECT_SECONDS = 5.0
_HINT = "See: easymaker-local doctor"


class TryOuts:
    """Asks the gateway over https, so that what works here works for everybody. ``transport`` stands in for it in tests."""

    def __init__(self, context: Context, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._context = context
        self._transport = transport

    async def send(self, stage_id: str, request: TryOut) -> Tried:
        """Send a request to a stage and wait for all of the answer. Raises what ``stream`` does; Conflict if it breaks off."""
        head, content, end = TriedHead(0, ()), bytearray(), TriedEnd(is_cut=False, milliseconds=0)
        async for part in self.stream(stage_id, request):
            match part:
                case TriedHead():
                    head = part
                case bytes():
                    content += part
                case TriedEnd():
                    end = part
        if end.failure is not None:
            raise Conflict(end.failure, hint=_HINT)
        return Tried(head, bytes(content), end)

    async def stream(self, stage_id: str, request: TryOut) -> AsyncGenerator[TriedHead | bytes | TriedEnd, None]:
        """Send a request to a stage, with the endpoint's API key if it needs one, and hand on the answer as it comes.

        Whatever status comes back is an answer. Closing the generator ends the request. Before the head, raises NotFound,
        InvalidRequest for an address that cannot be one, Conflict without a gateway or if it does not answer.
        """
        context = self._context
        check_gateway(context)

        def read(db: sqlite3.Connection) -> tuple[str, str | None]:
            stage = stages.get(db, stage_id)
            endpoint = endpoints.get(db, stage.endpoint_id)
            return stage_path(endpoint.name, stage.name), api_key_of(context, endpoint)

        path, key = await context.store.read(read)
        headers = {header.header_name: header.header_value for header in request.header_list}
        if key is not None:
            headers["x-nhn-apikey"] = key
        address = f"{context.settings.gateway_url}{path}{request.resource_path}"
        async with aclosing(self._ask(address, request, headers)) as parts:
            async for part in parts:
                yield part

    async def _ask(
        self, address: str, request: TryOut, headers: dict[str, str]
    ) -> AsyncGenerator[TriedHead | bytes | TriedEnd, None]:
        # Imported late: many a daemon never asks a server of its own anything.
        import httpx

        logging.getLogger("httpx").setLevel(logging.WARNING)
        body = None if request.body is None else request.body.encode()
        begun, size, is_answering = time.perf_counter(), 0, False
        failure: str | None = None
        try:
            async with (
                self._client() as client,
                client.stream(request.method, address, headers=headers, content=body, follow_redirects=False) as answer,
            ):
                is_answering = True
                yield TriedHead(answer.status_code, tuple(answer.headers.multi_items()))
                async for piece in answer.aiter_bytes():
                    left, size = MAXIMUM_BYTES - size, size + len(piece)
                    yield piece[:left]
                    if size > MAXIMUM_BYTES:
                        break
        except httpx.InvalidURL as error:
            raise InvalidRequest([FieldError("resourcePath", str(error))]) from error
        except (httpx.HTTPError, OSError) as error:
            said = str(error) or type(error).__name__
            if not is_answering:
                raise Conflict(f"The gateway does not answer at {address}: {said}.", hint=_HINT) from error
            failure = f"The answer broke off: {said}."
        spent = (time.perf_counter() - begun) * 1000
        yield TriedEnd(is_cut=size > MAXIMUM_BYTES, milliseconds=spent, failure=failure)

    def _client(self) -> httpx.AsyncClient:
        import httpx

        timeout = httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
        if self._transport is not None:
            return httpx.AsyncClient(transport=self._transport, timeout=timeout)
        trust = ssl.create_default_context(cafile=str(self._context.settings.ca_bundle))
        return httpx.AsyncClient(trust_env=False, timeout=timeout, verify=trust)
