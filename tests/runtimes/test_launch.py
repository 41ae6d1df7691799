"""The launcher up to the entry point, without user packages."""

from __future__ import annotations

import ast
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easymaker_local.domain.contract import EXIT_NOT_STARTED
from easymaker_local.testing.node import LAUNCHER, Node

REPORT = """
import json, os, sys
json.dump({"argv": sys.argv, "cwd": os.getcwd(), "pid": os.getpid(), "env": dict(os.environ)}, open("report.json", "w"))
"""


def write(node: Node, name: str, text: str) -> None:
    (node.source / name).write_text(text)


def report(node: Node) -> dict[str, object]:
    return json.loads((node.source / "report.json").read_text())


_arguments = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=8)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=_arguments)
def test_arguments_arrive_one_by_one_as_they_were_entered(node: Node, values: list[str]) -> None:
    """HY-02, HY-05."""
    write(node, "train.py", REPORT)
    arguments = ["--", "--a key", "two words", "$HOME `id` \"'*", "학습率", *values]

    result = node.run("--", "train.py", *arguments)

    assert result.returncode == 0, result.stderr
    assert report(node)["argv"] == [str(node.source / "train.py"), *arguments]


def test_hyperparameters_are_read_from_arguments_and_environment_in_one_run(node: Node) -> None:
    """HY-04: the sample of the product's guide."""
    write(
        node,
        "train.py",
        """
import argparse, os
model_version = os.environ.get("EM_HP_MODEL_VERSION")
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=500)
parser.add_argument("--batch_size", type=int, default=32)
known, _ = parser.parse_known_args()
print(model_version, known.epochs, known.batch_size)
""",
    )
    command = ["train.py", "--epochs", "7", "--batch_size", "16", "--model_version", "1.2"]
    assert node.run("--", *command, EM_HP_MODEL_VERSION="1.2").stdout == "1.2 7 16\n"


def test_entry_point_runs_in_the_source_directory_and_finds_its_modules(node: Node) -> None:
    write(node, "helper.py", "NAME = 'helper'\n")
    write(node, "train.py", "import helper" + REPORT)
    node.run("--", "train.py", check="1")
    assert report(node)["cwd"] == str(node.source)


def test_entry_point_in_a_folder_and_one_that_looks_like_an_option(node: Node) -> None:
    (node.source / "src").mkdir()
    for name in ("src/train.py", "-c.py"):
        write(node, name, "print('here')")
        assert node.run("--", name).stdout == "here\n"


def test_environment_is_passed_on(node: Node) -> None:
    """EV-01."""
    write(node, "train.py", REPORT)
    node.run("--", "train.py", EM_DATASETS='{"train set": "/data"}', EM_HP_A="1")
    env = report(node)["env"]
    assert isinstance(env, dict)
    assert env["EM_DATASETS"] == '{"train set": "/data"}'
    assert env["EM_MODEL_DIR"] == str(node.root / "model")
    assert "EM_CHECKPOINT_INPUT_DIR" not in env


def test_output_appears_while_the_code_runs(node: Node) -> None:
    write(node, "train.py", "print('first'); input_never_comes = open('gate').read()")
    gate = node.source / "gate"
    os.mkfifo(gate)
    with node.start("--", "train.py") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        gate.write_text("go")


@pytest.mark.parametrize("code", [0, 1, 3, 125, 255])
def test_exit_code_is_the_entry_points(node: Node, code: int) -> None:
    """TR-29, as far as the launcher is concerned."""
    write(node, "train.py", f"raise SystemExit({code})")
    assert node.run("--", "train.py").returncode == code
    assert node.failure() is None


def test_death_by_signal_is_the_entry_points(node: Node) -> None:
    write(node, "train.py", "import os; os.kill(os.getpid(), 9)")
    assert node.run("--", "train.py").returncode == -signal.SIGKILL


def test_entry_point_is_the_process_that_was_started_and_gets_its_signals(node: Node) -> None:
    write(
        node,
        "train.py",
        """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print(os.getpid())
signal.pause()
""",
    )
    with node.start("--", "train.py") as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.terminate()
        assert process.wait(30) == 7


def test_missing_entry_point_is_reported(node: Node) -> None:
    result = node.run("--", "absent.py")
    assert result.returncode == EXIT_NOT_STARTED
    assert node.failure() == {
        "reason": "ENTRY_POINT",
        "message": "The entry point absent.py does not exist in the algorithm.",
    }
    assert "absent.py" in result.stderr


def test_gloo_is_told_the_loopback_interface_only_where_the_user_did_not_choose(node: Node) -> None:
    write(node, "train.py", "import os; print(os.environ.get('GLOO_SOCKET_IFNAME'))")
    assert node.run("--", "train.py").stdout == "None\n"
    assert node.run("--", "train.py", MASTER_ADDR="127.0.0.1").stdout == "lo\n"
    assert node.run("--", "train.py", MASTER_ADDR="node-0").stdout == "None\n"
    assert node.run("--", "train.py", MASTER_ADDR="127.0.0.1", GLOO_SOCKET_IFNAME="eth1").stdout == "eth1\n"


@pytest.fixture
def torchrun(node: Node, tmp_path: Path) -> Node:
    """A node on whose path a stand-in for torchrun is, which reports what it was given."""
    package = tmp_path / "stand-in" / "torch" / "distributed"
    package.mkdir(parents=True)
    (package / "run.py").write_text(REPORT)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    node.env["PYTHONPATH"] = str(tmp_path / "stand-in")
    write(node, "train.py", "")
    return node


def test_torchrun_gets_nodes_processes_rank_and_rendezvous(torchrun: Node) -> None:
    """TO-02; after ``--`` nothing of the user's can be taken for an option of torchrun's (HY-05)."""
    options = ["--nodes", "2", "--node-rank", "1", "--processes-per-node", "4", "--master", "node-0:40001", "--torchrun"]
    torchrun.run(*options, "--", "train.py", "--n", "3", "--master_port", "1")
    argv = report(torchrun)["argv"]
    assert isinstance(argv, list)
    assert argv[1:] == [
        *("--nnodes=2", "--nproc_per_node=4", "--node_rank=1", "--master_addr=node-0", "--master_port=40001"),
        *("--", str(torchrun.source / "train.py"), "--n", "3", "--master_port", "1"),
    ]


def test_torchrun_on_one_node_alone_needs_no_port(torchrun: Node) -> None:
    torchrun.run("--processes-per-node", "2", "--torchrun", "--", "train.py")
    argv = report(torchrun)["argv"]
    assert isinstance(argv, list)
    assert argv[1:5] == ["--nnodes=1", "--nproc_per_node=2", "--standalone", "--local_addr=127.0.0.1"]


def test_torchrun_on_two_nodes_without_an_address_is_refused(torchrun: Node) -> None:
    result = torchrun.run("--nodes", "2", "--torchrun", "--", "train.py")
    assert result.returncode != 0
    assert "--master is needed" in result.stderr


def test_launcher_costs_little_more_than_one_interpreter_start(node: Node) -> None:
    """It stands between a click and the first line; the bound is three bare starts where two are needed.

    In CPU time, which others on the machine hardly change.
    """

    def used() -> float:
        found = resource.getrusage(resource.RUSAGE_CHILDREN)
        return found.ru_utime + found.ru_stime

    write(node, "train.py", "")
    bare, launched = [], []
    for _ in range(9):
        begin = used()
        node.run("--", "train.py")
        launched.append(used() - begin)
        begin = used()
        subprocess.run([sys.executable, node.source / "train.py"], check=True, env=node.environment({}))
        bare.append(used() - begin)
    assert min(launched) < 3 * min(bare)


def test_launcher_imports_the_standard_library_alone() -> None:
    tree = ast.parse(LAUNCHER.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
