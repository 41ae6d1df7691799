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


def ran_by_uptime(clock: Clock, began: Uptime | None) -> float | None:
    """Return the seconds since something began by the clock that does not jump; None where that is not known."""
    return None if began is None else clock.uptime().since(began)


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


def elapsed_seconds(started_at: float | None, finished_at: float | None, now: float) -> int:
    """Return how long something has run, or ran until it finished; 0 before it began. Times in epoch seconds."""
    if started_at is None:
        return 0
    return max(0, int((now if finished_at is None else finished_at) - started_at))


def ran_seconds(by_uptime: float | None, started_at: float | None, now: float) -> float:
    """Return how long something has run: by the clock that does not jump, where that is known, else by the other one."""
    if by_uptime is not None:
        return by_uptime
    return max(0.0, now - (started_at if started_at is not None else now))
