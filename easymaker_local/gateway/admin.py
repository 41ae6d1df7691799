"""Asking Envoy's administration, by its socket file only: whoever reaches it may stop Envoy and read keys."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from easymaker_local.errors import TransientError
from easymaker_local.kit.unix_sockets import connect

_SECONDS = 10.0


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("envoy", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = connect(self._path, _SECONDS)


class Admin:
    """The administration behind a socket file. Everything raises TransientError while Envoy does not answer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def get(self, path: str, **query: str) -> bytes:
        """Return what Envoy says."""
        return await asyncio.to_thread(self._ask, "GET", path, query)

    async def post(self, path: str, **query: str) -> bytes:
        """Tell Envoy to do something."""
        return await asyncio.to_thread(self._ask, "POST", path, query)

    async def stats(self, pattern: str, **query: str) -> list[dict[str, Any]]:
        """Return the statistics whose names match an RE2 pattern."""
        found: list[dict[str, Any]] = json.loads(await self.get("/stats", format="json", filter=pattern, **query))["stats"]
        return found

    async def values(self, pattern: str) -> dict[str, Any]:
        """Return counters, gauges and texts whose names match an RE2 pattern."""
        return {each["name"]: each["value"] for each in await self.stats(pattern) if "name" in each}

    async def is_live(self) -> bool:
        """True if Envoy has all it needs and takes requests."""
        try:
            return (await self.get("/ready")).startswith(b"LIVE")
        except TransientError:
            return False

    def _ask(self, method: str, path: str, query: dict[str, str]) -> bytes:
        try:
            with contextlib.closing(_Connection(self._path)) as connection:
                connection.request(method, f"{path}?{urlencode(query)}" if query else path)
                answer = connection.getresponse()
                content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(f"The gateway does not answer: {error}.") from error
        if answer.status != 200:
            raise TransientError(f"The gateway answers {path} with {answer.status}: {content[:200].decode(errors='replace')}")
        return content
