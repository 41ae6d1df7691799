"""Browser sessions, by the digest of their secret: who reads the database cannot sign in with it."""

from __future__ import annotations

import sqlite3


def add(db: sqlite3.Connection, digest: str, now: float, expires_at: float) -> None:
    """Begin a session; those that have expired are forgotten on the occasion."""
    db.execute("DELETE FROM sessions WHERE expires_at <= ?", (now,))
    db.execute("INSERT INTO sessions (digest, created_at, expires_at) VALUES (?, ?, ?)", (digest, now, expires_at))


def is_open(db: sqlite3.Connection, digest: str, now: float) -> bool:
    """True if the session was begun, not ended, and has not expired."""
    found = db.execute("SELECT 1 FROM sessions WHERE digest = ? AND expires_at > ?", (digest, now)).fetchone()
    return found is not None


def end(db: sqlite3.Connection, digest: str) -> None:
    """End a session; calm if there is none."""
    db.execute("DELETE FROM sessions WHERE digest = ?", (digest,))


def end_all(db: sqlite3.Connection) -> None:
    """End every session."""
    db.execute("DELETE FROM sessions")
