"""On which runtime versions a stage runs, and what is refused once they have expired (UP-06, UP-10, UP-L03)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from easymaker_local.domain.endpoint import Pod
from easymaker_local.domain.runtime_version import Expiry, first_expiry
from easymaker_local.kit.clock import to_iso
from easymaker_local.settings import Settings
from easymaker_local.store import runtime_versions


def expiry_of(db: sqlite3.Connection, pods: Iterable[Pod], settings: Settings) -> Expiry | None:
    """Return the outdated runtime version that expires first of those that pods run on; None: there is none (UP-10).

    Each start of a pod is on the newest, so pods that do not run make nothing outdated.
    """
    versions = {pod.runs_version for pod in pods} - {None}
    return first_expiry(
        (one for one in versions if one is not None), runtime_versions.history(db), settings.runtime_expiry_days
    )


def refused_by_expiry(db: sqlite3.Connection, pods: Iterable[Pod], settings: Settings, now: float) -> str | None:
    """Return why a stage with these pods gets no more of them; None: it may (UP-L03)."""
    expiry = expiry_of(db, pods, settings)
    if expiry is None or now < expiry.at:
        return None
    return f"its runtime version {expiry.version} expired on {to_iso(expiry.at)[:10]}: create the stage anew"
