"""TensorBoard's log files: ``<root>/<experiment id>/<training's name>-<training id>/`` (TB-L01, TB-05).

What TensorBoard is given as its log directory decides what it calls a run, so that an experiment's folder shows one run per
training. Trials have theirs below ``<tuning's name>@<tuning id>/``, which shows the trials of one tuning (HP-52). Resources may
be renamed; their folder keeps its name, for a container may have it mounted, and is found by the id.

Everything here blocks. The folders belong to jobs, which may put links there: nothing is followed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.domain.tensorboard import run_directory, tuning_directory

# Below an experiment's folder: of trainings, and of trials.
_RUNS = ("*-*", "*@*/*-*")


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
        folder = self.experiment(experiment_id)
        found = (run for place in ("", "*@*/") for run in folder.glob(f"{place}*-{training_id}"))
        return next(found, None)

    def make(self, experiment_id: str, training_id: str, training_name: str, tuning: Path | None = None) -> Path:
        """Return a training's run, made if it is not there: a trial's in the directory of its ``tuning``."""
        found = self.find(experiment_id, training_id)
        run = found or (tuning or self.experiment(experiment_id)) / run_directory(training_name, training_id)
        run.mkdir(parents=True, exist_ok=True)
        return run

    def make_tuning(self, experiment_id: str, tuning_id: str, tuning_name: str) -> Path:
        """Return the directory with the runs of a tuning's trials, made if it is not there."""
        found = self.find_tuning(experiment_id, tuning_id)
        found = found or self.experiment(experiment_id) / tuning_directory(tuning_name, tuning_id)
        found.mkdir(parents=True, exist_ok=True)
        return found

    def find_tuning(self, experiment_id: str, tuning_id: str) -> Path | None:
        """Return the directory with the runs of a tuning's trials; None if it never had one."""
        return next(self.experiment(experiment_id).glob(f"*@{tuning_id}"), None)

    def runs(self, experiment_id: str = "*") -> Mapping[str, Path]:
        """Return all runs, or those of an experiment, by their training's id."""
        found = (path for pattern in _RUNS for path in self._root.glob(f"{experiment_id}/{pattern}"))
        return {_id(path): path for path in found if "@" not in path.name}

    def tunings(self) -> Mapping[str, Path]:
        """Return the directories of all tunings by their ids."""
        return {path.name.rpartition("@")[2]: path for path in self._root.glob("*/*@*")}

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


def _id(run: Path) -> str:
    return run.name.rpartition("-")[2]


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
