"""The keys that calls of an endpoint need, where its user wants one (GW-L05): random, and kept sealed."""

from __future__ import annotations

import secrets

from easymaker_local.domain.endpoint import Endpoint
from easymaker_local.errors import PermanentError
from easymaker_local.kit.sealing import seal, unseal
from easymaker_local.kit.secret_files import derive
from easymaker_local.services.context import Context

_PURPOSE = "endpoint-api-key"
_BYTES = 24


def make_api_key() -> str:
    """Return a new key."""
    return secrets.token_urlsafe(_BYTES)


def seal_api_key(context: Context, endpoint_id: str, key: str) -> str:
    """Return a key as the endpoint's row keeps it."""
    return seal(derive(context.secret_key, _PURPOSE), key, endpoint_id)


def api_key_of(context: Context, endpoint: Endpoint) -> str | None:
    """Return the key; None: none is needed. Raises PermanentError if it cannot be opened."""
    if endpoint.sealed_api_key is None:
        return None
    try:
        return unseal(derive(context.secret_key, _PURPOSE), endpoint.sealed_api_key, endpoint.id)
    except ValueError as error:
        raise PermanentError(
            f"The API key of endpoint {endpoint.id} cannot be opened: {error}.",
            hint=f"Was {context.settings.secret_key_file} replaced? Renew the key.",
        ) from error
