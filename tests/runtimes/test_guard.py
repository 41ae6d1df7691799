"""What stands before web servers that are workloads: a key, and an end when nobody has asked for a while."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from easymaker_local.domain import contract
from easymaker_local.kit.bundled import bundled
from easymaker_local.testing.appliance import clean_environment, free_port, until

GUARD = bundled("runtimes") / "web" / "guard.py"

# Answers with what it finds in the environment; /slow takes longer than it may be idle.
SERVER = f"""
import os, sys, time
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server
sys.path.insert(0, {str(GUARD.parent)!r})
from guard import Guard, take_key

def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(3)
    start_response("200 OK", [])
    return [os.environ.get("EASYMAKER_WEB_KEY", "none").encode()]

class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

make_server("127.0.0.1", int(sys.argv[1]), Guard(app, take_key(), 1.0), Server).serve_forever()
"""


@contextmanager
def serving(log: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    port = free_port()
    environment = clean_environment(**{contract.WEB_KEY_VARIABLE: "the-key"})
    with log.open("wb") as file, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", SERVER, str(port)], env=environment, stdout=file, stderr=subprocess.DEVNULL
        )
        try:
            until(lambda: answers(client), what="the server's start")
            yield client, process
        finally:
            process.kill()
            process.wait()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/").status_code == 403
    except httpx.TransportError:
        return False


def test_both_sides_name_variables_and_headers_alike() -> None:
    text = GUARD.read_text()
    assert f'"{contract.WEB_KEY_VARIABLE}"' in text
    for header in (contract.WEB_KEY_HEADER, contract.QUIET_HEADER):
        assert f'"HTTP_{header.upper().replace("-", "_")}"' in text
    assert f'"{contract.MLFLOW_RUN_HEADER}"' in (bundled("runtimes") / contract.MLFLOW_SERVER).read_text()
    assert f'"{contract.MLFLOW_DATABASE}"' in (bundled("runtimes") / contract.MLFLOW_SERVER).read_text()


def test_it_serves_who_has_the_key_until_nobody_asks(tmp_path: Path) -> None:
    """GN-L04, EX-L02."""
    with serving(tmp_path / "log") as (client, process):
        assert client.get("/", headers={contract.WEB_KEY_HEADER: "wrong"}).status_code == 403
        mine = {contract.WEB_KEY_HEADER: "the-key"}
        # Longer than it may be idle in one request, and in many.
        assert client.get("/slow", headers=mine).text == "none"
        begun = time.monotonic()
        while time.monotonic() < begun + 2.5:
            assert client.get("/", headers=mine).text == "none"
            time.sleep(0.1)
        assert process.poll() is None
        # What is nobody's request does not keep it up.
        until(lambda: not is_up(client, {**mine, contract.QUIET_HEADER: "1"}), what="the end of an idle server")
        process.wait(10)
    assert "Nobody has asked for 1 seconds." in (tmp_path / "log").read_text()


def is_up(client: httpx.Client, headers: dict[str, str]) -> bool:
    try:
        return client.get("/", headers=headers).status_code == 200
    except httpx.TransportError:
        return False
