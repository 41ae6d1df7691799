"""Fetching from the hub, which here is a stand-in on this machine: what is asked, what is kept, and what is refused."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from easymaker_local.artifacts.models import hub_cache, hub_download
from easymaker_local.artifacts.models.hub_download import download
from easymaker_local.domain.model import ModelFormat
from easymaker_local.errors import StorageError
from tests.artifacts.models.made import HUGGING_FACE, look, write

COMMIT, OLDER = "a" * 40, "b" * 40
# In the hub, and not wanted here.
OTHERS = {"README.md": b"x", "pytorch_model.bin": b"x", "onnx/model.onnx": b"x", ".gitattributes": b"x", "modeling.py": b"x"}


@dataclass
class Hub:
    """``/api/…`` tells, ``/{id}/resolve/…`` redirects to the place of large files, on another origin."""

    files: dict[str, bytes] = field(default_factory=lambda: {n: _bytes(d) for n, d in {**HUGGING_FACE, **OTHERS}.items()})
    token: str | None = None
    endpoint: str = ""
    elsewhere: str = ""
    asked: list[str] = field(default_factory=list)
    tokens_elsewhere: list[str | None] = field(default_factory=list)
    spoil: dict[str, bytes] = field(default_factory=dict)
    status: int | None = None
    info: bytes | None = None
    meet: threading.Barrier = field(default_factory=lambda: threading.Barrier(1))

    def describe(self) -> bytes:
        return (
            self.info
            or json.dumps({"id": "org/tiny", "sha": COMMIT, "siblings": [self._sibling(n) for n in self.files]}).encode()
        )

    def _sibling(self, name: str) -> dict[str, Any]:
        data = self.files[name]
        blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
        lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        large = name.endswith((".safetensors", ".bin"))
        return {"rfilename": name, "size": len(data), "blobId": blob, **({"lfs": lfs} if large else {})}


def _bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data


def _serve(hub: Hub, *, is_elsewhere: bool) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, token = unquote(urlsplit(self.path).path), self.headers["Authorization"]
            hub.asked.append(path)
            if is_elsewhere:
                hub.tokens_elsewhere.append(token)
                name = path.rpartition("/")[2]
                self._answer(200, hub.spoil.get(name, hub.files[name]))
            elif hub.status is not None or (hub.token is not None and token != f"Bearer {hub.token}"):
                self._answer(hub.status or 401, b"{}")
            elif path.startswith("/api/models/org/tiny/revision/"):
                hub.meet.wait(30)
                self._answer(200, hub.describe())
            elif path.startswith(f"/org/tiny/resolve/{COMMIT}/"):
                name = path.partition(COMMIT)[2][1:]
                if name.endswith(".safetensors"):
                    self._answer(302, b"", f"{hub.elsewhere}/{name}")
                else:
                    self._answer(200, hub.spoil.get(name, hub.files[name]))
            else:
                self._answer(404, b"{}")

        def _answer(self, status: int, data: bytes, location: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            if location is not None:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    servers = [_serve(made, is_elsewhere=is_elsewhere) for is_elsewhere in (False, True)]
    made.endpoint, made.elsewhere = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    yield made
    for server in servers:
        server.shutdown()
        server.server_close()


def test_what_is_fetched_is_found_in_the_cache_and_can_be_served(hub: Hub, tmp_path: Path) -> None:
    """MD-12, MD-13, MD-L04: the layout of the hub's own cache, weights as safetensors alone, nothing to be executed."""
    download("org/tiny", tmp_path, hub.endpoint)
    found = hub_cache.find("org/tiny", tmp_path)
    assert found.commit == COMMIT
    assert {path.name for path in found.path.iterdir()} == set(HUGGING_FACE)
    assert all(path.is_symlink() for path in found.path.iterdir())
    examined = look(found.path, ModelFormat.HUGGING_FACE, root=found.root)
    assert examined.problems == ()
    assert {file.name: file.sha256 for file in examined.files} == {
        name: hashlib.sha256(_bytes(data)).hexdigest() for name, data in HUGGING_FACE.items()
    }


def test_contents_are_named_by_their_checksums(hub: Hub, tmp_path: Path) -> None:
    """MD-L04: git's for small ones, as the hub's own client names them."""
    download("org/tiny", tmp_path, hub.endpoint)
    blobs = {path.name for path in (tmp_path / "models--org--tiny/blobs").iterdir()}
    assert {len(name) for name in blobs} == {40, 64}
    assert (tmp_path / "models--org--tiny/refs/main").read_text() == COMMIT


def test_what_another_program_has_begun_is_completed(hub: Hub, tmp_path: Path) -> None:
    """MD-L04: whoever asked for the configuration alone has left a snapshot with nothing else."""
    snapshot = tmp_path / f"models--org--tiny/snapshots/{COMMIT}"
    write(snapshot, {"config.json": HUGGING_FACE["config.json"]})
    download("org/tiny", tmp_path, hub.endpoint)
    assert {path.name for path in snapshot.iterdir()} == set(HUGGING_FACE)
    assert not (snapshot / "config.json").is_symlink()


def test_nothing_is_fetched_twice(hub: Hub, tmp_path: Path) -> None:
    download("org/tiny", tmp_path, hub.endpoint)
    hub.asked.clear()
    download("org/tiny", tmp_path, hub.endpoint)
    assert hub.asked == ["/api/models/org/tiny/revision/main"]


def test_the_token_goes_to_the_hub_alone(hub: Hub, tmp_path: Path) -> None:
    """FS-17, FS-L04, MD-L03: a gated model needs the token, and where the hub redirects to does not see it."""
    hub.token = "hf_abc"
    with pytest.raises(StorageError, match="gated or private, and no token was given"):
        download("org/tiny", tmp_path, hub.endpoint)
    with pytest.raises(StorageError, match="the token has no access") as refused:
        download("org/tiny", tmp_path, hub.endpoint, token="hf_wrong")
    assert "hf_wrong" not in str(refused.value)
    download("org/tiny", tmp_path, hub.endpoint, token="hf_abc")
    assert hub.tokens_elsewhere
    assert set(hub.tokens_elsewhere) == {None}


@pytest.mark.parametrize("blank", [" ", "\n", "\t\r\n"])
def test_blanks_around_a_token_are_nobodys_fault(hub: Hub, tmp_path: Path, blank: str) -> None:
    """MD-L03, FS-17: as it is copied from somewhere."""
    hub.token = "hf_abc"
    download("org/tiny", tmp_path, hub.endpoint, token=f"{blank}hf_abc{blank}")
    with pytest.raises(StorageError, match="no token was given"):
        download("org/tiny", tmp_path, hub.endpoint, token=blank)


@pytest.mark.parametrize(
    "token", ["hf_abc\nX", "hf_\N{LATIN SMALL LETTER E WITH ACUTE}abc", "hf_abc\N{ZERO WIDTH SPACE}", "hf_abc\0"]
)
def test_what_is_no_token_is_not_sent_and_not_repeated(hub: Hub, tmp_path: Path, token: str) -> None:
    """MD-L03, FS-L04."""
    with pytest.raises(StorageError, match="is no token of the hub") as refused:
        download("org/tiny", tmp_path, hub.endpoint, token=token)
    assert "abc" not in str(refused.value)
    assert hub.asked == []


def test_words_of_a_request_that_cannot_be_sent_are_nobodys_business(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MD-L03: the client's own message repeats the header with the token."""
    monkeypatch.setattr(hub_download, "_checked", lambda token: token)
    with pytest.raises(StorageError, match="the request cannot be sent") as refused:
        download("org/tiny", tmp_path, hub.endpoint, token="hf_abc ")
    assert "hf_abc" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_of_several_at_once_one_fetches(hub: Hub, tmp_path: Path) -> None:
    """MD-L04: the others find what it fetched; nothing is asked twice, nothing half-made is left."""
    hub.meet = threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(download, "org/tiny", tmp_path, hub.endpoint) for _ in range(4)]:
            done.result()
    fetched = [path for path in hub.asked if "/resolve/" in path]
    assert len(fetched) == len(HUGGING_FACE)
    assert not list(tmp_path.rglob("*.easymaker-incomplete"))
    assert {path.name for path in hub_cache.find("org/tiny", tmp_path).path.iterdir()} == set(HUGGING_FACE)


def test_whoever_waits_for_another_can_be_ended(hub: Hub, tmp_path: Path) -> None:
    """MD-32: another program may hold the lock for long, and the daemon is to end."""

    def stop() -> None:
        raise TimeoutError("ended")

    folder = tmp_path / "models--org--tiny"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="ended"):
            download("org/tiny", tmp_path, hub.endpoint, step=stop)
    finally:
        os.close(descriptor)
    assert hub.asked == ["/api/models/org/tiny/revision/main"]


def test_a_snapshot_that_another_program_begins_meanwhile(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MD-L04: the hub's own client knows nothing of our lock."""
    snapshot = tmp_path / f"models--org--tiny/snapshots/{COMMIT}"
    rename = Path.rename

    def late(path: Path, target: Path) -> Path:
        if target == snapshot:
            write(snapshot, {"config.json": HUGGING_FACE["config.json"]})
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", late)
    download("org/tiny", tmp_path, hub.endpoint)
    assert {path.name for path in snapshot.iterdir()} == set(HUGGING_FACE)
    assert not list(tmp_path.rglob("*.easymaker-incomplete"))


def test_a_commit_that_is_named_leaves_the_branch_alone(hub: Hub, tmp_path: Path) -> None:
    download("org/tiny", tmp_path, hub.endpoint, revision=COMMIT)
    assert f"/api/models/org/tiny/revision/{COMMIT}" in hub.asked
    assert not (tmp_path / "models--org--tiny/refs").exists()
    assert hub_cache.find("org/tiny", tmp_path, revision=COMMIT).commit == COMMIT


@pytest.mark.parametrize("data", [b"", b"short", b"other" * 10_000])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_what_arrives_otherwise_is_not_kept(hub: Hub, tmp_path: Path, name: str, data: bytes) -> None:
    """MD-L04: too short, too long or changed; there is no snapshot then."""
    hub.spoil[name] = data
    with pytest.raises(StorageError, match=rf"'{name}' did not arrive as the hub has it"):
        download("org/tiny", tmp_path, hub.endpoint)
    with pytest.raises(StorageError, match="is not in the Hugging Face cache"):
        hub_cache.find("org/tiny", tmp_path)
    assert not list(tmp_path.rglob("*.easymaker-incomplete"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "does not give 'org/tiny' away"),
        (404, "has no model 'org/tiny'"),
        (500, "answers with 500"),
        (429, "answers with 429"),
    ],
)
def test_what_the_hub_refuses(hub: Hub, tmp_path: Path, status: int, words: str) -> None:
    hub.status = status
    with pytest.raises(StorageError, match=words):
        download("org/tiny", tmp_path, hub.endpoint)


@pytest.mark.parametrize(
    "info",
    [
        b"<html>", b"[]", b"null", b"{}", b'{"sha": "x", "siblings": []}', b'{"sha": 1, "siblings": [1]}',
        json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "a.json"}]}).encode(),
        json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "a.json", "blobId": "../../x", "size": 1}]}).encode(),
        json.dumps({"sha": "../../../etc", "siblings": []}).encode(),
    ],
)  # fmt: skip
def test_what_the_hub_says_is_not_believed(hub: Hub, tmp_path: Path, info: bytes) -> None:
    hub.info = info
    with pytest.raises(StorageError):
        download("org/tiny", tmp_path, hub.endpoint)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_without_safetensors_nothing_is_fetched(hub: Hub, tmp_path: Path) -> None:
    """MD-13, FS-L03."""
    del hub.files["model.safetensors"]
    with pytest.raises(StorageError, match="no weights in safetensors format"):
        download("org/tiny", tmp_path, hub.endpoint)
    assert hub.asked == ["/api/models/org/tiny/revision/main"]


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "huggingface.co", "http://[bad", "http://a:99999"])
def test_a_hub_that_is_not_there(tmp_path: Path, endpoint: str) -> None:
    """MD-L04: or no address of one."""
    with pytest.raises(StorageError, match=rf"{re.escape(endpoint)} cannot be reached"):
        download("org/tiny", tmp_path, endpoint)


@pytest.mark.parametrize("model_id", ["../x", "a/b/c", "org/tiny?x", ""])
def test_what_is_no_id_is_asked_of_nobody(hub: Hub, tmp_path: Path, model_id: str) -> None:
    with pytest.raises(StorageError, match="is no Hugging Face model id"):
        download(model_id, tmp_path, hub.endpoint)
    with pytest.raises(StorageError, match="is no commit"):
        download("org/tiny", tmp_path, hub.endpoint, revision="main")
    assert hub.asked == []


def test_no_room(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_download.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(StorageError, match=r"0\.0 GiB are free there"):
        download("org/tiny", tmp_path, hub.endpoint)


def test_a_fetch_that_is_ended_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    """Files that had arrived are kept; what a crash left is removed."""

    class Stopped(Exception):
        """Somebody ended it."""

    count = 0

    def stop() -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise Stopped

    with pytest.raises(Stopped):
        download("org/tiny", tmp_path, hub.endpoint, step=stop)
    blobs = tmp_path / "models--org--tiny/blobs"
    assert len(list(blobs.iterdir())) == 1
    left = [write(blobs.parent / f"{part}/x.easymaker-incomplete", {"x": ""}) for part in ("blobs", "snapshots")]
    download("org/tiny", tmp_path, hub.endpoint)
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, False), ({"HF_HUB_OFFLINE": "1"}, True), ({"TRANSFORMERS_OFFLINE": "yes"}, True), ({"HF_HUB_OFFLINE": "0"}, False)],
)
def test_offline_is_what_the_hubs_variables_say(environment: dict[str, str], expected: bool) -> None:
    """MD-L04."""
    assert hub_download.is_offline(environment) is expected
    assert hub_download.endpoint_of({"HF_ENDPOINT": "http://mirror/"}) == "http://mirror"
    assert hub_download.endpoint_of(environment) == "https://huggingface.co"
