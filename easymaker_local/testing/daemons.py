"""Daemons that start at once: forked from a process that has imported everything they need.

Imports are a second of processor time, most of a daemon's start, and tests start hundreds of daemons. What is forked is a
process of its own as one that was executed: environment, arguments, output, session and ``__main__`` are its own, and it ends
as Python ends. The command line's tests (``up``, ``serve``) and measurements execute the program.

``python -m easymaker_local.testing.daemons <descriptor>`` is that process; it ends when the other end of its socket is closed.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

# What daemons import sooner or later, also those of tests that wrap what a daemon does.
_PRELOADED = (
    "anyio._backends._asyncio", "cryptography.hazmat.primitives.serialization", "cryptography.x509", "docker",
    "easymaker_local.cli.daemon", "easymaker_local.daemon", "easymaker_local.drivers.docker",
    "easymaker_local.drivers.docker_images", "uvicorn.lifespan.off", "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)  # fmt: skip
_MESSAGE_BYTES = 1 << 20
# What these say is heard when a program is executed and never again: each choice of them has a process that forks.
_HEARD_AT_EXECUTION = ("LD_", "PYTHON")


class Daemon:
    """A process that was forked, with what tests use of ``subprocess.Popen``."""

    def __init__(self, pid: int, descriptor: int, reap: Callable[[int], int]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = descriptor
        self._reap = reap

    def poll(self) -> int | None:
        """Return how it ended, negative for a signal; None if it lives."""
        return self._ended(0)

    def wait(self, seconds: float | None = None) -> int:
        """Wait for its end and return how it ended; raises ``subprocess.TimeoutExpired``."""
        code = self._ended(seconds)
        if code is None:
            raise subprocess.TimeoutExpired(f"the daemon {self.pid}", seconds or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal; calm if it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._descriptor, number)

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            if poll.poll(None if seconds is None else seconds * 1000):
                self.returncode = self._reap(self.pid)
                os.close(self._descriptor)
        return self.returncode


Process = Daemon | subprocess.Popen[bytes]
Start = Callable[[Sequence[str], Mapping[str, str], BinaryIO], Process]


def execute(command: Sequence[str], environment: Mapping[str, str], output: BinaryIO) -> Process:
    """Start a program in a session of its own, without input."""
    return subprocess.Popen(
        command, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
    )  # fmt: skip


def fork(command: Sequence[str], environment: Mapping[str, str], output: BinaryIO) -> Process:
    """Do so with ``python -c <code>`` or ``python -m <module> <argument>...``, without executing it."""
    heard = {name: value for name, value in environment.items() if name.startswith(_HEARD_AT_EXECUTION)}
    return _server(tuple(sorted(heard.items()))).start(command, environment, output)


class _Server:
    """A process that forks, as this one sees it; may be used by several threads."""

    def __init__(self, heard: Mapping[str, str]) -> None:
        others = {name: value for name, value in os.environ.items() if not name.startswith(_HEARD_AT_EXECUTION)}
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())], env={**others, **heard}, pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self._lock = threading.Lock()
        atexit.register(self._close)

    def start(self, command: Sequence[str], environment: Mapping[str, str], output: BinaryIO) -> Daemon:
        answer, descriptors = self._ask({"command": command, "environment": environment}, output.fileno())
        return Daemon(answer, descriptors[0], self._reap)

    def _reap(self, pid: int) -> int:
        return self._ask({"reap": pid})[0]

    def _ask(self, request: dict[str, Any], *descriptors: int) -> tuple[int, list[int]]:
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
            answer, received, _, _ = socket.recv_fds(self._socket, 64, 1)
        assert answer, "the process that starts daemons has ended; its error output says why"
        return int(answer), received

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()


@functools.cache
def _server(heard: tuple[tuple[str, str], ...]) -> _Server:
    return _Server(dict(heard))


def _serve(connection: socket.socket) -> Callable[[], None] | None:
    """Fork until the other end is closed. Returns what the process is to do, in each that was forked; None in this one."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE_BYTES, 1)
        if not message:
            return None
        request = json.loads(message)
        if "reap" in request:
            _, status = os.waitpid(request["reap"], 0)
            connection.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(request["environment"], descriptors[0])
            return functools.partial(_run, request["command"])
        # Nobody else waits for it, so the number is still its own.
        descriptor = os.pidfd_open(pid)
        socket.send_fds(connection, [str(pid).encode()], [descriptor])
        os.close(descriptor)
        os.close(descriptors[0])


def _become(environment: Mapping[str, str], output: int) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)


def _run(command: Sequence[str]) -> None:
    kind, what = command[1:3]
    sys.argv = [kind, *command[3:]]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    for module in _PRELOADED:
        importlib.import_module(module)
    if work := _serve(socket.socket(fileno=int(sys.argv[1]))):
        work()
