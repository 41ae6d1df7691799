"""The gateway of a whole appliance: its daemon is killed under it, and everything else behind the port goes through it."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.gateway.process import EnvoyProcess
from easymaker_local.gateway.resources import Layout
from easymaker_local.kit.unix_sockets import connect
from easymaker_local.testing.appliance import Appliance

MIB = 1 << 20


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    made = Appliance(tmp_path / "home", "process")
    made.start()
    yield made
    made.discard()


def running(appliance: Appliance) -> list[int]:
    return [each.pid for each in EnvoyProcess(Layout(appliance.home), 1).find()]


def signed_in(appliance: Appliance) -> dict[str, str]:
    with appliance.gateway_client({}) as http:
        answer = http.get("/auth/v1.0", headers={"X-Auth-User": "u", "X-Auth-Key": appliance.token})
        # The address is the one by which we came, by https.
        assert answer.headers["x-storage-url"] == f"https://127.0.0.1:{appliance.gateway_port}/v1/AUTH_local"
        return {"X-Auth-Token": answer.headers["x-auth-token"]}


def test_large_objects_go_through_without_being_kept(appliance: Appliance) -> None:
    """200 MB up and down, in chunks without a length, whatever the limits of inference are."""
    block = os.urandom(MIB)
    with appliance.gateway_client(signed_in(appliance)) as http:
        assert http.put("/v1/AUTH_local/big").status_code == 201
        assert http.put("/v1/AUTH_local/big/object", content=(block for _ in range(200))).status_code == 201
        seen = hashlib.md5()
        with http.stream("GET", "/v1/AUTH_local/big/object") as answer:
            for piece in answer.iter_bytes():
                seen.update(piece)
    expected = hashlib.md5()
    for _ in range(200):
        expected.update(block)
    assert seen.digest() == expected.digest()
    (pid,) = running(appliance)
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 200 * MIB


def test_jobs_come_by_the_socket_file(appliance: Appliance) -> None:
    """Containers see the file only; what they reach there is the same, by https (EP-L03)."""
    trust = ssl.create_default_context(cafile=str(appliance.home / "tls" / "bundle.pem"))
    plain = connect(appliance.home / "sockets" / "gateway.sock", 30)
    with trust.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        connection.sendall(b"GET /info HTTP/1.1\r\nHost: 127.0.0.1:10443\r\nConnection: close\r\n\r\n")
        with connection.makefile("rb") as answer:
            assert answer.readline() == b"HTTP/1.1 200 OK\r\n"


def test_a_killed_daemon_leaves_the_gateway_to_the_next_one(appliance: Appliance) -> None:
    """Architecture 7, 9: meanwhile what only the daemon can answer is said to be away."""
    before = running(appliance)
    appliance.kill()
    with appliance.gateway_client({}) as http:
        answer = http.get("/info")
        assert (answer.status_code, "error" in answer.json()) == (503, True)
        assert http.get("/flowers/v2").status_code == 404
        appliance.start()
        assert http.get("/info").status_code == 200
    assert running(appliance) == before
    appliance.stop()
    assert running(appliance) == []


def test_without_a_port_there_is_no_gateway_and_none_is_left(appliance: Appliance) -> None:
    appliance.kill()
    assert len(running(appliance)) == 1
    without = Appliance(appliance.home, "process", port=appliance.port, gateway_port="0")
    without.start()
    assert running(appliance) == []
    without.stop()


def test_down_leaves_the_gateway_to_its_endpoints_unless_told_otherwise(appliance: Appliance) -> None:
    """Traffic goes on without the daemon, as jobs do; who wants none says so."""
    service = {"id": "e1", "name": "flowers", "default_stage_id": None, "api_key": None, "stages": {}}
    (appliance.home / "gateway" / "services" / "e1.json").write_text(json.dumps(service))

    def down(*options: str) -> dict[str, object]:
        command = [sys.executable, "-m", "easymaker_local", "down", "--json", *options]
        said = subprocess.run(command, env=appliance.environment, capture_output=True, check=True).stdout
        answer: dict[str, object] = json.loads(said)
        return answer

    assert down()["gatewayRuns"] is True
    assert len(running(appliance)) == 1
    assert down("--gateway") == {
        "wasRunning": False,
        "unfinishedTrainings": None,
        "modelServerCount": None,
        "gatewayRuns": False,
    }
    assert running(appliance) == []


def test_a_foreign_name_does_not_reach_the_daemons_pages(appliance: Appliance) -> None:
    """Architecture 12: DNS rebinding."""
    with appliance.gateway_client({}) as http:
        for path in ("/info", "/tensorboard/x/", "/mlflow/"):
            assert http.get(path, headers={"host": "evil.example"}).status_code == 421
        assert http.get("/info", headers={"host": "localhost"}).status_code == 200


def test_nobody_else_listens(appliance: Appliance) -> None:
    """The administration has no port: what listens on loopback are the API and the gateway."""
    (pid,) = running(appliance)
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    listening = [
        int(fields[1].rpartition(":")[2], 16)
        for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[3] == "0A" and fields[9] in inodes
    ]
    assert listening == [appliance.gateway_port]
