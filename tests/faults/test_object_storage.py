"""Uploads that break off, in every way: no half object is ever seen, and nothing is left."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.swift.conftest import Bucket, storage_client

MIB = 1 << 20


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    made = Appliance(tmp_path / "home", "process")
    made.start()
    yield made
    made.discard()


def temporaries(appliance: Appliance) -> list[Path]:
    folder = appliance.home / "storage" / ".easymaker-tmp"
    return list(folder.iterdir()) if folder.is_dir() else []


def half_sent(appliance: Appliance, http: httpx.Client, path: str) -> ssl.SSLSocket:
    """Begin an upload of 8 MiB and send half of it; returns once the daemon has written some."""
    trust = ssl.create_default_context(cafile=str(appliance.home / "tls" / "bundle.pem"))
    plain = socket.create_connection(("127.0.0.1", appliance.gateway_port))
    connection = trust.wrap_socket(plain, server_hostname="127.0.0.1")
    token = http.headers["x-auth-token"]
    head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: {token}\r\nContent-Length: {8 * MIB}\r\n\r\n"
    connection.sendall(head.encode() + b"h" * 4 * MIB)
    until(lambda: any(file.stat().st_size >= MIB for file in temporaries(appliance)), what="the first MiB on disk")
    return connection


@pytest.mark.parametrize("existing", [False, True])
def test_the_client_goes_away_in_the_middle(appliance: Appliance, existing: bool) -> None:
    with storage_client(appliance) as http:
        bucket = Bucket(appliance, http, "bucket")
        bucket.call("PUT")
        if existing:
            bucket.put("model", b"old")
        half_sent(appliance, http, bucket.url("model")).close()
        until(lambda: not temporaries(appliance), what="the removal of the half")
        assert bucket.names() == (["model"] if existing else [])
        assert bucket.call("GET", "model").status_code == (200 if existing else 404)
        if existing:
            assert bucket.call("GET", "model").content == b"old"
        assert "Traceback" not in (appliance.home / "serve.log").read_text()


@pytest.mark.parametrize("existing", [False, True])
def test_the_daemon_is_killed_in_the_middle(appliance: Appliance, existing: bool, kills: Counter[str]) -> None:
    with storage_client(appliance) as http:
        bucket = Bucket(appliance, http, "bucket")
        bucket.call("PUT")
        if existing:
            bucket.put("model", b"old", X_Object_Meta_Kind="kept")
        connection = half_sent(appliance, http, bucket.url("model"))
        assert bucket.names() == (["model"] if existing else [])
        appliance.kill()
        kills["in the middle of an upload"] += 1
        connection.close()
        assert temporaries(appliance)
        assert [path.name for path in bucket.path.iterdir()] == (["model"] if existing else [])
    appliance.start()
    assert not temporaries(appliance)
    # The token was signed, not kept: it is good for the next daemon.
    with httpx.Client(
        base_url=http.base_url, headers=http.headers, trust_env=False,
        verify=ssl.create_default_context(cafile=str(appliance.home / "tls" / "bundle.pem")),
    ) as again:  # fmt: skip
        bucket = Bucket(appliance, again, "bucket")
        assert bucket.names() == (["model"] if existing else [])
        if existing:
            found = bucket.call("GET", "model")
            assert (found.content, found.headers["x-object-meta-kind"]) == (b"old", "kept")
        bucket.put("model", b"new")
        assert bucket.call("GET", "model").content == b"new"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB where buckets lie."""
    folder = tmp_path / "home" / "storage"
    folder.mkdir(parents=True)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=False).returncode:
        pytest.skip("no file system can be mounted here: that needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_the_disk_is_full(small_disk: Path, appliance: Appliance) -> None:
    with storage_client(appliance) as http:
        bucket = Bucket(appliance, http, "bucket")
        bucket.call("PUT")
        bucket.put("model", b"old")
        for _ in range(2):
            refused = bucket.call("PUT", "model", content=b"x" * 24 * MIB)
            assert refused.status_code == 507
            assert "Free space" in refused.text
        assert bucket.call("GET", "model").content == b"old"
        assert not temporaries(appliance)
        # Joining needs the space of the whole once more: without it the parts stay what they are.
        for number in range(1, 4):
            bucket.put(f"big/{number:03d}", b"p" * 3 * MIB)
        manifest = {"X-Object-Manifest": "bucket/big"}
        assert bucket.call("PUT", "big", headers=manifest).status_code == 507
        assert bucket.names() == ["big/001", "big/002", "big/003", "model"]
        assert not temporaries(appliance)
        bucket.call("DELETE", "big/003")
        assert bucket.call("PUT", "big", headers=manifest).status_code == 201
        assert bucket.names() == ["big", "model"]
        assert bucket.call("HEAD", "big").headers["content-length"] == str(6 * MIB)


def test_a_file_that_shrinks_while_it_is_read_is_seen_to_be_cut(appliance: Appliance) -> None:
    with storage_client(appliance) as http:
        bucket = Bucket(appliance, http, "bucket")
        bucket.put("big", b"x" * 32 * MIB)
        with (
            pytest.raises(httpx.RemoteProtocolError),
            http.stream("GET", bucket.url("big")) as answer,
        ):
            blocks = answer.iter_bytes()
            next(blocks)
            os.truncate(bucket.path / "big", MIB)
            for _ in blocks:
                pass
        assert bucket.call("GET", "big").content == b"x" * MIB


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    made = Appliance(tmp_path / "home", "process")
    with socket.create_server(("127.0.0.1", made.gateway_port)):
        made.start(wait=False)
        until(lambda: made.has_ended, what="the end of the daemon")
        log = (made.home / "serve.log").read_text()
        assert f"127.0.0.1:{made.gateway_port} cannot be listened on" in log
        assert "EASYMAKER_LOCAL_GATEWAY_PORT (0: no endpoints, no object storage by https, no TensorBoard, no MLflow)" in log
        without = Appliance(tmp_path / "home", "process", gateway_port="0")
        without.start()
        assert without.call("GET", "/system")["header"]["isSuccessful"]
        without.discard()
