"""A daemon that cannot or must not start says why in words and touches nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.faults.test_state_broken import IMPATIENT

MakeAppliance = Callable[..., Appliance]


@pytest.fixture(params=["process"])
def driver_name(request: pytest.FixtureRequest) -> str:
    """Nothing here comes as far as the driver."""
    return str(request.param)


def _refused(appliance: Appliance, **environment: str) -> str:
    """Start a daemon that has to end with an error; returns its words."""
    ended = subprocess.run(
        appliance.command, env={**appliance.environment, **environment}, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.stderr


def test_second_daemon_on_the_same_home(make_appliance: MakeAppliance) -> None:
    appliance = make_appliance()
    appliance.start()
    said = _refused(Appliance(appliance.home, "process"))
    assert f"pid {appliance.pid}" in said
    assert str(appliance.home) in said
    assert appliance.call("GET", "/system")["system"]["pid"] == appliance.pid
    appliance.kill()
    assert (appliance.home / "daemon.lock").exists(), "a killed daemon leaves its lock file"
    appliance.start()


def test_lock_file_of_a_stranger_is_no_obstacle(make_appliance: MakeAppliance) -> None:
    appliance = make_appliance()
    (appliance.home / "daemon.lock").write_text(f"{os.getpid()}\n")
    appliance.start()


def test_database_that_is_none(make_appliance: MakeAppliance) -> None:
    appliance = make_appliance()
    junk = b"this is somebody's letter\n" * 400
    (appliance.home / "state.db").write_bytes(junk)
    said = _refused(appliance)
    assert str(appliance.home / "state.db") in said
    assert (appliance.home / "state.db").read_bytes() == junk
    (appliance.home / "state.db").unlink()


def test_database_with_a_damaged_page(make_appliance: MakeAppliance) -> None:
    """Its header is good; the damage shows when rows are read."""
    appliance = make_appliance()
    appliance.start()
    appliance.experiment()
    appliance.stop()
    file = appliance.home / "state.db"
    content = file.read_bytes()
    damaged = content[:4096] + b"\xa5" * (len(content) - 4096)
    file.write_bytes(damaged)
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    said = _refused(appliance)
    assert str(file) in said
    assert file.read_bytes() == damaged
    file.unlink()


def test_database_that_somebody_holds(make_appliance: MakeAppliance) -> None:
    appliance = make_appliance()
    appliance.start()
    appliance.stop()
    appliance.command = [sys.executable, "-c", IMPATIENT]
    with contextlib.closing(sqlite3.connect(appliance.home / "state.db", isolation_level=None)) as db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN IMMEDIATE")
        said = _refused(appliance)
    assert "locked" in said
    appliance.start()


def test_port_that_somebody_has(make_appliance: MakeAppliance) -> None:
    appliance = make_appliance()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = _refused(appliance, EASYMAKER_LOCAL_PORT=str(taken.getsockname()[1]))
    assert "EASYMAKER_LOCAL_PORT" in said


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "many", "port"), ("DRIVER", "podman", "driver"), ("FLAVORS", "{", "flavors"),
        ("NAS", '{"a": {"path": "/tmp", "colour": 1}}', "colour"), ("STOP_GRACE_SECONDS", "-1", "stop_grace_seconds"),
    ],
)  # fmt: skip
def test_settings_that_are_none(make_appliance: MakeAppliance, name: str, value: str, words: str) -> None:
    appliance = make_appliance()
    assert words in _refused(appliance, **{f"EASYMAKER_LOCAL_{name}": value})
    assert not (appliance.home / "state.db").exists()


def test_home_that_cannot_be_made(make_appliance: MakeAppliance, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = _refused(make_appliance(), EASYMAKER_LOCAL_HOME=str(tmp_path / "file" / "home"))
    assert str(tmp_path / "file" / "home") in said


def test_killed_during_the_very_first_start(make_appliance: MakeAppliance, kills: Counter[str]) -> None:
    """Whatever is made first is made whole or made again: database, token, key, folders."""
    for number, sign in enumerate(("daemon.lock", "token", "secret.key", "state.db", "state.db-wal", "state.db-shm")):
        appliance = make_appliance(f"home-{number}")
        appliance.start(wait=False)
        until((appliance.home / sign).exists, sign)
        appliance.kill()
        kills[f"as soon as {sign} is there"] += 1
        appliance.start()
        assert appliance.token
        assert appliance.experiment()
        appliance.stop()
