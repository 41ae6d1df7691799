"""Why a resource waits or why it ended: shown beside the status, never as a status of its own (GN-26)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Stable codes; the message beside them is for people."""

    PREPARING_ENVIRONMENT = "PREPARING_ENVIRONMENT"
    WAITING_FOR_RESOURCES = "WAITING_FOR_RESOURCES"
    WAITING_FOR_ENGINE = "WAITING_FOR_ENGINE"
    STOPPED_BY_USER = "STOPPED_BY_USER"
    NEVER_FITS = "NEVER_FITS"
    ENVIRONMENT_FAILED = "ENVIRONMENT_FAILED"
    ACCESS_DENIED = "ACCESS_DENIED"
    INPUT_MISSING = "INPUT_MISSING"
    START_FAILED = "START_FAILED"
    REQUIREMENTS_FAILED = "REQUIREMENTS_FAILED"
    EXIT_CODE = "EXIT_CODE"
    KILLED_BY_SIGNAL = "KILLED_BY_SIGNAL"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    TIME_LIMIT = "TIME_LIMIT"
    WORKLOAD_LOST = "WORKLOAD_LOST"
    OUTPUT_NOT_STORED = "OUTPUT_NOT_STORED"
    STORAGE_ALMOST_FULL = "STORAGE_ALMOST_FULL"
    STORAGE_FULL = "STORAGE_FULL"
    GPU_NOT_IDLE = "GPU_NOT_IDLE"
    TOO_MANY_FAILED_TRIALS = "TOO_MANY_FAILED_TRIALS"


@dataclass(frozen=True)
class Cause:
    """A reason with its words."""

    reason: Reason
    message: str
