"""Runtime versions: the sets of serving images on which the pods of stages run (UP-06…UP-10, UP-L01…UP-L03). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class RuntimeVersion:
    """A set of images that became the newest at ``since``, in epoch seconds."""

    version: str
    since: float


def version_of(images: Iterable[tuple[str, bytes]]) -> str:
    """Return the name of a set of images: their ids, each with everything that makes its environment."""
    digest = hashlib.sha256()
    for image_id, content in sorted(images):
        digest.update(f"{image_id} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def expires_at(version: str, history: Sequence[RuntimeVersion], days: float) -> float | None:
    """Return when a version that is not the newest expires; None for the newest. ``history`` is in the order of time."""
    if not history or history[-1].version == version:
        return None
    last = max((place for place, known in enumerate(history) if known.version == version), default=-1)
    return history[last + 1].since + days * DAY_SECONDS


@dataclass(frozen=True)
class Expiry:
    """A version that is not the newest, and when it expires, in epoch seconds."""

    version: str
    at: float


def first_expiry(versions: Iterable[str], history: Sequence[RuntimeVersion], days: float) -> Expiry | None:
    """Return which of some versions expires first; None if there is none but the newest (UP-10)."""
    found = [Expiry(version, at) for version in versions if (at := expires_at(version, history, days)) is not None]
    return min(found, key=lambda expiry: expiry.at, default=None)
