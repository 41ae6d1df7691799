"""Objects: store, read, copy, describe, delete (rest-api §8.2, §8.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from urllib.parse import quote, unquote

from easymaker_local.api.swift.conditions import Unsatisfiable, refusal, wanted_range
from easymaker_local.api.swift.request import Refused, Request
from easymaker_local.services.object_records import StoredObject, Written, last_modified
from easymaker_local.services.objects import MANIFEST_HEADER, Objects

MAX_META_COUNT, MAX_META_NAME, MAX_META_VALUE, MAX_META_BYTES = 90, 128, 256, 4096
_META = "x-object-meta-"
_KEPT = {"content-encoding": "Content-Encoding", "content-disposition": "Content-Disposition", "cache-control": "Cache-Control"}
_SEND_BYTES = 256 << 10


class ObjectRoutes:
    """Routes of objects."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def object(self, request: Request) -> None:
        """All methods of an object."""
        match request.method:
            case "GET" | "HEAD":
                await self._get(request)
            case "PUT":
                await self._put(request)
            case "COPY":
                target = _split(request.headers.get("destination"), "Destination")
                await self._copy(request, (request.container, request.name), target)
            case "POST":
                headers = _metadata(request)
                content_type = request.headers.get("content-type")
                await self._objects.change(request.container, request.name, content_type, headers)
                await request.answer(202)
            case "DELETE":
                await self._objects.delete(request.container, request.name)
                await request.answer(204)
            case _:
                raise Refused(405)

    async def _get(self, request: Request) -> None:
        found = await self._objects.open(request.container, request.name)
        try:
            modified = last_modified(found.modified)
            headers = _described(found)
            if status := refusal(request.headers, found.etag, modified):
                return await request.answer(status, {**headers, "Content-Length": "0"}, content_type=found.content_type)
            try:
                wanted = wanted_range(request.headers, found.size, found.etag, modified)
            except Unsatisfiable:
                return await request.answer(416, {"Content-Range": f"bytes */{found.size}"})
            start, end = wanted or (0, found.size)
            headers |= {"Content-Length": str(end - start), "Content-Type": found.content_type}
            if wanted is not None:
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
            await request.begin(206 if wanted is not None else 200, headers)
            if request.method == "GET":
                async for block in self._content(found, start, end):
                    await request.send({"type": "http.response.body", "body": block, "more_body": True})
            await request.send({"type": "http.response.body"})
        finally:
            found.close()

    async def _content(self, found: StoredObject, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` to ``end``, across parts."""
        before = 0
        for part in found.parts:
            offset, stop = max(start - before, 0), min(end - before, part.size)
            while offset < stop:
                block = await self._objects.read(part, offset, min(_SEND_BYTES, stop - offset))
                if not block:
                    # Nothing may be sent in its place: the client sees a body that is too short.
                    raise OSError(f"{found.name} became shorter while it was read")
                offset += len(block)
                yield block
            before += part.size

    async def _put(self, request: Request) -> None:
        if "x-copy-from" in request.headers:
            source = _split(request.headers["x-copy-from"], "X-Copy-From")
            return await self._copy(request, source, (request.container, request.name))
        is_chunked = "chunked" in request.headers.get("transfer-encoding", "").lower()
        if not is_chunked and "content-length" not in request.headers:
            raise Refused(411, "Say how long the object is, or send it in chunks.")
        written = _written(request, request.headers.get("content-type"), _metadata(request))
        manifest = request.headers.get(MANIFEST_HEADER.lower())
        if manifest is not None:
            await request.content.drain()
            # The SDK sends its own address as it is, others quote (rest-api §8.3).
            is_plain = manifest.strip("/") == f"{request.container}/{request.name}"
            manifest = manifest if is_plain else unquote(manifest)
            stored = await self._objects.put_manifest(request.container, request.name, manifest, written)
        else:
            stored = await self._objects.put(request.container, request.name, request.content.blocks(), written)
        return await request.answer(201, _told(stored))

    async def _copy(self, request: Request, source: tuple[str, str], target: tuple[str, str]) -> None:
        """Copy content, and metadata with what the request says on top; a manifest becomes one object."""
        await request.content.drain()
        found = await self._objects.open(*source)
        try:
            headers = _metadata(request)
            content_type = request.headers.get("content-type")
            if request.headers.get("x-fresh-metadata", "").lower() not in {"true", "1", "yes", "on"}:
                kept = {name: value for name, value in found.headers.items() if name != MANIFEST_HEADER}
                headers = {**kept, **headers}
                content_type = content_type or found.content_type
            written = _written(request, content_type, headers)
            stored = await self._objects.put(*target, self._content(found, 0, found.size), written)
        finally:
            found.close()
        copied = {
            "X-Copied-From": quote("/".join(source)), "X-Copied-From-Last-Modified": _date(last_modified(found.modified)),
        }  # fmt: skip
        await request.answer(201, {**_told(stored), **copied})


def _described(found: StoredObject) -> dict[str, str]:
    return {
        **found.headers, "ETag": found.etag, "Last-Modified": _date(last_modified(found.modified)),
        "X-Timestamp": f"{found.modified:.5f}", "Accept-Ranges": "bytes",
    }  # fmt: skip


def _told(stored: StoredObject) -> dict[str, str]:
    return {"ETag": stored.etag, "Last-Modified": _date(last_modified(stored.modified))}


def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _written(request: Request, content_type: str | None, headers: Mapping[str, str]) -> Written:
    condition = request.headers.get("if-none-match")
    if condition is not None and condition.strip() != "*":
        raise Refused(400, "If-None-Match takes * only here.")
    etag = request.headers.get("etag")
    return Written(content_type, headers, etag.strip('" ').lower() if etag else None, condition is not None)


def _metadata(request: Request) -> dict[str, str]:
    """Return what is kept of a request's headers; raises Refused beyond Swift's limits."""
    found = {}
    for name, value in request.headers.items():
        if name.startswith(_META) and len(name) > len(_META):
            if len(name) - len(_META) > MAX_META_NAME or len(value.encode()) > MAX_META_VALUE:
                raise Refused(400, f"Metadata: names have up to {MAX_META_NAME} bytes, values up to {MAX_META_VALUE}.")
            if value:
                found[name.title()] = value
        elif name in _KEPT and value:
            found[_KEPT[name]] = value
    if len(found) > MAX_META_COUNT or sum(len(name) + len(value.encode()) for name, value in found.items()) > MAX_META_BYTES:
        raise Refused(400, f"Metadata: up to {MAX_META_COUNT} items, {MAX_META_BYTES} bytes in all.")
    return found


def _split(place: str | None, header: str) -> tuple[str, str]:
    container, _, name = unquote(place or "").lstrip("/").partition("/")
    if not container or not name:
        raise Refused(412, f"{header} is not container/object.")
    return container, name
