"""Why a training failed, told by what really happened: memory, signals, packages (TO-05, TR-11), on the plain image."""

from __future__ import annotations

from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.shared import SMALL_FLAVOR

GREEDY = """
import os
from pathlib import Path
Path(os.environ["EM_CHECKPOINT_DIR"], "before.txt").write_text("kept")
print("filling", flush=True)
taken = []
for _ in range(64):
    taken.append(b"x" * (64 << 20))
print("never reached")
"""

SUICIDE = "import os, signal\nprint('going', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"

# A process that is killed while its parent lives on, as torchrun and data loaders have them.
CHILD = """
import subprocess, sys

done = subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
print(f"exitcode : {done.returncode}")
sys.exit(1)
"""


def fail(
    appliance: Appliance, name: str, script: str, more: dict[str, str | bytes] | None = None, **body: Any
) -> dict[str, Any]:
    appliance.put("code", {f"{name}/train.py": script, **{f"{name}/{file}": text for file, text in (more or {}).items()}})
    request = {"sourceDirUri": appliance.uri("code", name), "modelUploadUri": appliance.uri("models", name)}
    training = appliance.training(trainingName=name, **{**request, **body})
    ended = appliance.await_status(training["trainingId"])
    assert ended["trainingStatusCode"] == "FAIL_TRAIN", ended
    assert not (appliance.home / "storage/models" / name).exists()
    return ended


def test_more_memory_than_the_flavor_has(appliance: Appliance) -> None:
    kept = appliance.uri("models", "greedy-checkpoints")
    ended = fail(appliance, "greedy", GREEDY, flavorId=SMALL_FLAVOR, checkPointUploadUri=kept)
    # TO-05, TR-L05: only this is called lack of memory.
    assert ended["statusReason"]["code"] == "OUT_OF_MEMORY"
    assert "memory" in ended["statusReason"]["message"].lower()
    assert appliance.log(ended["trainingId"]) == "filling\n"
    # TR-30
    assert (appliance.home / "storage/models/greedy-checkpoints/before.txt").read_text() == "kept"


def test_killed_by_signal_9_is_no_claim_of_memory(appliance: Appliance) -> None:
    # TO-04, TO-05
    reason = fail(appliance, "suicide", SUICIDE, flavorId=SMALL_FLAVOR)["statusReason"]
    assert reason["code"] == "KILLED_BY_SIGNAL"
    assert "signal 9" in reason["message"]
    assert "memory" not in reason["message"].lower()


def test_killed_child_is_no_claim_of_memory(appliance: Appliance) -> None:
    # TO-03, TO-04: the log may say -9; the reason is the entry point's own exit code.
    ended = fail(appliance, "child", CHILD, flavorId=SMALL_FLAVOR)
    assert appliance.log(ended["trainingId"]) == "exitcode : -9\n"
    assert ended["statusReason"]["code"] == "EXIT_CODE"
    assert "memory" not in ended["statusReason"]["message"].lower()


@pytest.mark.parametrize("nodes", [1, 2])
def test_unknown_package(appliance: Appliance, nodes: int) -> None:
    requirements = "--no-index\nno-such-package-of-ours==1.0\n"
    ended = fail(appliance, f"unknown-{nodes}", "print('never')", {"requirements.txt": requirements}, instanceCount=nodes)
    # TR-11: the entry point was not run, and the reason is pip's own words.
    assert ended["statusReason"]["code"] == "REQUIREMENTS_FAILED"
    assert "No matching distribution found for no-such-package-of-ours==1.0" in ended["statusReason"]["message"]
    assert "never" not in appliance.log(ended["trainingId"])


def test_failing_node_ends_the_others(appliance: Appliance) -> None:
    script = """
import os, sys, time
print("node", os.environ["RANK"], flush=True)
if os.environ["RANK"] == "1":
    sys.exit(7)
time.sleep(3600)
"""
    ended = fail(appliance, "uneven", script, instanceCount=2)
    # DT-06, TR-29
    assert ended["statusReason"]["code"] == "EXIT_CODE"
    assert "Node 1" in ended["statusReason"]["message"]
    assert "7" in ended["statusReason"]["message"]
    assert appliance.log(ended["trainingId"], 1) == "node 1\n"
