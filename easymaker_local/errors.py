"""Every error that the product raises on purpose.

EasyMakerError
├── InvalidRequest         bad input; carries the fields at fault
├── NotFound               no such resource
├── Conflict               the resource's state, or another resource, forbids the operation
│   ├── StaleRecord        somebody else moved the row first; read again
│   ├── BrokenRecord       the row cannot be read; it and what it runs are left alone
│   └── QuotaExceeded      the gateway takes no more services or stages
├── Unauthorized           no token, or a wrong one
├── TransientError         may go away by itself; carries the pause before the next try
│   ├── EngineUnavailable  the container engine does not answer
│   └── DatabaseUnavailable  the database is locked by another program, its disk is full, or it is damaged
└── PermanentError         will not go away; ends the operation with a reason
    ├── EnvironmentFailed  an image or environment could not be prepared
    ├── VolumeError        a volume of a limited size cannot be made, mounted or unmounted
    ├── GatewayRejected    the gateway does not take its settings; the earlier ones stay in force
    ├── StorageError       a path cannot be resolved, read or written
    │   ├── AccessDenied   the system account lacks a permission on the container
    │   └── StorageFull    the disk is full
    └── DaemonError        the daemon cannot start, or another one runs
        └── DaemonUnreachable  no daemon answers the client

HTTP statuses live in ``api/``, exit codes in ``cli/``; ``code`` is stable and meant for programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One field of a request and what is wrong with it; ``field`` is the wire name, dotted for nested ones."""

    field: str
    message: str


class EasyMakerError(Exception):
    """Base of all. ``message`` is for a person, ``hint`` says what to do next."""

    code = "ERROR"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} {self.hint}"


class InvalidRequest(EasyMakerError):
    """The request cannot be granted as it stands; nothing was created (GN-02)."""

    code = "INVALID_REQUEST"

    def __init__(self, fields: Sequence[FieldError] | str, *, hint: str | None = None) -> None:
        self.fields = () if isinstance(fields, str) else tuple(fields)
        text = fields if isinstance(fields, str) else "; ".join(f"{f.field}: {f.message}" for f in self.fields)
        super().__init__(text, hint=hint)


class NotFound(EasyMakerError):
    """There is no such resource, or it was deleted."""

    code = "NOT_FOUND"


class Conflict(EasyMakerError):
    """The status of the resource, or another resource, forbids the operation (GN-27, DP-19)."""

    code = "CONFLICT"


class StaleRecord(Conflict):
    """The row no longer has the status that the caller saw; nothing was changed."""

    code = "STALE_RECORD"


class BrokenRecord(Conflict):
    """The row of the resource cannot be read: it is shown as broken, and nothing is done with it or with what it runs."""

    code = "BROKEN_RECORD"


class QuotaExceeded(Conflict):
    """The gateway takes no more services or stages until its quota is raised (GW-11, EP-17)."""

    code = "QUOTA_EXCEEDED"


class Unauthorized(EasyMakerError):
    """The request carries no token, or not the right one."""

    code = "UNAUTHORIZED"


class TransientError(EasyMakerError):
    """May pass by itself: try again after ``delay_seconds``."""

    code = "TRY_AGAIN"

    def __init__(self, message: str, *, delay_seconds: float = 1.0, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.delay_seconds = delay_seconds


class EngineUnavailable(TransientError):
    """The container engine does not answer."""

    code = "ENGINE_UNAVAILABLE"


class DatabaseUnavailable(TransientError):
    """The database cannot be read or written now; nothing was changed."""

    code = "DATABASE_UNAVAILABLE"


class PermanentError(EasyMakerError):
    """Trying again changes nothing."""

    code = "FAILED"


class EnvironmentFailed(PermanentError):
    """An image or environment could not be prepared; the message carries the tool's own words."""

    code = "ENVIRONMENT_FAILED"


class VolumeError(PermanentError):
    """A volume of a limited size cannot be made, mounted or unmounted."""

    code = "VOLUME_ERROR"


class GatewayRejected(PermanentError):
    """The gateway does not take what it was given; what was in force before still is (GW-L03)."""

    code = "GATEWAY_REJECTED"


class StorageError(PermanentError):
    """A data location cannot be resolved, read or written."""

    code = "STORAGE_ERROR"


class AccessDenied(StorageError):
    """The system account may not read or write the container (GN-10, OS-11)."""

    code = "ACCESS_DENIED"


class StorageFull(StorageError):
    """There is no space left for what was to be stored."""

    code = "STORAGE_FULL"


class DaemonError(PermanentError):
    """The daemon cannot start."""

    code = "DAEMON_ERROR"


class DaemonUnreachable(DaemonError):
    """No daemon answers the client: it does not run, hangs, or something else has its port."""

    code = "DAEMON_UNREACHABLE"
