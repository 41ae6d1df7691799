"""Objects by plain HTTP: every row of rest-api §8.2, and what Swift's clients need beyond."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.swift.conftest import Bucket


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def test_what_was_put_is_got_and_is_a_file(bucket: Bucket) -> None:
    """GN-L05, rest-api §8.2: upload, size, download, delete."""
    stored = bucket.put("deep/model.bin", b"content", Content_Type="model/x", X_Object_Meta_Color="blue")
    assert stored.headers["etag"] == md5(b"content")
    assert (bucket.path / "deep" / "model.bin").read_bytes() == b"content"
    for method in ("HEAD", "GET"):
        found = bucket.call(method, "deep/model.bin")
        assert found.status_code == 200
        assert found.headers["content-length"] == "7"
        assert found.headers["content-type"] == "model/x"
        # Unquoted: the SDK compares the text (rest-api §8.3).
        assert found.headers["etag"] == md5(b"content")
        assert found.headers["x-object-meta-color"] == "blue"
        assert found.headers["x-trans-id"]
        modified = (bucket.path / "deep" / "model.bin").stat().st_mtime
        assert float(found.headers["x-timestamp"]) == pytest.approx(modified, abs=1e-4)
        assert 0 <= parsedate_to_datetime(found.headers["last-modified"]).timestamp() - modified <= 1
        assert found.content == (b"content" if method == "GET" else b"")
    assert bucket.call("DELETE", "deep/model.bin").status_code == 204
    assert bucket.call("DELETE", "deep/model.bin").status_code == 404
    assert bucket.call("GET", "deep/model.bin").status_code == 404
    assert not (bucket.path / "deep").exists()


def test_a_file_dropped_in_is_an_object_at_once_and_an_edited_one_is_another(bucket: Bucket) -> None:
    file = bucket.path / "table.csv"
    file.write_bytes(b"1\n")
    found = bucket.call("HEAD", "table.csv")
    assert (found.headers["etag"], found.headers["content-type"]) == (md5(b"1\n"), "text/csv")
    bucket.call("POST", "table.csv", headers={"X-Object-Meta-Kind": "old"})
    assert bucket.call("HEAD", "table.csv").headers["x-object-meta-kind"] == "old"
    file.write_bytes(b"22\n")
    found = bucket.call("HEAD", "table.csv")
    assert found.headers["etag"] == md5(b"22\n")
    assert "x-object-meta-kind" not in found.headers


def test_the_container_is_made_by_the_first_put(bucket: Bucket) -> None:
    """rest-api §8.3; unknown ones are not found."""
    url = bucket.url("x", container=f"{bucket.name}-new")
    assert bucket.http.get(url.rpartition("/")[0]).status_code == 404
    assert bucket.http.put(url, content=b"1").status_code == 201
    assert bucket.http.get(url).content == b"1"


def test_what_comes_in_chunks_is_whole_and_without_a_length_there_is_none(bucket: Bucket) -> None:
    def blocks() -> Iterator[bytes]:
        for number in range(100):
            yield bytes([number]) * 50_000

    whole = b"".join(blocks())
    answer = bucket.call("PUT", "chunked", content=blocks())
    assert (answer.status_code, answer.headers["etag"]) == (201, md5(whole))
    assert bucket.call("GET", "chunked").content == whole
    request = bucket.http.build_request("PUT", bucket.url("none"))
    del request.headers["content-length"]
    # RFC 9112, section 6.3: a request with neither length nor chunks has no body.
    assert bucket.http.send(request).status_code == 201
    assert bucket.call("GET", "none").content == b""


def test_an_announced_checksum_is_verified(bucket: Bucket) -> None:
    bucket.put("a", b"old")
    for etag in (md5(b"new"), f'"{md5(b"new")}"'):
        bucket.put("b", b"new", ETag=etag)
    answer = bucket.call("PUT", "a", content=b"damaged", headers={"ETag": md5(b"new")})
    assert answer.status_code == 422
    assert bucket.call("GET", "a").content == b"old"
    assert not list((bucket.path.parent / ".easymaker-tmp").iterdir())


def test_put_only_if_absent(bucket: Bucket) -> None:
    bucket.put("lock", b"first", If_None_Match="*")
    assert bucket.call("PUT", "lock", content=b"second", headers={"If-None-Match": "*"}).status_code == 412
    assert bucket.call("GET", "lock").content == b"first"
    assert bucket.call("PUT", "lock", content=b"second", headers={"If-None-Match": "abc"}).status_code == 400


@pytest.mark.parametrize(
    ("text", "status", "first", "end"),
    [
        ("bytes=0-0", 206, 0, 1), ("bytes=2-5", 206, 2, 6), ("bytes=7-", 206, 7, 10), ("bytes=-3", 206, 7, 10),
        ("bytes=-30", 206, 0, 10), ("bytes=5-99", 206, 5, 10), ("bytes=10-", 416, 0, 0), ("bytes=-0", 416, 0, 0),
        ("bytes=5-2", 200, 0, 10), ("bytes=x", 200, 0, 10), ("items=0-1", 200, 0, 10), ("bytes=0-1,4-5", 200, 0, 10),
    ],
)  # fmt: skip
def test_ranges(bucket: Bucket, text: str, status: int, first: int, end: int) -> None:
    """One range, also from the end. Several at once, and what is no range, get the whole object (RFC 9110 §14.2)."""
    bucket.put("digits", b"0123456789")
    found = bucket.call("GET", "digits", headers={"Range": text})
    assert found.status_code == status
    if status == 416:
        assert found.headers["content-range"] == "bytes */10"
        return
    assert found.content == b"0123456789"[first:end]
    assert found.headers.get("content-range") == (f"bytes {first}-{end - 1}/10" if status == 206 else None)


def test_preconditions(bucket: Bucket) -> None:
    bucket.put("a", b"x")
    etag, past = md5(b"x"), formatdate(1, usegmt=True)
    modified = bucket.call("HEAD", "a").headers["last-modified"]
    for headers, status in (
        ({"If-Match": etag}, 200), ({"If-Match": f'"{etag}"'}, 200), ({"If-Match": "*"}, 200), ({"If-Match": "no"}, 412),
        ({"If-None-Match": etag}, 304), ({"If-None-Match": "no, other"}, 200), ({"If-None-Match": f'no, "{etag}"'}, 304),
        ({"If-Modified-Since": modified}, 304), ({"If-Modified-Since": past}, 200), ({"If-Modified-Since": "soon"}, 200),
        ({"If-Unmodified-Since": modified}, 200), ({"If-Unmodified-Since": past}, 412),
        ({"Range": "bytes=0-0", "If-Range": etag}, 206), ({"Range": "bytes=0-0", "If-Range": "other"}, 200),
    ):  # fmt: skip
        for method in ("GET", "HEAD"):
            assert bucket.call(method, "a", headers=headers).status_code == status, (method, headers)
    assert bucket.call("GET", "none", headers={"If-Match": "*"}).status_code == 404


def test_metadata_is_replaced_by_post_and_by_put(bucket: Bucket) -> None:
    bucket.put("a", b"x", X_Object_Meta_One="1", Content_Type="text/plain", Content_Encoding="gzip")
    headers = {"X-Object-Meta-Two": "zwölf", "Content-Disposition": "attachment"}
    assert bucket.call("POST", "a", headers={k: v.encode() for k, v in headers.items()}).status_code == 202
    found = bucket.call("HEAD", "a").headers
    assert "x-object-meta-one" not in found
    assert "content-encoding" not in found
    assert found["x-object-meta-two"].encode(found.encoding).decode() == "zwölf"
    assert (found["content-disposition"], found["content-type"]) == ("attachment", "text/plain")
    assert found["etag"] == md5(b"x")
    bucket.call("POST", "a", headers={"Content-Type": "text/csv"})
    assert bucket.call("HEAD", "a").headers["content-type"] == "text/csv"
    bucket.put("a", b"y")
    assert "x-object-meta-two" not in bucket.call("HEAD", "a").headers
    assert bucket.call("POST", "none", headers=headers and {"X-Object-Meta-A": "b"}).status_code == 404
    assert bucket.call("POST", "a", headers={"X-Object-Meta-A": "b" * 257}).status_code == 400


def test_copies_by_either_method(bucket: Bucket) -> None:
    bucket.put("source #1", b"content", X_Object_Meta_A="1", X_Object_Meta_B="2", Content_Type="a/b")
    target = f"/{bucket.name}/copies/one"
    answer = bucket.call("COPY", "source #1", headers={"Destination": target, "X-Object-Meta-B": "new"})
    assert (answer.status_code, answer.headers["etag"]) == (201, md5(b"content"))
    assert answer.headers["x-copied-from"] == f"{bucket.name}/source%20%231"
    found = bucket.call("GET", "copies/one")
    assert found.content == b"content"
    assert [found.headers[f"x-object-meta-{key}"] for key in "ab"] == ["1", "new"]
    assert found.headers["content-type"] == "a/b"
    bucket.put("two", b"", X_Copy_From=f"/{bucket.name}/source%20%231", X_Fresh_Metadata="true", X_Object_Meta_C="3")
    found = bucket.call("GET", "two")
    assert found.content == b"content"
    assert "x-object-meta-a" not in found.headers
    assert found.headers["x-object-meta-c"] == "3"
    # Onto itself: metadata only.
    bucket.put("two", b"", X_Copy_From=f"{bucket.name}/two", X_Object_Meta_D="4")
    assert bucket.call("GET", "two").headers["x-object-meta-d"] == "4"
    assert bucket.call("GET", "two").content == b"content"
    assert bucket.call("COPY", "none", headers={"Destination": target}).status_code == 404
    assert bucket.call("COPY", "two", headers={"Destination": "nowhere"}).status_code == 412


@pytest.mark.parametrize("name", ["dir/", "dir"])
def test_directory_markers(bucket: Bucket, name: str) -> None:
    """Zero-byte objects that clients make for directories, in both fashions."""
    headers = {} if name.endswith("/") else {"Content_Type": "application/directory"}
    bucket.put(name, b"", **headers)
    bucket.put("dir/file", b"x")
    assert bucket.names() == [name, "dir/file"]
    assert bucket.names(delimiter="/") == (["dir/"] if name.endswith("/") else ["dir", "dir/"])
    found = bucket.call("HEAD", name)
    assert (found.status_code, found.headers["content-length"]) == (200, "0")
    rows = bucket.call("GET", params={"format": "json"}).json()
    assert (rows[0]["name"], rows[0]["bytes"], rows[0]["content_type"]) == (name, 0, "application/directory")
    assert bucket.call("DELETE").status_code == 409
    assert bucket.call("DELETE", name).status_code == 204
    assert bucket.names() == ["dir/file"]
    bucket.put(name, b"", **headers)
    # The marker stays when what was in the directory goes.
    assert bucket.call("DELETE", "dir/file").status_code == 204
    assert bucket.names() == [name]
    assert bucket.call("DELETE", name).status_code == 204
    assert bucket.names() == []
    assert not (bucket.path / "dir").exists()
    assert bucket.call("PUT", "full/", content=b"x").status_code == 400


def test_names_that_a_file_system_cannot_keep_are_refused_and_nothing_is_lost(bucket: Bucket) -> None:
    bucket.put("file", b"x")
    bucket.put("folder/file", b"y")
    assert bucket.call("PUT", "file/below", content=b"z").status_code == 409
    assert bucket.call("PUT", "folder", content=b"z").status_code == 409
    for marker in ("file/", "file/below/"):
        assert bucket.call("PUT", marker, content=b"").status_code == 409
    assert bucket.call("PUT", "a" * 256, content=b"z").status_code == 400
    assert bucket.call("PUT", "/".join(["a" * 200] * 6), content=b"z").status_code == 400
    assert bucket.call("PUT", "line\nbreak", content=b"z").status_code == 400
    assert bucket.names() == ["file", "folder/file"]
    assert bucket.call("GET", "file/below").status_code == 404
    assert bucket.call("GET", "folder").status_code == 404


def test_slashes_at_the_beginning_and_doubled_ones_mean_nothing(bucket: Bucket) -> None:
    """Users of the SDK have to write ``{container}//`` for a whole container (rest-api §8.2)."""
    bucket.put("/a//b", b"x")
    assert bucket.names() == ["a/b"]
    assert bucket.names(prefix="/") == ["a/b"]
    assert bucket.call("GET", "a/b").content == b"x"


def test_nobody_leaves_the_bucket(bucket: Bucket, tmp_path: Path) -> None:
    """GN-L05: neither by names nor by links; what is hidden stays hidden."""
    (tmp_path / "secret").write_text("secret")
    (bucket.path / "out").symlink_to(tmp_path / "secret")
    (bucket.path / "folder").symlink_to(tmp_path)
    (bucket.path / ".easymaker-hidden").write_text("ours")
    bucket.put("inside/file", b"x")
    (bucket.path / "link").symlink_to("inside/file")
    assert bucket.names() == ["inside/file", "link"]
    assert bucket.call("GET", "link").content == b"x"
    for name in ("out", "folder/secret", ".easymaker-hidden", "%2e%2e/secret"):
        assert bucket.call("GET", name).status_code in {400, 404}, name
    for raw in ("..%2F..%2Ftoken", "a/%2e%2e/%2e%2e/token", "a%00b", "%ff"):
        answer = bucket.http.request("GET", f"{bucket.url()}/{raw}")
        assert answer.status_code in {400, 404, 412}, raw
    assert bucket.call("PUT", "folder/new", content=b"z").status_code in {403, 409}
    assert not (tmp_path / "new").exists()
    # A link is replaced or deleted, not what it leads to.
    bucket.put("out", b"mine")
    assert (tmp_path / "secret").read_text() == "secret"
    assert bucket.call("DELETE", "link").status_code == 204
    assert bucket.names() == ["inside/file", "out"]


def test_a_pipe_is_no_object_and_blocks_nobody(bucket: Bucket) -> None:
    os.mkfifo(bucket.path / "pipe")
    assert bucket.names() == []
    assert bucket.call("GET", "pipe").status_code == 404


def test_a_lost_index_costs_metadata_only(bucket: Bucket) -> None:
    bucket.put("a", b"content", X_Object_Meta_A="1")
    (bucket.path / "b").write_bytes(b"other")
    assert bucket.call("HEAD", "b").headers["etag"] == md5(b"other")
    appliance = bucket.appliance
    appliance.stop()
    for file in appliance.home.glob("objects.db*"):
        file.write_bytes(b"no database" * 1000)
    appliance.start()
    found = bucket.call("GET", "a")  # the storage token outlived the restart
    assert (found.content, found.headers["etag"]) == (b"content", md5(b"content"))
    assert "x-object-meta-a" not in found.headers
    assert list(appliance.home.glob("objects.db.broken"))


_STRANGE = ["%41", "a b", "#x", "?y=1", "한글", "😀", "+", "&amp;", ";v", "~"]
_PARTS = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/"), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(_PARTS | st.sampled_from(_STRANGE), min_size=1, max_size=3))
def test_names_of_any_script(bucket: Bucket, parts: list[str]) -> None:
    name = "/".join(parts)
    acceptable = all(
        part not in {".", ".."} and not part.startswith(".easymaker-") and len(part.encode()) <= 255 for part in parts
    )
    answer = bucket.call("PUT", name, content=name.encode())
    if not acceptable:
        assert answer.status_code == 400
        return
    assert answer.status_code == 201, answer.text
    assert bucket.call("GET", name).content == name.encode()
    assert bucket.names() == [name]
    assert [row["name"] for row in bucket.call("GET", params={"format": "json"}).json()] == [name]
    assert bucket.call("DELETE", name).status_code == 204
    assert bucket.names() == []
