"""What a job sends to a port of its loopback arrives at a socket file, and the answer comes back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.testing.appliance import free_port
from easymaker_local.testing.node import Node

JOB = """
import hashlib, os, socket, sys
port = int(sys.argv[1])
with socket.create_connection(("127.0.0.1", port)) as connection:
    connection.sendall(b"x" * 5_000_000)
    connection.shutdown(socket.SHUT_WR)
    answer = b""
    while block := connection.recv(1 << 16):
        answer += block
print(len(answer), hashlib.md5(answer).hexdigest() == hashlib.md5(b"x" * 5_000_000).hexdigest())
print("EASYMAKER_RELAY" in os.environ)
try:
    os.waitpid(-1, os.WNOHANG)
    print("a child of ours")
except ChildProcessError:
    print("no child")
"""


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Path]:
    """A socket file at which everything comes back once the sender has said all."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "echo.sock"))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                data = b""
                while block := connection.recv(1 << 16):
                    data += block
                connection.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield tmp_path / "echo.sock"
        thread.join(30)


def test_a_job_reaches_a_socket_file_by_a_port(tmp_path: Path, echo: Path, relay_end: list[Path]) -> None:
    """Nothing comes too early, however soon the job asks; the relay is no child of the job and unknown to it."""
    node = Node(tmp_path / "node")
    (node.source / "train.py").write_text(JOB)
    port = free_port()
    relay_end.append(echo)
    result = node.run("--", "train.py", str(port), EASYMAKER_RELAY=f"{port}={echo},{free_port()}={tmp_path / 'nobody'}")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["5000000 True", "False", "no child"]


def test_without_a_daemon_connections_end_at_once(tmp_path: Path, relay_end: list[Path]) -> None:
    node = Node(tmp_path / "node")
    (node.source / "train.py").write_text(
        "import socket, sys\nwith socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as c:\n    print(c.recv(1))\n"
    )
    port = free_port()
    relay_end.append(tmp_path / "nobody")
    result = node.run("--", "train.py", str(port), EASYMAKER_RELAY=f"{port}={tmp_path / 'nobody'}")
    assert (result.returncode, result.stdout) == (0, "b''\n"), result.stderr


@pytest.fixture
def relay_end() -> Iterator[list[Path]]:
    """A relay ends with its container; here there is none, so those of these socket files are ended."""
    import psutil

    files: list[Path] = []
    yield files
    for process in psutil.process_iter(["cmdline"]):
        if any(str(file) in argument for file in files for argument in process.info["cmdline"] or ()):
            process.kill()
