"""up, down, status, serve: the program itself, with real daemons in the background."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from easymaker_local.client import Client
from easymaker_local.client.shapes import System
from easymaker_local.kit.lock import ProcessLock
from easymaker_local.testing.appliance import Appliance, until
from tests.cli.cli_runner import as_program, in_this_process


def holder(appliance: Appliance) -> int | None:
    return ProcessLock(appliance.home / "daemon.lock").holder()


def test_up_status_up_again_down_down_again(fresh: Appliance) -> None:
    program = as_program(fresh.environment)
    down = program("status")
    assert down.code == 6
    assert "does not run" in down.out

    started = program("up")
    assert started.code == 0, started.err
    assert "The daemon is up." in started.out
    assert "no isolation" in started.out
    assert f"http://127.0.0.1:{fresh.port}" in started.out
    pid = holder(fresh)

    again = program("up", "--json")
    assert again.code == 0
    assert (again.json["wasRunning"], again.json["pid"]) == (True, pid)
    assert program("status", "--json").json["running"] is True

    stopped = program("down")
    assert stopped.code == 0, stopped.err
    assert "is down" in stopped.out
    assert holder(fresh) is None

    twice = program("down")
    assert (twice.code, twice.out) == (0, "The daemon does not run.\n")
    assert program("status", "--json").json == {
        "running": False, "home": str(fresh.home), "url": f"http://127.0.0.1:{fresh.port}",
    }  # fmt: skip


def test_up_after_a_crash(fresh: Appliance) -> None:
    program = as_program(fresh.environment)
    first = program("up", "--json").json["pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: holder(fresh) is None, "the lock's release")
    second = program("up", "--json")
    assert second.code == 0, second.err
    assert second.json["wasRunning"] is False
    assert second.json["pid"] == holder(fresh) != first


def test_a_daemon_that_cannot_start_says_why(fresh: Appliance) -> None:
    with socket.create_server(("127.0.0.1", fresh.port)):
        failed = as_program(fresh.environment)("up")
    assert failed.code == 1
    assert "did not start" in failed.err
    assert f"127.0.0.1:{fresh.port} cannot be listened on" in failed.err
    assert "Traceback" not in failed.err
    assert holder(fresh) is None


def test_only_the_words_of_the_last_start_are_shown(fresh: Appliance) -> None:
    log = fresh.home / "logs" / "daemon.log"
    log.parent.mkdir(parents=True)
    log.write_text("words of an earlier life\n")
    with socket.create_server(("127.0.0.1", fresh.port)):
        failed = as_program(fresh.environment)("up")
    assert "earlier life" not in failed.err
    assert "earlier life" in log.read_text()


def test_another_homes_daemon_on_the_port_is_not_taken_for_ours(daemon: Appliance, tmp_path: Path) -> None:
    stranger = Appliance(tmp_path / "other", "process", port=daemon.port)
    program = as_program(stranger.environment)
    assert program("up").code == 1
    assert program("down").out == "The daemon does not run.\n"
    assert daemon.call("GET", "/system")["header"]["isSuccessful"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_tidily_by_signal(fresh: Appliance, number: signal.Signals) -> None:
    fresh.start()
    process = fresh._process
    assert process is not None
    process.send_signal(number)
    assert process.wait(30) == 0
    words = (fresh.home / "serve.log").read_text()
    assert "Ready on" in words
    assert "Ended by a signal" in words
    assert "Traceback" not in words
    assert not (fresh.home / "state.db-wal").exists()  # the database was closed


def test_down_ends_a_daemon_that_does_not_answer(fresh: Appliance, daemon: Appliance) -> None:
    fresh.start()
    # Asked on another port, where somebody else's daemon refuses our token.
    done = as_program({**fresh.environment, "EASYMAKER_LOCAL_PORT": str(daemon.port)})("down")
    assert done.code == 0, done.err
    assert holder(fresh) is None
    assert daemon.call("GET", "/system")["header"]["isSuccessful"]


def test_down_says_that_model_servers_go_on(fresh: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who ends the daemon and its gateway learns what still holds memory, and what ends that."""
    assert as_program(fresh.environment)("up").code == 0
    read = Client.system

    def with_servers(self: Client, timeout: float | None = None) -> System:
        return {**read(self, timeout=timeout), "modelServerCount": 3}

    monkeypatch.setattr(Client, "system", with_servers)
    done = in_this_process(fresh.environment)("down", "--gateway")
    assert done.code == 0
    assert "3 model server(s) go on" in done.err
    assert "endpoint delete" in done.err
