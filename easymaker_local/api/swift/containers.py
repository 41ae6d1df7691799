"""Accounts and containers: lists, metadata, access lists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from easymaker_local.api.swift.request import TEXT, Refused, Request
from easymaker_local.artifacts.object_walk import Query
from easymaker_local.domain.access_list import Permission
from easymaker_local.services.buckets import Buckets
from easymaker_local.services.object_records import ListedObject
from easymaker_local.services.objects import Objects

MAX_LIST = 10_000
JSON = "application/json; charset=utf-8"
_LISTS = {Permission.READ: "X-Container-Read", Permission.WRITE: "X-Container-Write"}


class Containers:
    """Routes of accounts and containers."""

    def __init__(self, objects: Objects, buckets: Buckets) -> None:
        self._objects = objects
        self._buckets = buckets

    async def account(self, request: Request) -> None:
        """GET and HEAD of an account. Usage is counted for HEAD and JSON only: it reads every directory."""
        match request.method:
            case "GET" | "HEAD":
                pass
            case "POST":
                return await request.answer(204)  # accounts have no metadata here; what clients set means nothing
            case _:
                raise Refused(405)
        names = [view.container for view in await self._buckets.list_all()]
        as_json = wants_json(request)
        usage = {}
        if as_json or request.method == "HEAD":
            usage = {name: await self._objects.usage(name) for name in names}
        headers = {"X-Account-Container-Count": str(len(names)), "Accept-Ranges": "bytes"}
        if usage:
            headers["X-Account-Object-Count"] = str(sum(count for count, _ in usage.values()))
            headers["X-Account-Bytes-Used"] = str(sum(size for _, size in usage.values()))
        if request.method == "HEAD":
            return await request.answer(204, headers)
        query, limit = listing(request)
        shown = [
            name for name in names
            if name.startswith(query.prefix) and name.encode() > query.marker.encode()
            and (not query.end_marker or name.encode() < query.end_marker.encode())
        ][:limit]  # fmt: skip
        if as_json:
            rows = [{"name": name, "count": usage[name][0], "bytes": usage[name][1]} for name in shown]
            return await request.answer(200, headers, json.dumps(rows).encode(), content_type=JSON)
        return await request.answer(200, headers, _lines(shown))

    async def container(self, request: Request) -> None:
        """All methods of a container."""
        name = request.container
        match request.method:
            case "GET":
                await self._list(request, name)
            case "HEAD":
                headers = await self._headers(name)
                count, size = await self._objects.usage(name)
                usage = {"X-Container-Object-Count": str(count), "X-Container-Bytes-Used": str(size)}
                await request.answer(204, {**headers, **usage})
            case "PUT":
                self._check_lists(request)
                is_new = await self._objects.create_container(name)
                await self._change(request, name)
                await request.answer(201 if is_new else 202)
            case "POST":
                await self._objects.container_headers(name)
                await self._change(request, name)
                await request.answer(204)
            case "DELETE":
                await self._objects.delete_container(name)
                await self._buckets.forget(name)
                await request.answer(204)
            case _:
                raise Refused(405)

    async def _headers(self, name: str) -> dict[str, str]:
        headers = dict(await self._objects.container_headers(name))
        lists = await self._buckets.lists(name)
        for permission, text in ((Permission.READ, lists.read), (Permission.WRITE, lists.write)):
            if text is not None:
                headers[_LISTS[permission]] = text
        return {**headers, "Accept-Ranges": "bytes", "X-Storage-Policy": "local"}

    def _check_lists(self, request: Request) -> None:
        self._buckets.check_lists(_wanted_lists(request))

    async def _change(self, request: Request, name: str) -> None:
        await self._buckets.set_lists(name, _wanted_lists(request))
        changes: dict[str, str | None] = {}
        for header, value in request.headers.items():
            if match := re.fullmatch(r"x-(remove-)?container-meta-(.+)", header):
                changes[f"X-Container-Meta-{match[2].title()}"] = None if match[1] else value
        await self._objects.change_container(name, changes)

    async def _list(self, request: Request, name: str) -> None:
        query, limit = listing(request)
        as_json = wants_json(request)
        headers = await self._headers(name)
        found = await self._objects.list_objects(name, query, limit, details=as_json)
        if as_json:
            rows = [_row(listed) for listed in found]
            return await request.answer(200, headers, json.dumps(rows, ensure_ascii=False).encode(), content_type=JSON)
        # 200 also for nothing: 1.0.x takes no other (rest-api §8.2).
        return await request.answer(200, headers, _lines([listed.name for listed in found]), content_type=TEXT)


def listing(request: Request) -> tuple[Query, int]:
    """Return what a list is asked for; raises Refused."""
    asked = request.query
    limit = asked.get("limit") or str(MAX_LIST)
    if not limit.isdecimal() or int(limit) > MAX_LIST:
        raise Refused(412, f"The limit is a number up to {MAX_LIST}.")
    # A lone slash is how users of the SDK ask for a whole container (rest-api §8.2).
    prefix = re.sub(r"/+", "/", asked.get("prefix", "")).removeprefix("/")
    query = Query(prefix, asked.get("delimiter", ""), asked.get("marker", ""), asked.get("end_marker", ""))
    return query, int(limit)


def wants_json(request: Request) -> bool:
    """Tell plain text from JSON by ``format`` or ``Accept``; raises Refused for what we do not speak."""
    chosen = request.query.get("format")
    if chosen is not None:
        if chosen not in {"json", "plain", "text"}:
            raise Refused(406, "Lists are given as plain text or JSON.")
        return chosen == "json"
    accepted = [part.partition(";")[0].strip() for part in request.headers.get("accept", "*/*").split(",")]
    for kind in accepted:
        if kind in {"application/json", "text/json"}:
            return True
        if kind in {"*/*", "text/*", "text/plain", ""}:
            return False
    raise Refused(406, "Lists are given as plain text or JSON.")


def _wanted_lists(request: Request) -> dict[Permission, str | None]:
    """An empty list is a list that names nobody; taking a list away brings the setting back."""
    wanted: dict[Permission, str | None] = {}
    for permission, header in _LISTS.items():
        name = header.lower()
        if name.replace("x-", "x-remove-", 1) in request.headers:
            wanted[permission] = None
        elif name in request.headers:
            wanted[permission] = request.headers[name]
    return wanted


def _lines(names: list[str]) -> bytes:
    # Every line ends, also the last: the SDK drops what follows the last end (rest-api §8.2).
    return "".join(f"{name}\n" for name in names).encode()


def _row(listed: ListedObject) -> Mapping[str, Any]:
    if listed.is_prefix:
        return {"subdir": listed.name}
    modified = datetime.fromtimestamp(listed.modified, UTC)
    return {
        "name": listed.name, "bytes": listed.size, "hash": listed.etag, "content_type": listed.content_type,
        "last_modified": f"{modified:%Y-%m-%dT%H:%M:%S.%f}",
    }  # fmt: skip
