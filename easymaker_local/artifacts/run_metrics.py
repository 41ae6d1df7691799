"""The metrics of one training, gathered from the event files of its run (TB-L01, TB-04, TR-34)."""

from __future__ import annotations

import os
import stat
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from easymaker_local.artifacts.event_files import EventFile
from easymaker_local.domain.training_metric import Course, Metric, metric_of, thin

MAXIMUM_POINTS = 250_000
"""Of a run, in memory; where there are more, its longest metrics are thinned."""
MAXIMUM_COURSES = 10_000
"""Metrics of a run, counted in each of its files; further ones are left out."""
MAXIMUM_FILES = 1_000
MAXIMUM_DEPTH = 8


@dataclass
class _File:
    """A file as far as it was read."""

    events: EventFile = field(default_factory=EventFile)
    courses: dict[str, Course] = field(default_factory=dict)


class RunMetrics:
    """What is known of a run; each time only what was appended since is read. The folder is a job's: no link is followed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By folder, name and inode.
        self._files: dict[tuple[str, str, int], _File] = {}

    def read(self, run: Path, most: int) -> list[Metric]:
        """Read on, and return the metrics by name with at most so many points each; none if the run is not there. Blocks.

        Those of a file in a folder of the run are called after both, as TensorBoard shows them: ``train/epoch_loss``. Points
        are in the order of their steps; of a step that was logged twice, as after a restart, the later one counts. A file
        that became shorter, or is another one, is read anew.
        """
        with self._lock:
            present = set()
            for folder, name, descriptor in _event_files(run):
                found = os.fstat(descriptor)
                key = (folder, name, found.st_ino)
                present.add(key)
                file = self._files.get(key)
                if file is None or file.events.offset > found.st_size:
                    file = self._files[key] = _File()
                self._read_on(file, descriptor)
            self._files = {key: file for key, file in self._files.items() if key in present}
            return self._metrics(most)

    def _read_on(self, file: _File, descriptor: int) -> None:
        kept = self._all()
        count, points = len(kept), sum(len(course.points) for course in kept)
        for scalar in file.events.read(descriptor, file.courses):
            course = file.courses.get(scalar.tag)
            if course is None:
                if count == MAXIMUM_COURSES:
                    continue
                course, count = file.courses.setdefault(scalar.tag, Course()), count + 1
            course.points.add(scalar.step, scalar.value, scalar.at)
            points += 1
            if points > MAXIMUM_POINTS:
                points = thin(self._all())

    def _all(self) -> list[Course]:
        return [course for file in self._files.values() for course in file.courses.values()]

    def _metrics(self, most: int) -> list[Metric]:
        by_name: defaultdict[str, list[Course]] = defaultdict(list)
        for (folder, *_), file in sorted(self._files.items(), key=lambda item: item[0]):
            for tag, course in file.courses.items():
                by_name[folder + tag].append(course)
        return [metric_of(name, courses, most) for name, courses in sorted(by_name.items())]


def _event_files(run: Path) -> Iterator[tuple[str, str, int]]:
    """Yield folder, name and a descriptor of each event file; the folder with a slash, the run's own without a name."""
    count = 0
    with suppress(FileNotFoundError):
        for path, folders, names, here in os.fwalk(run):
            parts = Path(path).relative_to(run).parts
            folders[:] = sorted(folders) if len(parts) < MAXIMUM_DEPTH else []
            folder = os.fsencode("".join(f"{part}/" for part in parts)).decode(errors="replace")
            for name in sorted(name for name in names if "tfevents" in name):
                descriptor = _open(name, here)
                if descriptor is None:
                    continue
                try:
                    yield folder, name, descriptor
                finally:
                    os.close(descriptor)
                count += 1
                if count == MAXIMUM_FILES:
                    return


def _open(name: str, folder: int) -> int | None:
    """Open a file to be read; None if it is gone meanwhile, a link, or no file at all."""
    try:
        # Who opens a pipe would otherwise wait until somebody writes into it.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None
