"""Secrets at rest: AES-256-GCM, authenticated together with what they belong to (architecture 12)."""

from __future__ import annotations

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


def seal(key: bytes, text: str, about: str) -> str:
    """Return ``text`` sealed for one owner: moved to another row it does not open. ``key`` has 32 bytes."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, text.encode(), about.encode())).decode()


def unseal(key: bytes, sealed: str, about: str) -> str:
    """Return what was sealed; raises ValueError if key or owner is another one, or it was changed."""
    data = base64.b64decode(sealed, validate=True)
    try:
        return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], about.encode()).decode()
    except InvalidTag:
        raise ValueError("it was sealed with another key, for another owner, or was changed") from None
