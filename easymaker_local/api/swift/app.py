"""The application: which route, who asks, and what an error is in Swift's words."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from easymaker_local.api.swift.containers import MAX_LIST, Containers
from easymaker_local.api.swift.identity import Identity
from easymaker_local.api.swift.objects import MAX_META_BYTES, MAX_META_COUNT, MAX_META_NAME, MAX_META_VALUE, ObjectRoutes
from easymaker_local.api.swift.request import Content, Refused, Request, new_transaction
from easymaker_local.artifacts.objects import MAX_NAME_BYTES
from easymaker_local.errors import Conflict, EasyMakerError, InvalidRequest, NotFound, StorageError, StorageFull, TransientError
from easymaker_local.services.buckets import Buckets
from easymaker_local.services.object_records import ChecksumMismatch, PreconditionFailed
from easymaker_local.services.objects import Objects

log = logging.getLogger(__name__)

# Looked up along the error's class tree; the most specific entry wins.
_STATUS: Mapping[type[EasyMakerError], int] = {
    NotFound: 404,
    PreconditionFailed: 412,
    Conflict: 409,
    ChecksumMismatch: 422,
    InvalidRequest: 400,
    StorageFull: 507,
    StorageError: 403,
    TransientError: 503,
    EasyMakerError: 500,
}

_INFO = {
    "swift": {
        "version": "2.30.0", "container_listing_limit": MAX_LIST, "max_object_name_length": MAX_NAME_BYTES,
        "max_meta_count": MAX_META_COUNT, "max_meta_name_length": MAX_META_NAME, "max_meta_value_length": MAX_META_VALUE,
        "max_meta_overall_size": MAX_META_BYTES, "max_file_size": 1 << 60,
    },
}  # fmt: skip


class SwiftApp:
    """The ASGI application."""

    def __init__(self, identity: Identity, objects: Objects, buckets: Buckets) -> None:
        self._identity = identity
        self._containers = Containers(objects, buckets)
        self._objects = ObjectRoutes(objects)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        begun = False

        async def watched(message: Mapping[str, object]) -> None:
            nonlocal begun
            begun = True
            await send(dict(message))

        expects = any(name == b"expect" for name, _ in scope["headers"])
        content = Content(receive, is_held_back=expects)
        request = Request(scope["method"], "", {}, {}, content, watched, new_transaction())
        try:
            request = Request.of(scope, content, watched)
            await self._route(request)(request)
        except ClientDisconnect:
            log.info("%s %s: the client went away", request.method, request.path)
        except Exception as error:
            if begun:
                raise  # the answer is cut off, which the client sees
            await self._refuse(request, error)

    def _route(self, request: Request) -> Callable[[Request], Awaitable[None]]:
        match request.path, request.method:
            case "/auth/v1.0" | "/auth/v1", "GET":
                return self._identity.temp_auth
            case "/v2.0/tokens", "POST":
                return self._identity.keystone
            case "/info", "GET":
                return _info
        pieces = request.path.split("/", 3)
        if len(pieces) < 3 or not pieces[1].startswith("v") or not pieces[2].startswith("AUTH_"):
            raise Refused(404, "There is no such path.")
        self._identity.check(request)
        if not request.container:
            return self._containers.account
        if not request.name:
            return self._containers.container
        return self._objects.object

    async def _refuse(self, request: Request, error: Exception) -> None:
        headers: Mapping[str, str] = {}
        if isinstance(error, Refused):
            status, message, headers = error.status, error.message, error.headers
        elif isinstance(error, EasyMakerError):
            status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
            message = str(error)
        else:
            log.error("%s %s failed (%s)", request.method, request.path, request.transaction, exc_info=error)
            status, message = 500, "The daemon failed to answer this; its log has the details."
        if request.content.is_held_back:
            headers = {**headers, "Connection": "close"}
        else:
            await request.content.drain()
        await request.answer(status, headers, f"{message}\n".encode() if message else b"")


async def _info(request: Request) -> None:
    await request.answer(200, body=json.dumps(_INFO).encode(), content_type="application/json; charset=utf-8")
