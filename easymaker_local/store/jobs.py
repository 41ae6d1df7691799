"""What rows of jobs of every kind have in common: a status that moves by compare-and-set, a wish, a reason and an end.

Requests write ``desired``; ``transition`` alone writes ``status``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import Desired
from easymaker_local.errors import NotFound, StaleRecord
from easymaker_local.kit.clock import Uptime
from easymaker_local.store.broken import problem_of
from easymaker_local.store.events import EventType, record

T = TypeVar("T")

# Words that change from look to look, of a preparation every second, of the queue with every job: only that they begin is
# history.
_WORDY = {Reason.PREPARING_ENVIRONMENT, Reason.WAITING_FOR_RESOURCES}


class Row(Protocol):
    """Any record of a job, also one that cannot be read."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...


class Job(Row, Protocol):
    """A record that can be read."""

    @property
    def cause(self) -> Cause | None: ...


class Status(Protocol):
    """A status of any kind of job."""

    @property
    def value(self) -> str: ...
    @property
    def is_finished(self) -> bool: ...


@dataclass(frozen=True)
class Jobs:
    """The table of a kind; ``word`` is how people call one."""

    kind: str
    table: str
    word: str

    def find(self, db: sqlite3.Connection, job_id: str, read: Callable[[sqlite3.Row], T]) -> T:
        """Return one; raises NotFound."""
        row = db.execute(f"SELECT * FROM {self.table} WHERE id = ?", (job_id,)).fetchone()  # noqa: S608 fixed words
        if row is None:
            raise NotFound(f"There is no {self.word.lower()} {job_id!r}.")
        return read(row)

    def broken(self, row: sqlite3.Row, error: ValueError | TypeError, attempt: int = 1) -> Quarantined:
        """Return what is known of a row that cannot be read."""
        name = row["name"] if "name" in row.keys() else row["id"]  # noqa: SIM118 a row's own ``in`` looks at its values
        finished, problem = bool(row["is_finished"]), problem_of(error)
        return Quarantined(self.kind, row["id"], name, row["status"], finished, attempt, row["created_at"], problem)

    def experiment_of(self, db: sqlite3.Connection, job_id: str) -> str:
        """Return the id of its experiment, also of one whose row cannot be read as a whole; raises NotFound."""
        return self.find(db, job_id, lambda row: str(row["experiment_id"]))

    def transition(
        self, db: sqlite3.Connection, job: Job, to: Status, allowed: Collection[Status], cause: Cause | None, now: float,
        more: Mapping[str, Any], message: str | None = None,
    ) -> None:  # fmt: skip
        """Change the status if it is still the one of ``job``, with its event; raises StaleRecord otherwise.

        ``more``: further columns, by fixed names; ``message`` stands in the event of a change without a cause.
        """
        if to not in allowed:
            raise AssertionError(f"{job.status} never becomes {to}")
        columns = {
            "status": to.value, "is_finished": int(to.is_finished), "reason": cause and cause.reason,
            "message": cause and cause.message, **more, **({"finished_at": now} if to.is_finished else {}),
        }  # fmt: skip
        self._update(db, job, columns)
        record(db, self.kind, job.id, now, EventType.STATUS, status=to.value, cause=cause, message=message)

    def explain(self, db: sqlite3.Connection, job: Job, cause: Cause | None, now: float) -> None:
        """Replace the reason beside an unchanged status; None: there is none any more. A new reason is an event."""
        db.execute(
            f"UPDATE {self.table} SET reason = ?, message = ? WHERE id = ? AND status = ?",  # noqa: S608 fixed words
            (cause and cause.reason, cause and cause.message, job.id, job.status),
        )
        before = job.cause and job.cause.reason
        if cause is not None and not (cause.reason is before and before in _WORDY):
            record(db, self.kind, job.id, now, EventType.NOTE, cause=cause)

    def want(self, db: sqlite3.Connection, job: Row, desired: Desired, now: float, message: str) -> None:
        """Write the user's wish, if the status is still the one that permitted it; raises StaleRecord otherwise."""
        self._update(db, job, {"desired": desired})
        record(db, self.kind, job.id, now, EventType.REQUEST, message=message)

    def wish(self, db: sqlite3.Connection, job_id: str, wish: str, now: float, message: str) -> None:
        """Write what the user wants, whatever the status is."""
        db.execute(f"UPDATE {self.table} SET wish = ? WHERE id = ?", (wish, job_id))  # noqa: S608 fixed words
        record(db, self.kind, job_id, now, EventType.REQUEST, message=message)

    def change(self, db: sqlite3.Connection, job: Row, name: str, description: str | None, spec: str, now: float) -> None:
        """Replace name, description and tags (GN-13); ``spec`` is the whole spec as JSON."""
        query = f"UPDATE {self.table} SET name = ?, description = ?, spec = ? WHERE id = ?"  # noqa: S608 fixed words
        db.execute(query, (name, description, spec, job.id))
        record(db, self.kind, job.id, now, EventType.REQUEST, message="Name, description or tags were changed.")

    def delete(self, db: sqlite3.Connection, job: Row) -> None:
        """Remove the row; raises StaleRecord if the status changed."""
        query = f"DELETE FROM {self.table} WHERE id = ? AND status = ?"  # noqa: S608 fixed words
        if not db.execute(query, (job.id, job.status)).rowcount:
            raise self._stale(job)

    def _update(self, db: sqlite3.Connection, job: Row, columns: Mapping[str, Any]) -> None:
        assignments = ", ".join(f"{column} = ?" for column in columns)
        query = f"UPDATE {self.table} SET {assignments} WHERE id = ? AND status = ?"  # noqa: S608 fixed words
        if not db.execute(query, (*columns.values(), job.id, job.status)).rowcount:
            raise self._stale(job)

    def _stale(self, job: Row) -> StaleRecord:
        return StaleRecord(f"{self.word} {job.id} is no longer {job.status}.")


def beginning(now: float, uptime: Uptime | None) -> dict[str, Any]:
    """Return the columns that say when a job began, by both clocks."""
    by_uptime = {} if uptime is None else {"started_boot": uptime.boot, "started_uptime": uptime.seconds}
    return {"started_at": now, **by_uptime}


def cause_of(row: sqlite3.Row) -> Cause | None:
    """Return the reason in a row; raises ValueError for a code that is none."""
    return None if row["reason"] is None else Cause(Reason(row["reason"]), row["message"])


def sound(found: T | Quarantined) -> T:
    """Return a record that can be read; raises BrokenRecord for another one."""
    if isinstance(found, Quarantined):
        raise found.error
    return found
