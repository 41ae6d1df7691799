"""TensorBoard's log files: one readable run per training, and no older than wanted (TB-02, TB-05, TB-L01)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.artifacts.tensorboard_logs import Removed, TensorboardLogs
from easymaker_local.domain.tensorboard import Board, Scope, board_of_workload, run_directory

ID = "0123456789abcdef"


@pytest.fixture
def logs(tmp_path: Path) -> TensorboardLogs:
    return TensorboardLogs(tmp_path / "tensorboard")


def write(path: Path, age: float = 0, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (1_000_000 - age,) * 2)
    return path


@given(st.text(max_size=50))
def test_a_run_is_one_readable_folder_whatever_the_training_is_called(name: str) -> None:
    made = run_directory(name, ID)
    assert made.endswith(f"-{ID}")
    assert len(os.fsencode(made)) <= 255
    assert "/" not in made
    assert not made.startswith(".")
    assert not any(char.isspace() for char in made)


@pytest.mark.parametrize(
    ("name", "readable"), [("my run/1", "my-run-1"), ("실험 1", "실험-1"), ("../..", "training"), ("lr=0.1", "lr-0.1")]
)
def test_what_can_be_read_stays(name: str, readable: str) -> None:
    assert run_directory(name, ID) == f"{readable}-{ID}"


def test_names_of_workloads_lead_back() -> None:
    for scope in Scope:
        board = Board(scope, ID)
        assert board_of_workload(board.workload) == board
    assert board_of_workload(f"training-{ID}-1-node-0") is None
    assert board_of_workload(f"tensorboard-{ID}-1-other") is None


def test_a_renamed_training_keeps_its_run(logs: TensorboardLogs) -> None:
    first = logs.make("experiment", ID, "first")
    assert logs.make("experiment", ID, "second") == first
    assert logs.find("experiment", ID) == first
    assert logs.find("experiment", ID[1:] + "0") is None
    assert logs.runs() == {ID: first}


def test_old_files_and_empty_folders_go(logs: TensorboardLogs, tmp_path: Path) -> None:
    """TB-02, TB-L01: by the last write to a file; a run that is being written to stays."""
    ended, running = logs.make("e", "1" * 16, "ended"), logs.make("e", "2" * 16, "running")
    write(ended / "train" / "old", age=100, size=7)
    write(ended / "old", age=100, size=5)
    young = write(ended / "validation" / "young", age=10)
    write(running / "train" / "old", age=100)
    outside = write(tmp_path / "outside" / "old", age=100)
    (ended / "validation" / "link").symlink_to(outside.parent)
    (ended / "validation" / "file").symlink_to(outside)
    found = logs.remove_old(1_000_000 - 50, ended={"1" * 16})
    assert found == {"1" * 16: Removed(2, 12), "2" * 16: Removed(1, 10)}
    assert young.exists()
    assert outside.exists()
    assert not (ended / "train").exists()
    assert (running / "train").is_dir()
    os.utime(young, (0, 0))
    for link in ("link", "file"):
        (ended / "validation" / link).unlink()
    logs.remove_old(1_000_000 - 50, ended={"1" * 16, "2" * 16})
    assert not ended.exists()
    assert not running.exists()


def test_trials_have_their_runs_together(logs: TensorboardLogs) -> None:
    """HP-52: beside those of other trainings, and a folder of a tuning is never taken for a run."""
    tuning = logs.make_tuning("experiment", "f" * 16, "my search")
    assert tuning.name == f"my-search@{'f' * 16}"
    assert logs.make_tuning("experiment", "f" * 16, "renamed") == tuning
    assert logs.find_tuning("experiment", "f" * 16) == tuning
    trial = logs.make("experiment", ID, "search-1", tuning)
    assert trial.parent == tuning
    assert logs.make("experiment", ID, "renamed", tuning) == logs.find("experiment", ID) == trial
    other = logs.make("experiment", "e" * 16, "a@b-c")
    assert logs.runs() == {ID: trial, "e" * 16: other}
    assert logs.tunings() == {"f" * 16: tuning}
    write(trial / "deep" / "events", age=100)
    assert logs.remove_old(1_000_000 - 50, [ID]) == {ID: Removed(1, 10)}
    assert not trial.exists()
