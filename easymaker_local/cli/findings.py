"""What a check of ``doctor`` answers with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """What was found and what to do about it."""

    check: str
    level: Level
    message: str
    advice: str | None = None
