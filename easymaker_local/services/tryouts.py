"""Trying out a stage: one request to the gateway, as users of the endpoint send it (EP-33, EP-39), on behalf of the page."""

from __future__ import annotations

import logging
import ssl
import time
from typing import TYPE_CHECKING

from easymaker_local.domain.endpoint_urls import stage_path
from easymaker_local.domain.tryout import MAXIMUM_BYTES, Tried, TryOut
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


class TryOuts:
    """Asks the gateway over https, so that what works here works for everybody. ``transport`` stands in for it in tests."""

    def __init__(self, context: Context, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._context = context
        self._transport = transport

    async def send(self, stage_id: str, request: TryOut) -> Tried:
        """Send a request to a stage, with the endpoint's API key if it needs one; whatever status comes back is an answer.

        Raises NotFound, InvalidRequest for an address that cannot be one, Conflict without a gateway, or if it does not
        answer or breaks off.
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
        return await self._ask(f"{context.settings.gateway_url}{path}{request.resource_path}", request, headers)

    async def _ask(self, address: str, request: TryOut, headers: dict[str, str]) -> Tried:
        # Imported late: many a daemon never asks a server of its own anything.
        import httpx

        logging.getLogger("httpx").setLevel(logging.WARNING)
        body = None if request.body is None else request.body.encode()
        begun = time.perf_counter()
        try:
            async with (
                self._client() as client,
                client.stream(request.method, address, headers=headers, content=body, follow_redirects=False) as answer,
            ):
                content = bytearray()
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > MAXIMUM_BYTES:
                        break
        except httpx.InvalidURL as error:
            raise InvalidRequest([FieldError("resourcePath", str(error))]) from error
        except (httpx.HTTPError, OSError) as error:
            raise Conflict(
                f"The gateway does not answer at {address}: {error or type(error).__name__}.",
                hint="See: easymaker-local doctor",
            ) from error
        spent = (time.perf_counter() - begun) * 1000
        is_cut = len(content) > MAXIMUM_BYTES
        shown = tuple((name, value) for name, value in answer.headers.multi_items())
        return Tried(answer.status_code, shown, bytes(content[:MAXIMUM_BYTES]), is_cut, spent)

    def _client(self) -> httpx.AsyncClient:
        import httpx

        timeout = httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
        if self._transport is not None:
            return httpx.AsyncClient(transport=self._transport, timeout=timeout)
        trust = ssl.create_default_context(cafile=str(self._context.settings.ca_bundle))
        return httpx.AsyncClient(trust_env=False, timeout=timeout, verify=trust)
