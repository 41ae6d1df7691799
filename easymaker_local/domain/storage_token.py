"""Tokens of object storage: short-lived, signed, kept nowhere (rest-api §7).

They are signed with a key derived from the API token: a restart does not end them, a new API token does. Whoever sees one
can use the storage until it expires, and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct

# Clients ask again ten minutes before the end; the SDK wants an hour at least (rest-api §7.1).
LIFETIME_SECONDS = 12 * 3600
# Nothing tells the storage of a job's end: what a job gets outlives it by this at most.
JOB_LIFETIME_SECONDS = 3600 + 600
_PREFIX = "emst_"
_SIGNATURE_BYTES = 24


def derive_key(api_token: str) -> bytes:
    """Return the signing key that belongs to an API token."""
    return hmac.digest(api_token.encode(), b"easymaker-local object storage token", hashlib.sha256)


def issue(key: bytes, now: float, lifetime_seconds: int = LIFETIME_SECONDS) -> tuple[str, int]:
    """Return a new token and when it expires, in epoch seconds."""
    expires = int(now) + lifetime_seconds
    body = struct.pack(">Q", expires) + secrets.token_bytes(8)
    return _PREFIX + base64.urlsafe_b64encode(body + _signature(key, body)).decode(), expires


def is_valid(key: bytes, token: str, now: float) -> bool:
    """Tell whether we issued it and it has not expired."""
    try:
        raw = base64.b64decode(token.removeprefix(_PREFIX).encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    if len(body) != 16 or not hmac.compare_digest(signature, _signature(key, body)):
        return False
    return bool(struct.unpack(">Q8x", body)[0] > now)


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)[:_SIGNATURE_BYTES]
