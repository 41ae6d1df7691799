"""The example scripts, as shipped, through the launcher, in the shipped images' environments.

Slow (an environment takes minutes the first time): only the real frameworks show that scripts, launcher and rendezvous fit.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
from pathlib import Path

import pytest

from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.drivers.environments import VirtualEnvironments
from easymaker_local.kit.bundled import bundled
from easymaker_local.settings import load_settings
from easymaker_local.testing.node import Node

pytestmark = pytest.mark.environment
EXAMPLES = Path(__file__).parents[2] / "examples"


def environment(image_id: str) -> tuple[Path, dict[str, str]]:
    """Return Python and variables of a shipped image, prepared once and kept between test runs."""
    cache = Path(os.environ.get("EASYMAKER_LOCAL_TEST_CACHE", Path.home() / ".cache" / "easymaker-local-tests"))
    image = Catalogue([bundled("images")]).by_id(image_id)
    assert image is not None
    path = asyncio.run(VirtualEnvironments(cache / "environments", load_settings().wheelhouse).prepare(image, print))
    return Path(path) / "bin/python", dict(image.env)


@pytest.fixture(scope="module")
def pytorch() -> tuple[Path, dict[str, str]]:
    return environment("pytorch-train-2.13.0-cpu")


@pytest.fixture(scope="module")
def tensorflow() -> tuple[Path, dict[str, str]]:
    python, env = environment("tensorflow-train-2.21.0-cpu")
    return python, {**env, "TF_CPP_MIN_LOG_LEVEL": "2"}


def make_node(root: Path, example: str, kind: tuple[Path, dict[str, str]]) -> Node:
    node = Node(root, kind[0], {**kind[1], "EM_DATASET_TRAIN": str(EXAMPLES / "iris")})
    shutil.copytree(EXAMPLES / example, node.source, dirs_exist_ok=True)
    return node


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def run_together(nodes: list[Node], *commands: list[str], **env: str) -> list[str]:
    """Run one command per node at the same time; return what each printed."""
    processes = [node.start(*command, **env) for node, command in zip(nodes, commands, strict=True)]
    results = [process.communicate(timeout=300) for process in processes]
    for process, (_, errors) in zip(processes, results, strict=True):
        assert process.returncode == 0, errors
    return [output for output, _ in results]


def accuracy(output: str) -> float:
    return float(output.splitlines()[-1].removeprefix("final accuracy="))


def test_iris_with_pytorch_trains_and_resumes(tmp_path: Path, pytorch: tuple[Path, dict[str, str]]) -> None:
    first = make_node(tmp_path / "first", "iris-pytorch", pytorch)
    result = first.run("--", "train.py", "--epochs", "20", "--ignored", "1", timeout=300, EM_HP_MODEL_VERSION="7")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("model version 7, Namespace(epochs=20,")
    assert {path.name for path in (first.root / "model").iterdir()} == {"model.pt", "model.py", "handler.py"}
    assert list((first.root / "tensorboard").iterdir())

    second = make_node(tmp_path / "second", "iris-pytorch", pytorch)
    checkpoint = str(first.root / "checkpoint")
    result = second.run("--", "train.py", "--epochs", "30", timeout=300, EM_CHECKPOINT_INPUT_DIR=checkpoint)
    assert "resumed from checkpoint-0020.pt\n[21] " in result.stdout
    assert accuracy(result.stdout) >= 0.9


def test_iris_with_tensorflow_trains_and_resumes(tmp_path: Path, tensorflow: tuple[Path, dict[str, str]]) -> None:
    """EV-18, TB-03."""
    first = make_node(tmp_path / "first", "iris-tensorflow", tensorflow)
    result = first.run("--", "train.py", "--epochs", "3", timeout=300)
    assert result.returncode == 0, result.stderr
    assert (first.root / "model" / "saved_model.pb").is_file()
    assert list((first.root / "tensorboard" / "train").iterdir())

    second = make_node(tmp_path / "second", "iris-tensorflow", tensorflow)
    checkpoint = str(first.root / "checkpoint")
    result = second.run("--", "train.py", "--epochs", "8", timeout=300, EM_CHECKPOINT_INPUT_DIR=checkpoint)
    assert "resumed from cp-0003.ckpt" in result.stdout
    assert accuracy(result.stdout) >= 0.75


def test_torchrun_on_two_nodes_with_two_processes_each(tmp_path: Path, pytorch: tuple[Path, dict[str, str]]) -> None:
    """TO-01, TO-02, DT-04 for gloo."""
    nodes = [make_node(tmp_path / str(rank), "distributed-pytorch", pytorch) for rank in range(2)]
    options = ["--torchrun", "--nodes", "2", "--processes-per-node", "2", "--master", f"127.0.0.1:{free_port()}"]
    commands = [[*options, "--node-rank", str(rank), "--", "train.py", "--epochs", "2"] for rank in range(2)]
    outputs = run_together(nodes, *commands)
    # Without a line's end: two processes that write at once may share a line.
    ranks = [sorted(re.findall(r"rank \d of \d, gloo", output)) for output in outputs]
    assert ranks == [["rank 0 of 4, gloo", "rank 1 of 4, gloo"], ["rank 2 of 4, gloo", "rank 3 of 4, gloo"]]
    assert [(node.root / "model" / "model.pt").exists() for node in nodes] == [True, False]


def test_pytorch_from_variables_without_torchrun(tmp_path: Path, pytorch: tuple[Path, dict[str, str]]) -> None:
    """DT-05, as far as the launcher is concerned."""
    nodes = [make_node(tmp_path / str(rank), "distributed-pytorch", pytorch) for rank in range(2)]
    for rank, node in enumerate(nodes):
        node.env["RANK"] = str(rank)
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    outputs = run_together(nodes, *[["--", "train.py", "--epochs", "1"]] * 2, **place)
    assert outputs[0].startswith("rank 0 of 2, gloo")
    assert outputs[1] == "rank 1 of 2, gloo\n"


def test_tensorflow_on_two_workers(tmp_path: Path, tensorflow: tuple[Path, dict[str, str]]) -> None:
    """DT-02 and DT-03, as far as the script is concerned."""
    nodes = [make_node(tmp_path / str(index), "distributed-tensorflow", tensorflow) for index in range(2)]
    workers = [f"127.0.0.1:{free_port()}" for _ in nodes]
    for index, node in enumerate(nodes):
        task = {"type": "worker", "index": index}
        node.env["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
    outputs = run_together(nodes, *[["--", "train.py", "--epochs", "2"]] * 2)
    assert ["worker 0 of 2" in outputs[0], "worker 1 of 2" in outputs[1]] == [True, True]
    assert [(node.root / "model" / "saved_model.pb").exists() for node in nodes] == [True, False]
