"""The metrics of a run: from all of its files, read on from where they were, whatever the job puts there (TB-04, TB-L01)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from easymaker_local.artifacts import run_metrics
from easymaker_local.artifacts.run_metrics import RunMetrics
from easymaker_local.testing.event_writer import log

FILES = Path(__file__).with_name("event_files")


def read(metrics: RunMetrics, run: Path, most: int = 1000) -> dict[str, list[tuple[int, float]]]:
    found = metrics.read(run, most)
    assert [metric.name for metric in found] == sorted(metric.name for metric in found)
    return {one.name: [*zip(one.points.steps, one.points.values, strict=True)] for one in found}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    return made


def test_metrics_are_named_after_their_folders() -> None:
    """TB-03: as Keras writes them."""
    assert {name: len(found) for name, found in read(RunMetrics(), FILES / "keras").items()} == {
        "double": 3, "zero": 1, "train/epoch_loss": 3, "train/epoch_learning_rate": 3, "validation/epoch_loss": 3,
        "validation/evaluation_loss_vs_iterations": 3,
    }  # fmt: skip
    assert set(read(RunMetrics(), FILES / "pytorch")) == {"train/loss", "new", "nan", "both_a/both", "both_b/both"}


def test_a_run_that_is_not_there_or_empty_has_none(run: Path) -> None:
    assert read(RunMetrics(), run) == {}
    assert read(RunMetrics(), run / "gone") == {}


def test_only_what_was_appended_is_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = RunMetrics()
    file = log(run, "loss", [4, 3])
    assert read(metrics, run) == {"loss": [(0, 4), (1, 3)]}
    taken: list[int] = []
    pread = os.pread

    def counting(descriptor: int, size: int, offset: int) -> bytes:
        found = pread(descriptor, size, offset)
        taken.append(len(found))
        return found

    monkeypatch.setattr("easymaker_local.artifacts.event_files.os.pread", counting)
    read(metrics, run)
    assert sum(taken) == 0
    before = file.stat().st_size
    log(run, "loss", [2], first=2)
    assert read(metrics, run) == {"loss": [(0, 4), (1, 3), (2, 2)]}
    assert sum(taken) == file.stat().st_size - before


def test_a_restart_in_another_file_or_in_the_same(run: Path) -> None:
    metrics = RunMetrics()
    log(run, "loss", [4, 3, 2], at=10)
    log(run, "loss", [2.5, 1.5], first=1, at=20, file="events.out.tfevents.2")
    assert read(metrics, run)["loss"] == [(0, 4), (1, 2.5), (2, 1.5)]
    log(run, "loss", [9], at=30)
    (found,) = metrics.read(run, 1000)
    assert (found.points.values[0], found.count) == (9, 3)


def test_files_that_are_replaced_shortened_or_gone(run: Path) -> None:
    metrics = RunMetrics()
    file = log(run, "old", [1, 2, 3])
    read(metrics, run)
    file.write_bytes(b"")
    log(run, "short", [1])
    assert read(metrics, run) == {"short": [(0, 1)]}
    log(run, "new", [1, 2, 3, 4], file="tfevents.aside").rename(file)
    assert set(read(metrics, run)) == {"new"}
    file.unlink()
    assert read(metrics, run) == {}


def test_links_pipes_and_other_files_are_left_alone(run: Path, tmp_path: Path) -> None:
    outside = log(tmp_path / "outside", "secret", [1])
    (run / "tfevents.link").symlink_to(outside)
    (run / "folder").symlink_to(outside.parent)
    os.mkfifo(run / "tfevents.pipe")
    (run / "tfevents.folder").mkdir()
    log(run, "other", [1], file="notes.txt")
    log(run, "mine", [1])
    assert set(read(RunMetrics(), run)) == {"mine"}
    (tmp_path / "link").symlink_to(run)
    assert read(RunMetrics(), tmp_path / "link") == {}


def test_names_that_are_no_text(run: Path) -> None:
    log(run / os.fsdecode(b"\xff\n"), "loss", [1])
    (name,) = read(RunMetrics(), run)
    assert name == "�\n/loss"


def test_more_than_is_kept(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much a job writes: extremes and ends stay, and the points are counted on."""
    monkeypatch.setattr(run_metrics, "MAXIMUM_POINTS", 100)
    values = [float(i % 10) for i in range(1000)]
    values[333] = 99.0
    log(run, "a", values)
    log(run, "b", values, file="events.out.tfevents.2")
    metrics = RunMetrics()
    for found in (metrics.read(run, 1000), metrics.read(run, 1000)):
        assert [(one.name, one.count) for one in found] == [("a", 1000), ("b", 1000)]
        assert sum(len(one.points) for one in found) <= 100
        assert all((one.points.steps[0], one.points.steps[-1]) == (0, 999) for one in found)
        assert all(99.0 in one.points.values for one in found)


def test_more_metrics_files_and_folders_than_are_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_metrics, "MAXIMUM_COURSES", 3)
    monkeypatch.setattr(run_metrics, "MAXIMUM_FILES", 2)
    monkeypatch.setattr(run_metrics, "MAXIMUM_DEPTH", 1)
    for name in ("a", "b", "c", "d"):
        log(run, name, [1, 2])
    log(run / "1", "e", [1])
    log(run / "2", "f", [1])
    log(run / "0/deep", "g", [1])
    metrics = RunMetrics()
    for _ in range(2):
        assert read(metrics, run) == {"a": [(0, 1), (1, 2)], "b": [(0, 1), (1, 2)], "c": [(0, 1), (1, 2)]}
