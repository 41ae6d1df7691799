"""Clients as their users have them: the vendor's SDK, python-swiftclient, rclone."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.testing.appliance import clean_environment
from easymaker_local.testing.sdk import Script, run_sdk
from tests.swift.conftest import Bucket

NAMES = ["a.txt", "sub/b.bin", "sub/deeper/c", "space here.txt", "한글 이름.txt", "plus+percent.txt", "empty"]


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"" if name == "empty" else hashlib.sha256(name.encode()).digest() * 3000)
    return folder


@pytest.fixture
def sdk(bucket: Bucket, tmp_path: Path) -> Script:
    def run(script: str, *arguments: str, **env: str) -> dict[str, Any]:
        address = bucket.appliance.https_uri(bucket.name)
        return run_sdk(script, {**bucket.appliance.sdk_environment, **env}, tmp_path, address, *arguments)

    return run


def test_sdk_from_upload_to_deletion(bucket: Bucket, sdk: Script, files: Path, tmp_path: Path) -> None:
    """SD-06; rest-api §8.2 by the client that it was learned from."""
    script = """
import easymaker
uri, files, target = sys.argv[2:]
easymaker.upload(uri + "/data", files)
storage = easymaker.ObjectStorage()
answer(found=storage.find_object_list(uri + "/data"), size=storage.get_object_size(uri + "/data"))
easymaker.download(uri + "/data", target)
easymaker.download(uri + "/data", target + "-text", file_extensions=[".txt"], filter_func=lambda m: m["content_length"] > 0)
easymaker.download(uri + "//", target + "-all")
storage.delete(uri + "/data/sub")
answer(left=storage.find_object_list(uri + "/data"))
"""
    seen = sdk(script, str(files), str(tmp_path / "got"))
    assert seen["found"] == sorted((f"data/{name}" for name in NAMES), key=str.encode)
    assert seen["size"] == sum(len(content) for content in tree(files).values())
    assert tree(tmp_path / "got") == tree(files)
    assert set(tree(tmp_path / "got-text")) == {name for name in NAMES if name.endswith(".txt")}
    assert tree(tmp_path / "got-all" / "data") == tree(files)
    assert seen["left"] == [name for name in seen["found"] if not name.startswith("data/sub/")]
    assert "rror" not in seen["printed"]
    assert tree(bucket.path / "data").keys() == {name for name in NAMES if not name.startswith("sub/")}


def test_sdk_lists_page_by_page(bucket: Bucket, sdk: Script) -> None:
    for number in range(2500):
        (bucket.path / f"{number:05}").touch()
    script = "import easymaker\nanswer(found=easymaker.ObjectStorage().find_object_list(sys.argv[2] + '//'))"
    assert sdk(script)["found"] == [f"{number:05}" for number in range(2500)]


COUNTED = """
import easymaker
from easymaker import ObjectStorage
ObjectStorage.DUPLICATE_CHECK_FILE_SIZE = int(sys.argv[4])
ObjectStorage.MULTIPART_UPLOAD_FILE_SIZE_THRESHOLD = int(sys.argv[5])
ObjectStorage.MULTIPART_UPLOAD_CHUNK_SIZE = 1 << 20
storage = ObjectStorage()
puts = []
send = storage.session.put
storage.session.put = lambda url, **more: puts.append(url.rpartition("/")[2]) or send(url, **more)
storage.upload(sys.argv[2], sys.argv[3])
answer(puts=puts)
"""


def test_sdk_does_not_send_a_large_file_again(bucket: Bucket, sdk: Script, tmp_path: Path) -> None:
    """rest-api §8.3: from 100 MiB on, with the SDK's own limit; the file was dropped in, so its checksum is our doing."""
    with (tmp_path / "large").open("wb") as file:
        for number in range(101):
            file.write(bytes([number]) * (1 << 20))
    shutil.copyfile(tmp_path / "large", bucket.path / "large")
    limits = (str(100 << 20), str(2 << 30))
    assert sdk(COUNTED, str(tmp_path / "large"), *limits)["puts"] == []
    with (bucket.path / "large").open("r+b") as other:
        other.write(b"other")
    assert sdk(COUNTED, str(tmp_path / "large"), *limits)["puts"] == ["large"]
    assert (bucket.path / "large").read_bytes() == (tmp_path / "large").read_bytes()


def test_sdk_sends_a_very_large_file_in_parts_and_sends_it_again(bucket: Bucket, sdk: Script, tmp_path: Path) -> None:
    """rest-api §8.3, with the SDK's limits of 2 GiB and 500 MiB lowered."""
    content = os.urandom((5 << 19) + 17)
    (tmp_path / "model.bin").write_bytes(content)
    for _ in range(2):
        puts = sdk(COUNTED, str(tmp_path / "model.bin"), str(1 << 30), str(2 << 20))["puts"]
        assert puts == ["001", "002", "003", "model.bin"]
        assert (bucket.path / "model.bin").read_bytes() == content
        assert bucket.names() == ["model.bin"]
    script = "import easymaker\neasymaker.download(sys.argv[2] + '//', sys.argv[3])"
    sdk(script, str(tmp_path / "got"))
    assert tree(tmp_path / "got") == {"model.bin": content}


Tool = Callable[..., str]


@pytest.fixture
def swift(bucket: Bucket, tmp_path: Path) -> Tool:
    """The ``swift`` command, logging in by TempAuth."""
    environment = clean_environment(
        ST_AUTH=f"https://127.0.0.1:{bucket.appliance.gateway_port}/auth/v1.0", ST_USER="local:me",
        ST_KEY=bucket.appliance.token, OS_CACERT=str(bucket.appliance.home / "tls" / "bundle.pem"), NO_PROXY="127.0.0.1",
    )  # fmt: skip

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("swift"), *arguments],
            env=environment, cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_swiftclient(bucket: Bucket, swift: Tool, files: Path, tmp_path: Path) -> None:
    (files / "nothing in it").mkdir()
    swift("upload", bucket.name, "files", "--header", "X-Object-Meta-Color: blue")
    assert set(swift("list", bucket.name).splitlines()) == {f"files/{name}" for name in [*NAMES, "nothing in it"]}
    assert "Meta Color: blue" in swift("stat", bucket.name, "files/a.txt")
    assert f"{len(NAMES)}" in swift("stat", bucket.name)
    assert bucket.name in swift("list")
    swift("download", bucket.name, "--output-dir", "got")
    assert tree(tmp_path / "got" / "files") == tree(files)
    assert (tmp_path / "got" / "files" / "nothing in it").is_dir()
    swift("copy", bucket.name, "files/a.txt", "--destination", f"/{bucket.name}/copy.txt")
    assert bucket.call("GET", "copy.txt").content == (files / "a.txt").read_bytes()
    swift("post", bucket.name, "--read-acl", "local:easymaker")
    assert "Read ACL: local:easymaker" in swift("stat", bucket.name)
    # What is there already is not sent again.
    before = (bucket.path / "files" / "sub" / "b.bin").stat().st_ino
    swift("upload", bucket.name, "files", "--skip-identical")
    assert (bucket.path / "files" / "sub" / "b.bin").stat().st_ino == before
    swift("delete", bucket.name)
    assert not bucket.path.exists()


def test_swiftclient_sends_segments(bucket: Bucket, swift: Tool, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "big").write_bytes(content)
    for _ in range(2):
        swift("upload", bucket.name, "big", "--segment-size", "1000000")
        assert (bucket.path / "big").read_bytes() == content
    swift("download", bucket.name, "big", "--output", "got")
    assert (tmp_path / "got").read_bytes() == content
    swift("delete", bucket.name, "big")
    assert swift("list", bucket.name) == ""
    assert swift("list", f"{bucket.name}_segments") == ""


@pytest.fixture(params=["1", "2"], ids=["TempAuth", "Keystone v2"])
def rclone(bucket: Bucket, request: pytest.FixtureRequest, tmp_path: Path) -> Tool:
    """The ``rclone`` command with a remote named ``here``, logging in by either way."""
    program = shutil.which("rclone")
    if program is None:
        pytest.skip("rclone is not installed: apt install rclone")
    path = {"1": "/auth/v1.0", "2": "/v2.0"}[request.param]
    environment = clean_environment(
        RCLONE_CONFIG=str(tmp_path / "none.conf"), RCLONE_CONFIG_HERE_TYPE="swift", RCLONE_CONFIG_HERE_USER="me",
        RCLONE_CONFIG_HERE_KEY=bucket.appliance.token, RCLONE_CONFIG_HERE_TENANT="local",
        RCLONE_CONFIG_HERE_AUTH=f"https://127.0.0.1:{bucket.appliance.gateway_port}{path}",
        RCLONE_CONFIG_HERE_AUTH_VERSION=request.param, RCLONE_CA_CERT=str(bucket.appliance.home / "tls" / "bundle.pem"),
        NO_PROXY="127.0.0.1",
    )  # fmt: skip

    def run(*arguments: str) -> str:
        done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_rclone(bucket: Bucket, rclone: Tool, files: Path, tmp_path: Path) -> None:
    remote = f"here:{bucket.name}"
    os.utime(files / "a.txt", (1_600_000_000, 1_600_000_000))
    rclone("copy", str(files), f"{remote}/tree")
    assert tree(bucket.path / "tree") == tree(files)
    rclone("check", str(files), f"{remote}/tree")
    assert set(rclone("lsf", "-R", "--files-only", f"{remote}/tree").splitlines()) == set(NAMES)
    # Times are kept as metadata: a second run finds nothing to do.
    before = (bucket.path / "tree" / "sub" / "b.bin").stat().st_ino
    rclone("sync", str(files), f"{remote}/tree")
    assert (bucket.path / "tree" / "sub" / "b.bin").stat().st_ino == before
    rclone("copy", f"{remote}/tree", str(tmp_path / "got"))
    assert tree(tmp_path / "got") == tree(files)
    assert int((tmp_path / "got" / "a.txt").stat().st_mtime) == 1_600_000_000
    rclone("moveto", f"{remote}/tree/a.txt", f"{remote}/moved.txt")
    assert bucket.call("HEAD", "moved.txt").status_code == 200
    (files / "a.txt").unlink()
    (files / "empty").unlink()
    rclone("sync", str(files), f"{remote}/tree")
    assert tree(bucket.path / "tree") == tree(files)
    assert "Total size" in rclone("size", remote)
    rclone("purge", remote)
    assert not bucket.path.exists()


def test_rclone_sends_segments(bucket: Bucket, rclone: Tool, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "big").write_bytes(content)
    for _ in range(2):
        rclone("copy", "--ignore-times", "--swift-chunk-size", "1M", str(tmp_path / "big"), f"here:{bucket.name}")
        assert (bucket.path / "big").read_bytes() == content
    rclone("check", "--download", str(tmp_path / "big"), f"here:{bucket.name}")
    rclone("copyto", f"here:{bucket.name}/big", f"here:{bucket.name}/copy")
    assert (bucket.path / "copy").read_bytes() == content
    rclone("deletefile", f"here:{bucket.name}/big")
    assert bucket.names() == ["copy"]
