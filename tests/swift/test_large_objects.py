"""Dynamic large objects (rest-api §8.3): joined where the segments are only there for the object, manifests elsewhere."""

from __future__ import annotations

import hashlib

import pytest

from tests.swift.conftest import Bucket

PARTS = [b"one-", b"two-", b"three"]
WHOLE = b"".join(PARTS)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


ETAG = md5("".join(md5(part) for part in PARTS).encode())


def upload_as_the_sdk(bucket: Bucket, name: str, parts: list[bytes]) -> None:
    for number, part in enumerate(parts, 1):
        bucket.put(f"{name}/{number:03d}", part)
    bucket.put(name, b"", X_Object_Manifest=f"{bucket.name}/{name}")


def check_whole(bucket: Bucket, name: str, etag: str, whole: bytes = WHOLE) -> None:
    head = bucket.call("HEAD", name)
    assert (head.headers["content-length"], head.headers["etag"]) == (str(len(whole)), etag)
    assert bucket.call("GET", name).content == whole
    for first in range(len(whole)):
        for last in range(first, len(whole)):
            found = bucket.call("GET", name, headers={"Range": f"bytes={first}-{last}"})
            assert (found.status_code, found.content) == (206, whole[first : last + 1])


def test_parts_of_the_sdk_become_one_object_and_one_file(bucket: Bucket) -> None:
    """Neighbours whose names begin alike are left alone; no segment stays in a listing."""
    bucket.put("big.bin2", b"neighbour")
    upload_as_the_sdk(bucket, "big.bin", PARTS)
    check_whole(bucket, "big.bin", ETAG)
    assert bucket.names() == ["big.bin", "big.bin2"]
    assert (bucket.path / "big.bin").read_bytes() == WHOLE
    assert bucket.call("HEAD", "big.bin").headers["x-object-manifest"] == f"{bucket.name}/big.bin/"
    # Its checksum is not that of its content: lists do not show it as if it were.
    assert bucket.call("GET", params={"format": "json"}).json()[0]["hash"] == ""


def test_a_large_object_is_uploaded_again_over_itself(bucket: Bucket) -> None:
    upload_as_the_sdk(bucket, "a/big", PARTS)
    for number, part in enumerate([b"new", b"er"], 1):
        bucket.put(f"a/big/{number:03d}", part)
        # The old one is whole until the manifest comes, and the parts can be looked at.
        assert bucket.call("GET", "a/big").content == WHOLE
        assert bucket.call("GET", f"a/big/{number:03d}").content == part
    assert bucket.names() == ["a/big"]
    bucket.put("a/big", b"", X_Object_Manifest=f"{bucket.name}/a/big")
    assert bucket.call("GET", "a/big").content == b"newer"
    assert bucket.call("GET", "a/big/001").status_code == 404
    assert bucket.names() == ["a/big"]
    assert bucket.call("DELETE", "a/big").status_code == 204
    assert list(bucket.path.iterdir()) == []


def test_a_small_object_replaces_a_large_one_and_segments_that_waited(bucket: Bucket) -> None:
    upload_as_the_sdk(bucket, "big", PARTS)
    bucket.put("big/001", b"waits")
    bucket.put("big", b"small")
    found = bucket.call("GET", "big")
    assert (found.content, found.headers["etag"]) == (b"small", md5(b"small"))
    assert "x-object-manifest" not in found.headers
    assert bucket.call("GET", "big/001").status_code == 404


def test_segments_in_the_container_that_clients_keep_for_them(bucket: Bucket) -> None:
    """As swift and rclone do: the object gets a checksum of its content, which rclone compares."""
    segments = f"{bucket.name}_segments"
    for number, part in enumerate(PARTS):
        url = bucket.url(f"big one/1700000000.0/{number:08d}", container=segments)
        assert bucket.http.put(url, content=part).status_code == 201
    bucket.put("big one", b"", X_Object_Manifest=f"{segments}/big%20one/1700000000.0/")
    check_whole(bucket, "big one", md5(WHOLE))
    assert bucket.http.get(bucket.url(container=segments)).text == ""


def test_a_manifest_over_objects_of_their_own(bucket: Bucket) -> None:
    """The objects stay; the manifest shows what they are at each time. Copies of it are objects of their own."""
    for number, part in enumerate(PARTS):
        bucket.put(f"logs/{number}", part)
    bucket.put("all", b"", X_Object_Manifest=f"{bucket.name}/logs/", X_Object_Meta_A="1")
    check_whole(bucket, "all", ETAG)
    assert bucket.names() == ["all", "logs/0", "logs/1", "logs/2"]
    assert bucket.call("COPY", "all", headers={"Destination": f"{bucket.name}/copy"}).status_code == 201
    bucket.put("logs/3", b"more")
    assert bucket.call("GET", "all").content == WHOLE + b"more"
    copy = bucket.call("GET", "copy")
    assert (copy.content, copy.headers["etag"], copy.headers["x-object-meta-a"]) == (WHOLE, md5(WHOLE), "1")
    assert "x-object-manifest" not in copy.headers
    assert bucket.call("DELETE", "all").status_code == 204
    assert bucket.names() == ["copy", "logs/0", "logs/1", "logs/2", "logs/3"]


def test_what_is_no_segment_is_not_lost(bucket: Bucket) -> None:
    """A directory is replaced by one file only if all of it is in that file."""
    bucket.put("model/001", b"a")
    for hidden in (bucket.path / "model" / ".easymaker-staged", bucket.path / "model" / "deep" / "\udcff"):
        hidden.parent.mkdir(exist_ok=True)
        hidden.write_bytes(b"kept")
        answer = bucket.call("PUT", "model", headers={"X-Object-Manifest": f"{bucket.name}/model"})
        assert answer.status_code == 409
        assert hidden.read_bytes() == b"kept"
        hidden.unlink()
    (bucket.path / "model" / "link").symlink_to("/")
    assert bucket.call("PUT", "model", headers={"X-Object-Manifest": f"{bucket.name}/model"}).status_code == 409
    (bucket.path / "model" / "link").unlink()
    segments = f"{bucket.name}_segments"
    bucket.http.put(bucket.url("model/1", container=segments), content=b"x")
    assert bucket.call("PUT", "model", headers={"X-Object-Manifest": f"{segments}/model/"}).status_code == 409
    assert bucket.call("GET", "model/001").content == b"a"
    assert bucket.http.get(bucket.url("model/1", container=segments)).content == b"x"
    bucket.put("model", b"", X_Object_Manifest=f"{bucket.name}/model")
    assert (bucket.path / "model").read_bytes() == b"a"


def test_the_manifest_may_come_before_its_segments(bucket: Bucket) -> None:
    bucket.put("early", b"", X_Object_Manifest=f"{bucket.name}/early/")
    assert bucket.call("GET", "early").content == b""
    bucket.put("early/001", b"a")
    bucket.put("early/002", b"b")
    assert bucket.call("GET", "early").content == b"ab"
    assert bucket.names() == ["early"]


@pytest.mark.parametrize("manifest", ["", "container", "/"])
def test_manifests_that_name_nothing_are_refused(bucket: Bucket, manifest: str) -> None:
    answer = bucket.call("PUT", "x", headers={"X-Object-Manifest": manifest})
    assert answer.status_code == 400
    assert bucket.names() == []
