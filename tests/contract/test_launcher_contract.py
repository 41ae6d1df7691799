"""Daemon and launcher never import each other; this proves that they mean the same words (domain/contract.py)."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.domain import contract
from easymaker_local.testing.node import LAUNCHER, Node


@pytest.fixture(scope="module")
def launcher() -> dict[str, Any]:
    return runpy.run_path(str(LAUNCHER))


def test_launcher_is_where_the_contract_says(launcher: dict[str, Any]) -> None:
    assert LAUNCHER.is_file()
    assert launcher["EXIT_NOT_STARTED"] == contract.EXIT_NOT_STARTED


def test_both_sides_name_variables_and_files_alike() -> None:
    text = LAUNCHER.read_text()
    for name in (contract.CONTROL_DIR_VARIABLE, contract.WORK_DIR_VARIABLE, contract.FAILURE_FILE, "EM_SOURCE_DIR"):
        assert f'"{name}"' in text


@pytest.mark.parametrize(("files", "reason"), [({}, "ENTRY_POINT"), ({"requirements.txt": "///"}, "REQUIREMENTS")])
def test_failure_is_written_where_the_daemon_reads_it(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    node = Node(tmp_path)
    for name, text in files.items():
        (node.source / name).write_text(text)
        (node.source / "train.py").touch()

    assert node.run("--", "train.py").returncode == contract.EXIT_NOT_STARTED

    failure = node.failure()
    assert failure["reason"] == reason
    assert failure["message"]
    assert [path.name for path in (tmp_path / "control").iterdir()] == [contract.FAILURE_FILE]


def test_user_code_moved_to_another_directory_runs_unchanged(tmp_path: Path) -> None:
    """EV-L01: scripts learn every place from the variables."""
    script = """
import os
from pathlib import Path
for name in ("MODEL", "CHECKPOINT", "TENSORBOARD_LOG"):
    (Path(os.environ[f"EM_{name}_DIR"]) / "proof").write_text(os.environ["EM_SOURCE_DIR"])
"""
    for name in ("here", "else where"):
        node = Node(tmp_path / name)
        (node.source / "train.py").write_text(script)
        assert node.run("--", "train.py").returncode == 0
        for folder in ("model", "checkpoint", "tensorboard"):
            assert (node.root / folder / "proof").read_text() == str(node.source)
