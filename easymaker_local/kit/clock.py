"""Time, passed in so that tests control it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Uptime:
    """A moment that no setting of the clock moves: seconds since the machine's start ``boot``, without time asleep."""

    boot: str
    seconds: float

    def since(self, earlier: Uptime) -> float | None:
        """Return the seconds in between; None if the machine was restarted in between."""
        return self.seconds - earlier.seconds if self.boot == earlier.boot else None


class Clock(Protocol):
    """Wall-clock time in seconds since the epoch, and time that does not jump."""

    def now(self) -> float:
        """Return the current time."""
        ...

    def uptime(self) -> Uptime:
        """Return how long the machine has run; comparable between processes."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    def uptime(self) -> Uptime:
        return Uptime(_boot(), time.monotonic())


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def to_iso(seconds: float) -> str:
    """Format epoch seconds as ISO 8601 with milliseconds and the machine's UTC offset (rest-api §1.6)."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(timespec="milliseconds")


def to_utc(seconds: float) -> str:
    """Format epoch seconds as ISO 8601 in UTC with milliseconds; raises ValueError or OverflowError beyond the calendar."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
