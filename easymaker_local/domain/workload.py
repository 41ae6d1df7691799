"""What a driver sees of a workload: the facts on which ``decide()`` decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a workload is in its life."""

    ABSENT = "absent"
    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Observation:
    """What a driver sees of a workload now.

    ``exit_code`` is set only for EXITED: 0…255 as the program returned it, or 128 + signal number if a signal ended it, with
    ``signal`` set as well. EXITED with ``exit_code`` None means: it is gone and nobody can know how it ended ("lost").
    ``out_of_memory`` is True only if the kernel, or the driver's own memory watch, ended it for lack of memory (TO-05).
    Times are epoch seconds. ``message`` is the driver's own remark, for people.
    """

    phase: Phase
    exit_code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False
    started_at: float | None = None
    finished_at: float | None = None
    message: str | None = None
    peak_memory_bytes: int | None = None
    """The highest that the driver saw, if it looks itself; of an ended workload."""

    @property
    def is_alive(self) -> bool:
        """True if something may still run, so that it has to be stopped before its files are touched."""
        return self.phase in {Phase.STARTING, Phase.RUNNING, Phase.UNKNOWN}

    @property
    def has_succeeded(self) -> bool:
        """True only for a known exit with code 0: "unknown" is never success."""
        return self.phase is Phase.EXITED and self.exit_code == 0

    @property
    def has_failed(self) -> bool:
        """True if it ended in any way but success, or vanished."""
        return self.phase is Phase.ABSENT or (self.phase is Phase.EXITED and self.exit_code != 0)
