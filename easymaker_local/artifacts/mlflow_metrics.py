"""The metrics that a training logged into its MLflow run, read from the database of MLflow's server (TR-34, EX-L02)."""

from __future__ import annotations

import math
import sqlite3
import threading
from array import array
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from easymaker_local.artifacts.run_metrics import MAXIMUM_COURSES, MAXIMUM_POINTS
from easymaker_local.domain.training_metric import Course, Metric, metric_of, thin

_BUSY_SECONDS = 2.0
# MLflow writes the largest number for infinity.
_LARGEST = 1.7976931348623157e308

_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'metrics'"
_LAST = "SELECT max(rowid) FROM metrics WHERE run_uuid = ?"
_AFTER = "SELECT rowid, key, step, value, is_nan, timestamp FROM metrics WHERE run_uuid = ? AND rowid > ? ORDER BY rowid"


@dataclass
class _Known:
    """A run as far as it was read: ``inode`` of the database, the last row, and which metrics are logged with their steps."""

    inode: int
    row: int = 0
    courses: dict[str, Course] = field(default_factory=dict)
    stepped: set[str] = field(default_factory=set)


class MlflowMetrics:
    """What is known of a run; each time only what was added since is read. The server need not run, and is not disturbed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = _Known(inode=0)

    def read(self, database: Path, run: str, most: int) -> list[Metric]:
        """Read on, and return the metrics of a run by name, with at most so many points each. Blocks; raises sqlite3.Error.

        There are none while the server has never run. Values that were logged without their steps are numbered as they came,
        where MLflow has all of them at step 0.
        """
        with self._lock:
            if not database.exists():
                self._known = _Known(inode=0)
                return []
            inode = database.stat().st_ino
            # Who may only read leaves it to the server to move what is new from the log into the file.
            with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as db:
                if db.execute(_TABLE).fetchone() is None:
                    return []
                last: int = db.execute(_LAST, (run,)).fetchone()[0] or 0
                if self._known.inode != inode or last < self._known.row:
                    self._known = _Known(inode)
                if last > self._known.row:
                    self._read_on(db, run)
            return [metric_of(name, [course], most) for name, course in sorted(self._known.courses.items())]

    def _read_on(self, db: sqlite3.Connection, run: str) -> None:
        known = self._known
        count = sum(len(course.points) for course in known.courses.values())
        for row, name, step, value, is_nan, at in db.execute(_AFTER, (run, known.row)):
            known.row = row
            course = known.courses.get(name)
            if course is None:
                if len(known.courses) == MAXIMUM_COURSES:
                    continue
                course = known.courses[name] = Course()
            if step != 0 and name not in known.stepped:
                known.stepped.add(name)
                course.points.steps = array("q", bytes(8 * len(course.points)))
            place = step if name in known.stepped else len(course.points) + course.thinned_out
            number = math.nan if is_nan else math.copysign(math.inf, value) if abs(value) >= _LARGEST else value
            course.points.add(place, number, at / 1000)
            count += 1
            if count > MAXIMUM_POINTS:
                count = thin([*known.courses.values()])
