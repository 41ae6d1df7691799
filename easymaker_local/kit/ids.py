"""Identifiers: short enough to type, long enough not to collide, at most 36 characters (GN-02)."""

from __future__ import annotations

import secrets


def new_id() -> str:
    """Return 16 hexadecimal digits (64 random bits)."""
    return secrets.token_hex(8)
