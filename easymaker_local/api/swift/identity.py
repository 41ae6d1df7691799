"""Logging in: Keystone v2 and TempAuth v1, both with the API token as the password (rest-api §7.2)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from easymaker_local.api.swift.request import Refused, Request
from easymaker_local.domain import storage_token
from easymaker_local.kit.clock import Clock
from easymaker_local.settings import Settings

_MAX_BODY_BYTES = 64 << 10


class Identity:
    """Issues and checks tokens of object storage."""

    def __init__(self, settings: Settings, api_token: Callable[[], str], clock: Clock) -> None:
        self._settings = settings
        # Asked each time: the user may replace it while we serve.
        self._api_token = api_token
        self._clock = clock

    def check(self, request: Request) -> None:
        """Raise Refused unless the request carries a token of ours."""
        token = request.headers.get("x-auth-token") or request.headers.get("x-storage-token", "")
        if not storage_token.is_valid(self._key(), token, self._clock.now()):
            raise Refused(401, "The storage token is missing, wrong or has expired.", {"WWW-Authenticate": "Swift realm=local"})

    async def temp_auth(self, request: Request) -> None:
        """``GET /auth/v1.0``: user and key in headers, token and address in headers."""
        key = request.headers.get("x-auth-key") or request.headers.get("x-storage-pass", "")
        self._check_password(key)
        token, expires = self._issue()
        await request.answer(
            200,
            {
                "X-Auth-Token": token, "X-Storage-Token": token, "X-Storage-Url": self._endpoint(request),
                "X-Auth-Token-Expires": str(expires - int(self._clock.now())),
            },
        )  # fmt: skip

    async def keystone(self, request: Request) -> None:
        """``POST /v2.0/tokens``: a token and where the storage is."""
        credentials = await _credentials(request)
        self._check_password(credentials["password"])
        token, expires = self._issue()
        tenant = {"id": self._settings.tenant_id, "name": self._settings.tenant_id, "enabled": True}
        url, region = self._endpoint(request), self._settings.region
        endpoint = {"region": region, "publicURL": url, "internalURL": url, "adminURL": url}
        user = {"id": credentials["username"], "name": credentials["username"], "roles": [{"name": "member"}]}
        access = {
            # Exactly this form: no fraction, no offset (rest-api §7.2).
            "token": {"id": token, "expires": f"{datetime.fromtimestamp(expires, UTC):%Y-%m-%dT%H:%M:%SZ}", "tenant": tenant},
            "serviceCatalog": [{"type": "object-store", "name": "swift", "endpoints": [endpoint]}],
            "user": user,
        }
        await request.answer(200, body=json.dumps({"access": access}).encode(), content_type="application/json")

    def _key(self) -> bytes:
        return storage_token.derive_key(self._api_token())

    def _issue(self) -> tuple[str, int]:
        return storage_token.issue(self._key(), self._clock.now())

    def _check_password(self, password: str) -> None:
        if not hmac.compare_digest(password.encode(), self._api_token().encode()):
            raise Refused(401, "The password is wrong: it is the API token.", {"WWW-Authenticate": "Swift realm=local"})

    def _endpoint(self, request: Request) -> str:
        host = request.headers.get("host") or f"127.0.0.1:{self._settings.gateway_port}"
        return f"https://{host}/v1/AUTH_{self._settings.tenant_id}"


async def _credentials(request: Request) -> dict[str, str]:
    body = b""
    async for block in request.content.blocks():
        body += block
        if len(body) > _MAX_BODY_BYTES:
            raise Refused(400, "The body is too large.")
    try:
        found: Any = json.loads(body)["auth"]["passwordCredentials"]
        return {name: str(found[name]) for name in ("username", "password")}
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(400, 'The body is not {"auth": {"passwordCredentials": {"username": …, "password": …}}}.') from error
