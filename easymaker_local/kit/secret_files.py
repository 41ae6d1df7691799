"""Secrets that are files: made at first use, whole or not there, readable by their owner only (mode 0600)."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from easymaker_local.kit.files import write_atomically

PRIVATE = 0o600
_KEY_BYTES = 32


def ensure_token(path: Path) -> str:
    """Return the token in ``path``, made at first use."""
    try:
        token = path.read_text().strip()
    except FileNotFoundError:
        token = ""
    return token or renew_token(path)


def renew_token(path: Path) -> str:
    """Replace the token in ``path`` by a new one and return that."""
    token = secrets.token_urlsafe(32)
    write_atomically(path, token.encode() + b"\n", mode=PRIVATE)
    return token


def ensure_key(path: Path) -> bytes:
    """Return the key in ``path``, made at first use; raises ValueError if the file holds no key.

    A damaged key is never replaced: what it had sealed would be lost for good.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(_KEY_BYTES)
        write_atomically(path, key, mode=PRIVATE)
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path} holds {len(key)} bytes, not a key of {_KEY_BYTES}")
    return key


def derive(key: bytes, purpose: str) -> bytes:
    """Return a key for one purpose, from which neither ``key`` nor another purpose's can be told."""
    return hmac.digest(key, purpose.encode(), hashlib.sha256)


def is_private(path: Path) -> bool:
    """True if nobody but the owner may read or change the file; raises FileNotFoundError."""
    return not path.stat().st_mode & 0o077 and path.stat().st_uid == os.getuid()
