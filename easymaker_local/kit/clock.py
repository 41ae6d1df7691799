"""Time, passed in so that tests control it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time in seconds since the epoch."""

    def now(self) -> float:
        """Return the current time."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


def to_iso(seconds: float) -> str:
    """Format epoch seconds as ISO 8601 with milliseconds and the machine's UTC offset (rest-api §1.6)."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(timespec="milliseconds")


def to_utc(seconds: float) -> str:
    """Format epoch seconds as ISO 8601 in UTC with milliseconds; raises ValueError or OverflowError beyond the calendar."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
