"""Experiments: groups of trainings, tunings and pipeline runs (EX).

    CREATE_REQUESTED ─▶ CREATE_IN_PROGRESS ─▶ ACTIVE
                              │  ▲ retry
                              ▼  │
                         CREATE_FAILED

Set-up makes the TensorBoard log root (EX-L01), which takes no time, so the create call carries it out and answers ACTIVE
(rest-api §2.4); an experiment whose set-up was cut short by a crash is found in CREATE_IN_PROGRESS and finished.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from easymaker_local.domain.wire import Body, Description, Name


class ExperimentStatus(StrEnum):
    """EX-10…EX-13."""

    CREATE_REQUESTED = "CREATE_REQUESTED"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_FAILED = "CREATE_FAILED"
    ACTIVE = "ACTIVE"
    BROKEN = "BROKEN"
    """What a row with an unknown status is shown as; never written."""

    @property
    def is_deletable(self) -> bool:
        """EX-18, EX-19: not while it is being created."""
        return self in {ExperimentStatus.ACTIVE, ExperimentStatus.CREATE_FAILED, ExperimentStatus.BROKEN}


TRANSITIONS: dict[ExperimentStatus, frozenset[ExperimentStatus]] = {
    ExperimentStatus.CREATE_REQUESTED: frozenset({ExperimentStatus.CREATE_IN_PROGRESS}),
    ExperimentStatus.CREATE_IN_PROGRESS: frozenset({ExperimentStatus.ACTIVE, ExperimentStatus.CREATE_FAILED}),
    ExperimentStatus.CREATE_FAILED: frozenset({ExperimentStatus.CREATE_IN_PROGRESS}),
    ExperimentStatus.ACTIVE: frozenset(),
    ExperimentStatus.BROKEN: frozenset(),
}


class ExperimentSpec(Body):
    """What a user asks for (rest-api §6.4)."""

    experiment_name: Name
    description: Description | None = None


class ExperimentChange(Body):
    """What may be changed afterwards (EX-09)."""

    experiment_name: Name | None = None
    description: Description | None = None


@dataclass(frozen=True)
class Experiment:
    """A row. ``deleted_at`` set: a tombstone that trainings still refer to by its last name (EX-21)."""

    id: str
    name: str
    description: str | None
    status: ExperimentStatus
    message: str | None
    created_at: float
    deleted_at: float | None = None
