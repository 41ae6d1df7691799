"""Accounts, containers and their listings by plain HTTP."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.swift.conftest import Bucket


def test_the_listing_of_the_sdk(bucket: Bucket) -> None:
    """rest-api §8.2: order, marker, limit, the end of the last line, the charset."""
    for name in ("b/2", "b/1", "a-x", "a/z", "a.txt", "한글"):
        bucket.put(name, b"x")
    answer = bucket.call("GET", params={"prefix": "", "limit": 1000})
    assert answer.text == "a-x\na.txt\na/z\nb/1\nb/2\n한글\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert bucket.names(limit=2) == ["a-x", "a.txt"]
    assert bucket.names(limit=2, marker="a.txt") == ["a/z", "b/1"]
    assert bucket.names(marker="a.txt", end_marker="b/2") == ["a/z", "b/1"]
    assert bucket.names(prefix="b/") == ["b/1", "b/2"]
    assert bucket.names(prefix="a", delimiter="/") == ["a-x", "a.txt", "a/"]
    # A lone slash is a whole container to users of the SDK.
    assert len(bucket.names(prefix="/")) == 6
    nothing = bucket.call("GET", params={"prefix": "none"})
    assert (nothing.status_code, nothing.content) == (200, b"")
    assert bucket.http.get(bucket.url(container="unknown")).status_code == 404
    for limit in ("10001", "-1", "x"):
        assert bucket.call("GET", params={"limit": limit}).status_code == 412


def test_the_listing_in_json(bucket: Bucket) -> None:
    bucket.put("a.txt", b"abc")
    bucket.put("d/x", b"")
    (bucket.path / "dropped").write_bytes(b"1234")
    for arguments in ({"params": {"format": "json"}}, {"headers": {"Accept": "application/json"}}):
        rows = bucket.call("GET", **arguments).json()
        assert [(row["name"], row["bytes"]) for row in rows] == [("a.txt", 3), ("d/x", 0), ("dropped", 4)]
        assert rows[0]["hash"] == "900150983cd24fb0d6963f7d28e17f72"
        assert rows[0]["content_type"] == "text/plain"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", rows[0]["last_modified"])
        # A list does not read files; a look at the object does.
        assert rows[2]["hash"] == ""
    bucket.call("HEAD", "dropped")
    assert bucket.call("GET", params={"format": "json"}).json()[2]["hash"] == "81dc9bdb52d04dc20036dbd8313ed055"
    rows = bucket.call("GET", params={"format": "json", "delimiter": "/"}).json()
    assert rows[1] == {"subdir": "d/"}
    assert bucket.call("GET", params={"format": "xml"}).status_code == 406


def test_container_life(bucket: Bucket) -> None:
    assert bucket.call("PUT").status_code == 202
    bucket.put("deep/er/file", b"12345")
    assert bucket.call("POST", headers={"X-Container-Meta-Color": "red", "X-Container-Meta-Size": "9"}).status_code == 204
    found = bucket.call("HEAD")
    assert found.status_code == 204
    assert (found.headers["x-container-object-count"], found.headers["x-container-bytes-used"]) == ("1", "5")
    assert (found.headers["x-container-meta-color"], found.headers["x-container-meta-size"]) == ("red", "9")
    bucket.call("POST", headers={"X-Remove-Container-Meta-Color": "x", "X-Container-Meta-Size": ""})
    assert not {"x-container-meta-color", "x-container-meta-size"} & set(bucket.call("HEAD").headers)
    assert bucket.call("DELETE").status_code == 409
    assert bucket.call("DELETE", "deep/er/file").status_code == 204
    (bucket.path / "empty" / "folder").mkdir(parents=True)
    assert bucket.call("DELETE").status_code == 204
    assert not bucket.path.exists()
    for method in ("HEAD", "GET", "DELETE", "POST"):
        assert bucket.call(method).status_code == 404, method
    for name in (".hidden", "{name}"):
        assert bucket.http.put(bucket.url(container=name)).status_code == 400


def test_a_container_with_files_that_are_no_objects_is_not_deleted(bucket: Bucket) -> None:
    (bucket.path / ".easymaker-tmp-model").mkdir()
    (bucket.path / ".easymaker-tmp-model" / "weights").write_bytes(b"x")
    assert bucket.call("DELETE").status_code == 409
    assert (bucket.path / ".easymaker-tmp-model" / "weights").exists()


def test_the_account(bucket: Bucket) -> None:
    bucket.put("a", b"123")
    names = bucket.http.get("/v1/AUTH_local").text.splitlines()
    assert bucket.name in names
    assert names == sorted(names, key=str.encode)
    rows = bucket.http.get("/v1/AUTH_local", params={"format": "json", "prefix": bucket.name}).json()
    assert {"name": bucket.name, "count": 1, "bytes": 3} in rows
    following = bucket.http.get("/v1/AUTH_local", params={"marker": names[0], "limit": 1}).text
    assert following == "".join(f"{name}\n" for name in names[1:2])
    head = bucket.http.head("/v1/AUTH_local")
    assert head.status_code == 204
    assert int(head.headers["x-account-container-count"]) == len(names)
    assert int(head.headers["x-account-bytes-used"]) >= 3
    # Any version and any tenant are this appliance (rest-api §8.1).
    assert bucket.http.get(f"/v1.0/AUTH_ed79fa143403492f/{bucket.name}").text == "a\n"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/other", "/v2.0/tokens", "/nothing/here"])
def test_other_paths_are_not_there(bucket: Bucket, path: str) -> None:
    assert bucket.http.get(path).status_code == 404
    assert bucket.http.request("DELETE", "/v1/AUTH_local").status_code == 405


def test_what_the_store_is_able_to_do(bucket: Bucket) -> None:
    """Clients choose dynamic large objects where no static ones are offered."""
    assert "slo" not in bucket.http.get("/info").json()


def test_access_lists(bucket: Bucket) -> None:
    """OS-L01, OS-10: by Swift's headers and by our own API, and the same in both."""

    def shown() -> tuple[str | None, str | None, bool, bool]:
        found = bucket.appliance.call("GET", f"/storage/containers/{bucket.name}/access")["containerAccess"]
        return found["readAcl"], found["writeAcl"], found["isReadable"], found["isWritable"]

    assert shown() == (None, None, True, True)
    assert "x-container-read" not in bucket.call("HEAD").headers
    bucket.call("POST", headers={"X-Container-Read": "other:someone", "X-Container-Write": ""})
    assert shown() == ("other:someone", "", False, False)
    found = bucket.call("HEAD").headers
    assert (found["x-container-read"], found["x-container-write"]) == ("other:someone", "")
    # The owner's token is not restricted by lists about the system account.
    bucket.put("a", b"x")
    changed = bucket.appliance.call("PUT", f"/storage/containers/{bucket.name}/access", json={"read": True})
    assert changed["containerAccess"]["isReadable"] is True
    assert bucket.call("HEAD").headers["x-container-read"] == "other:someone,local:easymaker"
    bucket.call("POST", headers={"X-Remove-Container-Write": "x"})
    assert shown() == ("other:someone,local:easymaker", None, True, True)
    refused = bucket.call("POST", headers={"X-Container-Write": ".r:*"})
    assert refused.status_code == 400
    fresh = bucket.url(container=f"{bucket.name}-fresh")
    assert bucket.http.put(fresh, headers={"X-Container-Write": ".r:*"}).status_code == 400
    assert bucket.http.head(fresh).status_code == 404
    assert bucket.http.put(fresh, headers={"X-Container-Read": "a:b"}).status_code == 201
    assert bucket.http.head(fresh).headers["x-container-read"] == "a:b"
    # A bucket that was deleted leaves no list for the next of its name.
    bucket.http.delete(fresh)
    bucket.http.put(fresh)
    assert "x-container-read" not in bucket.http.head(fresh).headers


def test_lists_go_with_a_bucket_that_is_deleted_by_our_own_api(bucket: Bucket, tmp_path: Path) -> None:
    bucket.call("POST", headers={"X-Container-Read": "a:b"})
    (bucket.path / "out").symlink_to(tmp_path)
    for path, lists in (("out", "a:b"), ("", None)):
        query = {"uri": bucket.appliance.uri(bucket.name, path), "recursive": "true"}
        answer = bucket.appliance.call("DELETE", "/storage/objects", params=query)
        assert answer["header"]["isSuccessful"], answer
        bucket.call("PUT")
        assert bucket.call("HEAD").headers.get("x-container-read") == lists
    assert tmp_path.exists()


def test_a_closed_bucket_stays_closed_when_the_index_is_lost(bucket: Bucket) -> None:
    bucket.call("POST", headers={"X-Container-Read": "", "X-Container-Meta-A": "1"})
    bucket.appliance.stop()
    for file in bucket.appliance.home.glob("objects.db*"):
        file.unlink()
    bucket.appliance.start()
    assert "x-container-meta-a" not in bucket.call("HEAD").headers
    found = bucket.appliance.call("GET", f"/storage/containers/{bucket.name}/access")["containerAccess"]
    assert found["isReadable"] is False


def test_the_system_account_is_shown(bucket: Bucket) -> None:
    """OS-09, TR-38."""
    answer = bucket.appliance.call("GET", "/storage/access")
    assert answer["systemAccount"] == "local:easymaker"
    assert bucket.name in {found["containerName"] for found in answer["containerAccessList"]}
    assert bucket.appliance.call("GET", "/storage/containers/nothing/access")["errorCode"] == "NOT_FOUND"
    body = {"read": "perhaps"}
    assert (
        bucket.appliance.call("PUT", f"/storage/containers/{bucket.name}/access", json=body)["errorCode"] == "INVALID_REQUEST"
    )
