"""TensorBoard: one server per experiment, tuning or training that somebody looks at, and its names (TB, EX-L02)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

KIND = "tensorboard"
IMAGE = "tensorboard-2.21-cpu"
"""The catalogue's image of the server."""


class Scope(StrEnum):
    """Whose logs are shown (TB-05)."""

    EXPERIMENT = "experiment"
    TRAINING = "training"
    TUNING = "tuning"


@dataclass(frozen=True)
class Board:
    """What one server shows. The names hold no dash but those between their parts, as ids do."""

    scope: Scope
    id: str

    @property
    def workload(self) -> str:
        """Name of the server's workload: kind, id, attempt and role (architecture 2)."""
        return f"{KIND}-{self.id}-1-{self.scope}"

    @property
    def network(self) -> str:
        """Name of the server's network, in which it is alone."""
        return f"{KIND}-{self.id}-{self.scope}"

    @property
    def path(self) -> str:
        """Where it is below the gateway's address, with a slash at the end: TensorBoard's own addresses are relative."""
        return f"/{KIND}/{self.scope}/{self.id}/"


def board_of_workload(name: str) -> Board | None:
    """Return whose server a workload is; None if it is none."""
    kind, resource_id, *_, role = name.split("-")
    return Board(Scope(role), resource_id) if kind == KIND and role in set(Scope) else None


def run_directory(training_name: str, training_id: str) -> str:
    """Return the name of a training's run: readable, a file name of at most 255 bytes, and found again by the id."""
    return f"{_readable(training_name) or 'training'}-{training_id}"


def tuning_directory(tuning_name: str, tuning_id: str) -> str:
    """Return the name of the directory with the runs of a tuning's trials: like a run's, but never one."""
    return f"{_readable(tuning_name) or 'tuning'}@{tuning_id}"


def _readable(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-")
