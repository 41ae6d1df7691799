"""Envoy's files: written aside and moved into place, then waited for until Envoy has them in force or has refused them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easymaker_local.errors import GatewayRejected, TransientError
from easymaker_local.gateway.admin import Admin
from easymaker_local.gateway.process import EnvoyProcess
from easymaker_local.gateway.resources import ROUTES, Json, Layout
from easymaker_local.kit.files import read_json, write_atomically, write_json

FORCE_SECONDS = 20.0
_LOOK_SECONDS = 0.005
_MAXIMUM_WORDS = 500
_LOG_BYTES = 32 << 10

CLUSTERS = "cluster_manager.cds"
LISTENERS = "listener_manager.lds"
ROUTE_TABLE = f"http.gateway.rds.{ROUTES}"


@dataclass(frozen=True)
class Discovery:
    """What a file of Envoy's holds. The version is that of the content."""

    version: str
    resources: Sequence[Json]
    text: bytes


def discovery(resources: Sequence[Json]) -> Discovery:
    """Return what a file with these resources holds."""
    content = _text(list(resources))
    version = hashlib.sha256(content.encode()).hexdigest()[:16]
    return Discovery(version, resources, f'{{"version_info": "{version}", "resources": {content}}}'.encode())


def _text(value: Any, depth: int = 10) -> str:
    """Return ``json.dumps(value, sort_keys=True)``, made in pieces: a call of it keeps the interpreter from all other threads.

    ``depth`` is down to where lists of routes lie.
    """
    if depth and isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)}: {_text(each, depth - 1)}' for key, each in sorted(value.items()))}}}"
    if depth and isinstance(value, list):
        return f"[{', '.join(_text(each, depth - 1) for each in value)}]"
    return json.dumps(value, sort_keys=True)


class EnvoyFiles:
    """Writes Envoy's files and waits for them. Nobody else writes them, so that each is read once at most."""

    def __init__(self, layout: Layout, admin: Admin, process: EnvoyProcess) -> None:
        self._layout = layout
        self._admin = admin
        self._process = process
        self._known: dict[Path, Discovery | None] = {}

    def write(self, path: Path, resources: Sequence[Json]) -> None:
        """Write a file unless it is so already. Raises OSError."""
        wanted, earlier = discovery(resources), self._file(path)
        if earlier is None or earlier.version != wanted.version:
            self._write(path, wanted)

    def write_bootstrap(self, content: Json) -> None:
        """Write what the next Envoy starts with. Raises OSError."""
        if self._read(self._layout.bootstrap) != content:
            write_json(self._layout.bootstrap, content, 0o600)

    def resources(self, path: Path) -> Sequence[Json]:
        """Return what a file holds; nothing if it cannot be read."""
        found = self._file(path)
        return [] if found is None else found.resources

    async def put(self, name: str, kind: str, resources: Sequence[Json]) -> None:
        """Bring a file into force, or leave the earlier one so. Raises GatewayRejected, TransientError, OSError."""
        path = self._layout.file(name)
        wanted = await asyncio.to_thread(discovery, resources)
        found = await self._values_once_there(kind)
        earlier = self._file(path)
        is_written = earlier is not None and earlier.version == wanted.version
        if is_written and found.get("version_text") == wanted.version:
            return
        refused = found.get("update_rejected", 0)
        epoch, offset = self._process.epoch, self._process.log_size()
        if is_written:
            # Envoy has begun with it, so a refusal is one of this.
            refused, offset = 0, max(0, offset - _LOG_BYTES)
        try:
            if not is_written:
                self._write(path, wanted)
            await self._wait(kind, wanted.version, refused, epoch, offset)
        except BaseException:
            # One that starts now must find what was in force, not what was refused.
            if earlier is not None:
                self._write(path, earlier)
            raise

    async def _wait(self, kind: str, version: str, refused: int, epoch: str, offset: int) -> None:
        deadline = time.monotonic() + FORCE_SECONDS
        # Envoy says what it has, but not when it changes: the wait is milliseconds long.
        while True:
            try:
                found = await self._values(kind)
                if found.get("version_text") == version:
                    return
                if epoch != self._process.epoch:
                    epoch, refused = self._process.epoch, 0
                if found.get("update_rejected", 0) > refused:
                    raise GatewayRejected(self._words(offset))
            except TransientError:
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise TransientError(f"The gateway has not taken its new settings within {FORCE_SECONDS:.0f} s.")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _values_once_there(self, kind: str) -> dict[str, Any]:
        """Return what Envoy says of its settings; one that was killed is back in a moment."""
        deadline = time.monotonic() + FORCE_SECONDS
        while True:
            try:
                return await self._values(kind)
            except TransientError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_LOOK_SECONDS)

    async def _values(self, kind: str) -> dict[str, Any]:
        found = await self._admin.values(rf"^{re.escape(kind)}\.(version_text|update_rejected)$")
        return {name.removeprefix(f"{kind}."): value for name, value in found.items()}

    def _file(self, path: Path) -> Discovery | None:
        if path not in self._known:
            content = self._read(path) or {}
            found = discovery(content.get("resources", []))
            self._known[path] = found if found.version == content.get("version_info") else None
        return self._known[path]

    def _write(self, path: Path, content: Discovery) -> None:
        # Not in a thread, which a cancelled caller would leave behind to write over what comes next. Routes hold API keys.
        write_atomically(path, content.text, 0o600, durable=False)
        self._known[path] = content

    def _read(self, path: Path) -> Any:
        try:
            return read_json(path)
        except ValueError:
            return None

    def _words(self, offset: int) -> str:
        """Return Envoy's own words about the last refusal."""
        said = self._process.log_since(offset).rpartition("update rejected: ")[2]
        said = re.split(r"\n\[\d{4}-", said)[0].strip()
        # What is wrong comes last, after all of what was wrong with it.
        return said[-_MAXIMUM_WORDS:] or "The gateway refuses the settings and does not say why."
