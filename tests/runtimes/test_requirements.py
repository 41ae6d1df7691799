"""The launcher and a requirements.txt beside the entry point, with the real pip and wheels made by hand (TR-11)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from easymaker_local.domain.contract import EXIT_NOT_STARTED
from easymaker_local.testing.node import Node
from easymaker_local.testing.wheels import make_wheel


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an image's environment: it has pip and a package ``framework``, and a .pth file of its own."""
    folder = tmp_path_factory.mktemp("base")
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    python = folder / "env/bin/python"
    wheel = make_wheel(folder, "framework")
    subprocess.run([python, "-m", "pip", "install", "--no-index", "--quiet", wheel], check=True)
    editable = folder / "editable"
    editable.mkdir()
    (editable / "linked.py").touch()
    (folder / f"env/lib/python3.{sys.version_info[1]}/site-packages/linked.pth").write_text(f"{editable}\n")
    return python


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    folder = tmp_path / "wheelhouse"
    make_wheel(folder, "tiny", "1.0", requires=["framework>=1"])
    make_wheel(folder, "tiny", "2.0", requires=["framework>=1"])
    return folder


@pytest.fixture
def node(tmp_path: Path, base: Path, wheelhouse: Path) -> Node:
    node = Node(tmp_path / "node", base, {"PIP_FIND_LINKS": str(wheelhouse)})
    (node.source / "train.py").write_text("import tiny, framework; print('tiny', tiny.VERSION)")
    return node


def require(node: Node, text: str) -> None:
    (node.source / "requirements.txt").write_text(text)


def test_requirements_are_installed_before_the_entry_point_runs(node: Node) -> None:
    """TR-11. ``framework`` is in no index: that ``tiny`` installs proves that what the image has counts as installed."""
    require(node, "tiny==1.0\nframework\n")
    result = node.run("--", "train.py")
    assert result.returncode == 0, result.stderr
    assert "Successfully installed tiny-1.0" in result.stdout
    assert result.stdout.endswith("tiny 1.0\n")
    assert node.failure() is None


def test_the_environment_of_the_image_is_left_as_it_is(node: Node, base: Path, wheelhouse: Path) -> None:
    make_wheel(wheelhouse, "framework", "2.0")
    require(node, "tiny\nframework==2.0")
    (node.source / "train.py").write_text("import framework, linked; print('framework', framework.VERSION)")
    result = node.run("--", "train.py")
    assert result.stdout.endswith("framework 2.0\n"), result.stderr
    check = subprocess.run([base, "-c", "import framework; print(framework.VERSION)"], capture_output=True, text=True)
    assert check.stdout == "1.0\n"
    assert subprocess.run([base, "-c", "import tiny"], capture_output=True).returncode == 1


def test_programs_of_the_packages_come_first_on_the_path(node: Node) -> None:
    require(node, "tiny")
    (node.source / "train.py").write_text(
        "import os, shutil, sys; print(os.environ['VIRTUAL_ENV'], sys.prefix, shutil.which('python'), sep='|')"
    )
    packages = node.root / "work" / "packages"
    last = node.run("--", "train.py").stdout.splitlines()[-1]
    assert last.split("|") == [str(packages), str(packages), str(packages / "bin/python")]


def test_second_start_installs_nothing_again(node: Node, wheelhouse: Path) -> None:
    require(node, "tiny==1.0")
    node.run("--", "train.py")
    (wheelhouse / "tiny-1.0-py3-none-any.whl").unlink()
    assert node.run("--", "train.py").stdout == "tiny 1.0\n"


def test_changed_requirements_are_installed_anew(node: Node) -> None:
    require(node, "tiny==1.0")
    node.run("--", "train.py")
    require(node, "tiny==2.0")
    assert node.run("--", "train.py").stdout.endswith("tiny 2.0\n")


def test_leftover_of_an_interrupted_installation_is_replaced(node: Node) -> None:
    leftover = node.root / "work" / "packages" / "bin"
    leftover.mkdir(parents=True)
    (leftover / "python").write_text("#!/bin/false\n")
    require(node, "tiny")
    assert node.run("--", "train.py").stdout.endswith("tiny 2.0\n")


def test_failing_requirement_is_reported_in_pips_own_words(node: Node) -> None:
    require(node, "tiny\nno-such-package==4\n")
    result = node.run("--", "train.py")
    assert result.returncode == EXIT_NOT_STARTED
    failure = node.failure()
    assert failure["reason"] == "REQUIREMENTS"
    assert "No matching distribution found for no-such-package==4" in failure["message"]
    assert all(line.startswith("ERROR: ") for line in failure["message"].splitlines())  # not the whole log
    assert "No matching distribution found for no-such-package==4" in result.stdout
    assert "tiny 2.0" not in result.stdout


def test_requirements_that_pip_cannot_read_are_reported(node: Node) -> None:
    require(node, "this is no requirement\n")
    assert node.run("--", "train.py").returncode == EXIT_NOT_STARTED
    assert "Invalid requirement" in node.failure()["message"]


def test_place_that_cannot_be_written_is_reported(node: Node) -> None:
    (node.root / "work").rmdir()
    (node.root / "work").touch()
    require(node, "tiny")
    assert node.run("--", "train.py").returncode == EXIT_NOT_STARTED
    assert node.failure()["reason"] == "REQUIREMENTS"


def test_an_index_is_asked_for_what_the_wheelhouse_lacks(node: Node) -> None:
    """TR-L06. The index here is a closed port: asking it is seen in pip's words."""
    nowhere = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    require(node, "tiny\n")
    result = node.run("--", "train.py", **nowhere)
    assert result.stdout.endswith("tiny 2.0\n"), result.stderr
    assert "127.0.0.1:9" not in result.stdout
    require(node, "tiny\nsomething-else\n")
    result = node.run("--", "train.py", **nowhere)
    assert result.returncode == EXIT_NOT_STARTED
    assert "No matching distribution found for something-else" in node.failure()["message"]
    assert "127.0.0.1:9" in result.stdout
