"""TensorBoard's log files: ``<root>/<experiment id>/<training's name>-<training id>/`` (TB-L01, TB-05).

What TensorBoard is given as its log directory decides what it calls a run, so that an experiment's folder shows one run per
training. Trainings may be renamed; their folder keeps its name, for a container may have it mounted, and is found by the id.

Everything here blocks. The folders belong to jobs, which may put links there: nothing is followed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.domain.tensorboard import run_directory


@dataclass(frozen=True)
class Removed:
    """What a sweep removed of one training's logs."""

    files: int
    bytes: int


class TensorboardLogs:
    """All logs of an installation."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def experiment(self, experiment_id: str) -> Path:
        """Return the log root of an experiment (EX-L01)."""
        return self._root / experiment_id

    def find(self, experiment_id: str, training_id: str) -> Path | None:
        """Return a training's run; None if it never had one."""
        return next(self.experiment(experiment_id).glob(f"*-{training_id}"), None)

    def make(self, experiment_id: str, training_id: str, training_name: str) -> Path:
        """Return a training's run, made if it is not there."""
        found = self.find(experiment_id, training_id)
        run = found or self.experiment(experiment_id) / run_directory(training_name, training_id)
        run.mkdir(parents=True, exist_ok=True)
        return run

    def runs(self) -> Mapping[str, Path]:
        """Return all runs by their training's id."""
        return {path.name.rpartition("-")[2]: path for path in self._root.glob("*/*-*")}

    def remove_old(self, before: float, ended: Collection[str]) -> Mapping[str, Removed]:
        """Remove files that were last written ``before`` (epoch seconds); returns what went, by training (TB-02).

        Of the trainings in ``ended`` empty folders go as well; others may still want to write into theirs.
        """
        removed = {}
        for training_id, run in self.runs().items():
            found = _remove_files(run, before, keep_folders=training_id not in ended)
            if found.files:
                removed[training_id] = found
        return removed


def _remove_files(run: Path, before: float, *, keep_folders: bool) -> Removed:
    files = size = 0
    # By descriptors, not by paths: a job could put a link to elsewhere in a folder's place meanwhile.
    for _, folders, names, here in os.fwalk(run, topdown=False):
        for name in names:
            try:
                found = os.stat(name, dir_fd=here, follow_symlinks=False)
                if found.st_mtime < before:
                    os.unlink(name, dir_fd=here)
                    files, size = files + 1, size + found.st_size
            except FileNotFoundError:
                continue  # its owner was faster
        if not keep_folders:
            for name in folders:
                _remove_empty(name, here)
    if not keep_folders:
        _remove_empty(run)
    return Removed(files, size)


def _remove_empty(path: Path | str, folder: int | None = None) -> None:
    try:
        os.rmdir(path, dir_fd=folder)
    except OSError:
        return  # something is in it, or it is a link
