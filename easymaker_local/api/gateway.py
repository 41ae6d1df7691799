"""What the gateway passes on to the daemon: object storage, and pages on an origin that is not the API's (architecture 12)."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class Behind:
    """Passes each request on by the beginning of its path; what begins like nothing in ``apps`` goes to ``storage``."""

    def __init__(self, storage: ASGIApp, apps: Mapping[str, ASGIApp]) -> None:
        self._storage = storage
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = scope.get("path", "").split("/", 2)[1:2]
        app = self._apps.get(first[0], self._storage) if first else self._storage
        await app(scope, receive, send)
