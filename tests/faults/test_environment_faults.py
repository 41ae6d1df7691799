"""Environments that cannot be prepared, or whose preparation is cut short."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from easymaker_local.testing.appliance import PLAIN_IMAGE, Appliance, until
from tests.faults.fault_jobs import assert_history, assert_nothing_left, kill_quietly

MakeAppliance = Callable[..., Appliance]

# Preparing is what is tested, and not that Python makes environments.
QUICK = """import sys
from easymaker_local.cli import main
sys.executable = {python!r}
sys.argv = ["easymaker-local", "serve"]
main()
"""
NOT_THERE = "file:///nowhere/easymaker_none-1-py3-none-any.whl"

# A package that builds itself, offline, once a file exists: pip waits here for as long as a test wants.
BACKEND = """\
import os, pathlib, time, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    here = pathlib.Path(__file__).parent
    (here / f"builds-{os.getpid()}").touch()
    while not (here / "go").exists(): time.sleep(0.02)
    name = "slow-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.writestr("slow.py", "answer = 42\\n")
        wheel.writestr("slow-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: slow\\nVersion: 1\\n")
        wheel.writestr("slow-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("slow-1.dist-info/RECORD", "")
    return name
"""
PROJECT = (
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "slow"\nversion = "1"\n'
)


def _own_environments(appliance: Appliance, quick_venv: str) -> None:
    """What is prepared here is for nobody else."""
    appliance.command = [sys.executable, "-c", QUICK.format(python=quick_venv)]
    link = appliance.home / "environments"
    if link.is_symlink():
        link.unlink()


def _requirements(appliance: Appliance) -> Path:
    return appliance.home / "images" / PLAIN_IMAGE / "requirements.txt"


def test_requirements_that_cannot_be_installed(make_appliance: MakeAppliance, quick_venv: str) -> None:
    """The reason holds pip's own words; what waits for the same image fails too; a corrected image works at once."""
    appliance = make_appliance()
    _own_environments(appliance, quick_venv)
    _requirements(appliance).write_text(f"easymaker-none @ {NOT_THERE}\n")
    appliance.put("code", {"train.py": "print('ran')"})
    appliance.start()
    trainings = [appliance.training(modelUploadUri=appliance.uri("models", f"{number}")) for number in range(2)]
    for training in trainings:
        failed = appliance.await_status(training["trainingId"], seconds=200)
        reason = failed["statusReason"]
        assert (failed["trainingStatusCode"], reason["code"]) == ("CREATE_FAILED", "ENVIRONMENT_FAILED")
        assert "No such file or directory" in reason["message"]
        assert "easymaker_none-1" in reason["message"]
        assert_history(appliance, training["trainingId"])
    state = appliance.call("GET", f"/images/{PLAIN_IMAGE}/preparation")["preparation"]
    assert not state["isReady"]
    assert "No such file" in state["error"]

    _requirements(appliance).write_text("")
    again = appliance.training()
    assert appliance.await_status(again["trainingId"], seconds=200)["trainingStatusCode"] == "COMPLETE"
    assert appliance.log(again["trainingId"]) == "ran\n"
    assert appliance.call("GET", f"/images/{PLAIN_IMAGE}/preparation")["preparation"]["isReady"]
    assert_nothing_left(appliance)


def test_image_whose_files_are_gone(make_appliance: MakeAppliance) -> None:
    appliance = make_appliance()
    appliance.put("code", {"train.py": ""})
    appliance.start()
    _requirements(appliance).unlink()
    failed = appliance.await_status(appliance.training()["trainingId"])
    assert (failed["trainingStatusCode"], failed["statusReason"]["code"]) == ("CREATE_FAILED", "ENVIRONMENT_FAILED")
    assert "requirements.txt" in failed["statusReason"]["message"]


@pytest.fixture
def slow(make_appliance: MakeAppliance, tmp_path: Path, quick_venv: str) -> tuple[Appliance, Path]:
    """An appliance whose image is being prepared until the file ``go`` appears in the returned folder."""
    appliance = make_appliance()
    _own_environments(appliance, quick_venv)
    package = tmp_path / "slow"
    package.mkdir()
    (package / "backend.py").write_text(BACKEND)
    (package / "pyproject.toml").write_text(PROJECT)
    _requirements(appliance).write_text(f"slow @ {package.as_uri()}\n")
    appliance.put("code", {"train.py": "import slow; print(slow.answer)"})
    appliance.start()
    return appliance, package


def _builds(package: Path) -> set[int]:
    return {int(path.name.partition("-")[2]) for path in package.glob("builds-*")}


@pytest.mark.parametrize("driver_name", ["process"], indirect=True)
def test_daemon_killed_while_preparing(slow: tuple[Appliance, Path], kills: Counter[str]) -> None:
    appliance, package = slow
    training = appliance.training()["trainingId"]
    until(lambda: _builds(package), "the build")
    waiting = appliance.shown(training)
    assert (waiting["trainingStatusCode"], waiting["statusReason"]["code"]) == ("CREATE_REQUESTED", "PREPARING_ENVIRONMENT")
    assert appliance.call("GET", "/system")["system"]["bookedVcpus"] == 0, "nothing is held during a preparation"
    for _ in range(2):
        appliance.kill()
        kills["while an environment is prepared"] += 1
        appliance.start()
        appliance.await_status(training, "CREATE_REQUESTED")
    (package / "go").touch()
    ended = appliance.await_status(training, seconds=200)
    assert ended["trainingStatusCode"] == "COMPLETE", ended
    assert appliance.log(training) == "42\n"
    until(lambda: not any(psutil.pid_exists(pid) for pid in _builds(package)), "the end of all builders")
    assert_nothing_left(appliance)


@pytest.mark.parametrize("driver_name", ["process"], indirect=True)
def test_builder_is_killed(slow: tuple[Appliance, Path]) -> None:
    """A failure like any other: whoever waited is told, whoever asks later gets a new try."""
    appliance, package = slow
    training = appliance.training()["trainingId"]
    [builder] = until(lambda: _builds(package), "the build")
    kill_quietly(builder, 9)
    failed = appliance.await_status(training)
    assert (failed["trainingStatusCode"], failed["statusReason"]["code"]) == ("CREATE_FAILED", "ENVIRONMENT_FAILED")
    (package / "go").touch()
    assert appliance.await_status(appliance.training()["trainingId"])["trainingStatusCode"] == "COMPLETE"


@pytest.mark.parametrize("driver_name", ["process"], indirect=True)
def test_stopped_while_its_environment_is_prepared(slow: tuple[Appliance, Path]) -> None:
    """TR-50; another one that waits for the same environment gets it."""
    appliance, package = slow
    gives_up, waits = (appliance.training()["trainingId"] for _ in range(2))
    until(lambda: _builds(package), "the build")
    appliance.call("PUT", f"/trainings/{gives_up}/stop")
    assert appliance.await_status(gives_up)["trainingStatusCode"] == "STOPPED"
    (package / "go").touch()
    assert appliance.await_status(waits)["trainingStatusCode"] == "COMPLETE"
