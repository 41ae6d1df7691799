"""The container engine stops answering, and answers again: nothing is taken for failed or done meanwhile."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from easymaker_local.cli.findings import Level
from easymaker_local.cli.state_checks import check_workloads
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import Appliance, until
from tests.faults.fault_jobs import COUNTED, FAILS, SUCCEEDS, Kind, assert_ended_as, assert_nothing_left, history

MakeAppliance = Callable[..., Appliance]

pytestmark = [pytest.mark.docker, pytest.mark.parametrize("driver_name", ["docker"], indirect=True)]

STUBBORN_GANG = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("began", flush=True)
if os.environ["RANK"] == "1": sys.exit(3)
time.sleep(600)
"""


class Line:
    """The way to the engine, which can be cut."""

    def __init__(self, engine: str, path: Path) -> None:
        self._engine = engine
        self.path = path
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def connect(self) -> None:
        """Let everybody through from now on."""
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(50)
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._accepting.start()

    def cut(self) -> None:
        """Break every connection, refuse new ones."""
        assert self._listener is not None
        self.path.unlink()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        with self._lock:
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine, contextlib.suppress(OSError):
            engine.connect(self._engine)
            with self._lock:
                self._open |= {client, engine}
            reading = {client: engine, engine: client}
            while reading:
                for source in select.select(list(reading), [], [])[0]:
                    if block := source.recv(1 << 16):
                        reading[source].sendall(block)
                    else:
                        reading.pop(source).shutdown(socket.SHUT_WR)
        with self._lock:
            self._open -= {client, engine}


@pytest.fixture
def line() -> Iterator[Line]:
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not engine.startswith("unix://"):
        pytest.skip("the engine is not reached by a local socket, which is what this test can cut")
    # Not below tmp_path: the path of a socket has 107 bytes at most.
    with tempfile.TemporaryDirectory() as folder:
        made = Line(engine.removeprefix("unix://"), Path(folder) / "engine.sock")
        made.connect()
        yield made
        with contextlib.suppress(FileNotFoundError):
            made.cut()


@pytest.fixture
def appliance(make_appliance: MakeAppliance, line: Line) -> Appliance:
    made = make_appliance(docker_host=f"unix://{line.path}", stop_grace_seconds="1", resync_seconds="1")
    made.put("code", {"train.py": COUNTED, "gang.py": STUBBORN_GANG})
    made.start()
    return made


def _await_reason(appliance: Appliance, training: str, code: str) -> None:
    until(lambda: (appliance.shown(training)["statusReason"] or {}).get("code") == code, f"the reason {code}")


# Long enough that the line is cut before the end on a busy machine, too.
@pytest.mark.parametrize("kind", [replace(SUCCEEDS, lines=60), replace(FAILS, lines=60)], ids=["succeeds", "fails"])
def test_engine_goes_while_a_job_runs(appliance: Appliance, line: Line, kind: Kind) -> None:
    """GN-L02: the job ends while nobody can see it; it stays RUNNING until somebody can."""
    training = appliance.training(**kind.body(appliance, "job"))["trainingId"]
    until(lambda: "line 1" in appliance.log(training), "its first lines")
    line.cut()
    until(lambda: f"line {kind.lines - 1}" in appliance.log(training), "its last line, which needs no engine")
    assert appliance.shown(training)["trainingStatusCode"] == "RUNNING"
    settings = Settings(home=appliance.home, driver="docker", docker_host=f"unix://{line.path}")
    finding = check_workloads(settings)
    assert finding.level is Level.PROBLEM
    assert "it does not answer" in finding.message
    line.connect()
    assert check_workloads(settings).level is Level.OK
    appliance.await_status(training)
    assert_ended_as(appliance, training, kind, "job")
    assert_nothing_left(appliance)


def test_reason_of_a_failure_outlives_the_engines_absence(appliance: Appliance, line: Line) -> None:
    training = appliance.training(entryPoint="gang.py", instanceCount=2)["trainingId"]
    until(lambda: "FAIL_TRAIN_IN_PROGRESS" in history(appliance, training), "the failure of node 1")
    line.cut()
    until(lambda: (appliance.home / "serve.log").read_text().count("Trying again") >= 2, "two passes in vain")
    line.connect()
    ended = appliance.await_status(training)
    assert (ended["trainingStatusCode"], ended["statusReason"]["code"]) == ("FAIL_TRAIN", "EXIT_CODE")
    assert "Node 1" in ended["statusReason"]["message"]
    assert_nothing_left(appliance)


def test_asked_for_while_the_engine_is_away(appliance: Appliance, line: Line) -> None:
    line.cut()
    waits, gives_up = (
        appliance.training(**SUCCEEDS.body(appliance, label), experimentId=appliance.experiment())["trainingId"]
        for label in ("job", "given up")
    )
    _await_reason(appliance, waits, "WAITING_FOR_ENGINE")
    assert appliance.call("PUT", f"/trainings/{gives_up}/stop")["header"]["isSuccessful"]
    appliance.await_status(gives_up, "STOP_IN_PROGRESS")
    line.connect()
    assert appliance.await_status(gives_up)["trainingStatusCode"] == "STOPPED"
    appliance.await_status(waits)
    assert_ended_as(appliance, waits, SUCCEEDS, "job")
    assert_nothing_left(appliance)


def test_daemon_restarted_while_the_engine_is_away(appliance: Appliance, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """GN-L02: it waits, and with ``driver = auto`` it does not take the other driver and call the jobs lost."""
    training = appliance.training(**SUCCEEDS.body(appliance, "job"))["trainingId"]
    until(lambda: "line 1" in appliance.log(training), "its first lines")
    appliance.kill()
    line.cut()
    with monkeypatch.context() as patch:
        patch.setattr(appliance, "driver", "auto")
        appliance.start()
    assert appliance.call("GET", "/system")["system"]["driver"] == "docker"
    until(lambda: f"line {SUCCEEDS.lines - 1}" in appliance.log(training), "its last line, which needs no engine")
    assert appliance.shown(training)["trainingStatusCode"] == "RUNNING"
    line.connect()
    appliance.await_status(training)
    assert_ended_as(appliance, training, SUCCEEDS, "job")
    assert_nothing_left(appliance)
