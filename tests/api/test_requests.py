"""The frame around every request: token, host, origin, size, form of the body, paths and methods."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from easymaker_local.testing.appliance import Appliance
from tests.api.envelope_check import assert_envelope

Call = Callable[..., httpx.Response]

OPEN = {"/health", "/nhn-api-gateway"}
MIB = 1 << 20


@pytest.fixture
def raw(appliance: Appliance) -> Iterator[httpx.Client]:
    """A client without a token."""
    with httpx.Client(base_url=f"http://127.0.0.1:{appliance.port}", trust_env=False) as client:
        yield client


def _openapi(appliance: Appliance, raw: httpx.Client) -> dict[str, Any]:
    document: dict[str, Any] = raw.get("/openapi.json", headers={"X-EasyMaker-Token": appliance.token}).json()
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def test_every_route_wants_the_token(appliance: Appliance, raw: httpx.Client) -> None:
    token = appliance.token
    wrong: list[Any] = [
        {}, {"X-EasyMaker-Token": "wrong"}, {"Authorization": "Bearer wrong"}, {"Authorization": token},
        {"x-nhn-authorization": f"Basic {token}"}, {"X-Secret-Key": token + "x"}, {"Cookie": f"token={token}"},
        {b"X-EasyMaker-Token": "ключ".encode()},
    ]  # fmt: skip
    asked = 0
    for path, method, _ in _operations(_openapi(appliance, raw)):
        if path in OPEN:
            assert raw.request(method, path).status_code == 200
            continue
        filled = path.replace("{", "").replace("}", "")
        for headers in wrong:
            answer = raw.request(method, filled, headers=headers)
            assert answer.status_code == 401, (method, path, headers)
            assert_envelope(answer)
            assert answer.json()["errorCode"] == "UNAUTHORIZED"
            asked += 1
    assert asked > 100
    assert raw.get("/openapi.json").status_code == 401
    assert raw.get("/v1.0/appkeys/a/none").status_code == 401, "who has no token learns nothing about paths"


@pytest.mark.parametrize(
    "header", ["X-EasyMaker-Token: {}", "X-Secret-Key: {}", "Authorization: Bearer {}", "x-nhn-authorization: bearer {}"]
)
def test_the_token_is_taken_in_every_form(appliance: Appliance, raw: httpx.Client, header: str) -> None:
    name, value = header.format(appliance.token).split(": ")
    assert raw.get("/v1.0/appkeys/any key/system", headers={name: value}).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Host", "example.com", 403), ("Host", "127.0.0.1.example.com", 403), ("Host", "192.168.0.7:10090", 403),
        ("Host", "localhost:1", 200), ("Host", "[::1]:10090", 200), ("Host", "[", 403), ("Host", "", 403),
        ("Origin", "https://example.com", 403), ("Origin", "null", 403), ("Origin", "http://[", 403),
        ("Origin", "http://localhost.example.com", 403), ("Origin", "http://127.0.0.1:3000", 200),
    ],
)  # fmt: skip
def test_foreign_hosts_and_origins(appliance: Appliance, raw: httpx.Client, name: str, value: str, status: int) -> None:
    answer = raw.get("/v1.0/appkeys/a/system", headers={"X-EasyMaker-Token": appliance.token, name: value})
    assert answer.status_code == status
    assert_envelope(answer)


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "required"),
        (b"{", 422, "not JSON"),
        (b"[]", 422, "body"),
        (b'"text"', 422, "body"),
        (b"null", 422, "object"),
        (b'{"experimentName": "\xff"}', 400, "body"),
        (b"[" * 100_000, 400, "body"),
        (b'{"experimentName": ' + b"9" * 5000 + b"}", 400, "body"),
        (b'{"experimentName": 7}', 422, "string"),
        (b'{"experimentName": "\\ud800"}', 422, "experimentName"),
        (b'{"experimentName": "x", "description": {"a": 1}}', 422, "string"),
    ],
)
def test_bodies_that_are_no_experiment(call: Call, content: bytes, status: int, words: str) -> None:
    before = call("GET", "/experiments").json()["experimentList"]
    answer = call("POST", "/experiments", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert words in answer.json()["header"]["resultMessage"]
    assert call("GET", "/experiments").json()["experimentList"] == before


def test_large_body_with_length(call: Call, body: dict[str, Any]) -> None:
    before = call("GET", "/trainings").json()["trainingList"]
    answer = call("POST", "/trainings", json={**body, "padding": "x" * (20 * MIB)})
    assert answer.status_code == 400
    assert "16 MiB" in answer.json()["header"]["resultMessage"]
    assert call("GET", "/trainings").json()["trainingList"] == before


def test_large_body_without_length(call: Call, body: dict[str, Any]) -> None:
    before = call("GET", "/trainings").json()["trainingList"]
    content = json.dumps({**body, "padding": "x" * (20 * MIB)}).encode()
    pieces = (content[start : start + MIB] for start in range(0, len(content), MIB))
    answer = call("POST", "/trainings", content=pieces, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert call("GET", "/trainings").json()["trainingList"] == before


def test_a_body_just_below_the_limit_is_read(call: Call, body: dict[str, Any]) -> None:
    answer = call("POST", "/trainings", json={**body, "imageId": "nope", "padding": "x" * (15 * MIB)})
    assert answer.status_code == 422


def test_a_request_that_breaks_off_creates_nothing(appliance: Appliance, call: Call) -> None:
    before = call("GET", "/experiments").json()["experimentList"]
    with socket.create_connection(("127.0.0.1", appliance.port)) as connection:
        connection.sendall(
            b"POST /v1.0/appkeys/a/experiments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + f"X-EasyMaker-Token: {appliance.token}\r\nContent-Length: 100\r\n\r\n".encode()
            + b'{"experimentName": "half"}'
        )
    assert call("GET", "/experiments").json()["experimentList"] == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/none", 404), ("GET", "/trainings/none", 404), ("GET", "/trainings/none/logs", 404),
        ("GET", "/trainings/none/logs/raw", 404), ("GET", "/trainings/none/events", 404),
        ("GET", "/endpoint-stages/none/pods/none/log/raw", 404),
        ("GET", "/trainings/none/copy-source", 404), ("PUT", "/trainings/none/stop", 404), ("DELETE", "/trainings/none", 404),
        ("GET", "/experiments/none", 404), ("DELETE", "/experiments/none", 404), ("PUT", "/experiments/none/retry", 404),
        ("GET", "/experiments/none/events", 404), ("GET", "/images/none/preparation", 404),
        ("POST", "/images/none/preparation", 404), ("GET", "/trainings/%00", 404), ("GET", "/trainings/%ff", 404),
        ("DELETE", "/trainings", 405), ("PUT", "/experiments", 405), ("POST", "/flavors", 405), ("TRACE", "/system", 405),
        ("OPTIONS", "/trainings", 405), ("PATCH", "/nothing/here", 404),
        ("GET", "/storage/containers/none/usage", 404),
        ("GET", "/storage/objects", 422), ("GET", "/storage/objects?uri=here", 422),
        ("GET", "/storage/objects?uri=obs://h/v1/AUTH_a/data/none", 404),
        ("GET", "/storage/content?uri=obs://h/v1/AUTH_a/data/one", 422),
        ("DELETE", "/storage/objects?uri=obs://h/v1/AUTH_a/data/one", 422),
        ("DELETE", "/storage/objects?uri=nas://archive:/x", 422),
    ],
)  # fmt: skip
def test_what_is_not_there(call: Call, method: str, path: str, status: int) -> None:
    assert call(method, path).status_code == status


def test_head_is_refused_without_a_body(appliance: Appliance, raw: httpx.Client) -> None:
    answer = raw.head("/v1.0/appkeys/a/system", headers={"X-EasyMaker-Token": appliance.token})
    assert (answer.status_code, answer.content) == (405, b"")


@pytest.mark.parametrize(
    "query",
    [
        "/events?after=99999999999999999999", "/events?after=-1", "/events?after=x", "/logs?offset=99999999999999999999",
        "/logs?offset=9223372036854775807", "/logs?offset=-1", "/logs?limit=0", "/logs?limit=99999999999", "/logs?node=10",
        "/logs?waitSeconds=nan", "/logs?waitSeconds=inf", "/logs?waitSeconds=61",
    ],
)  # fmt: skip
def test_numbers_out_of_range(call: Call, ended: dict[str, Any], query: str) -> None:
    assert call("GET", f"/trainings/{ended['trainingId']}{query}").status_code == 422


def test_slashes_may_be_doubled(appliance: Appliance, raw: httpx.Client) -> None:
    """rest-api §13.4."""
    answer = raw.get(
        f"http://127.0.0.1:{appliance.port}//v1.0//appkeys/a//system", headers={"X-EasyMaker-Token": appliance.token}
    )
    assert answer.status_code == 200


def test_openapi_is_complete(appliance: Appliance, raw: httpx.Client) -> None:
    document = _openapi(appliance, raw)
    names: list[str] = []
    for path, method, operation in _operations(document):
        place = f"{method} {path}"
        names.append(operation["operationId"])
        assert operation.get("description") or operation.get("summary"), place
        content = operation["responses"]["200"]["content"]
        if "application/json" not in content:
            is_file = place.endswith(("/raw", "/content", "GET /metrics"))
            assert is_file or list(content) == ["text/event-stream"], "only files are answered as they are"
            continue
        schema = document["components"]["schemas"][content["application/json"]["schema"]["$ref"].rpartition("/")[2]]
        assert "header" in schema["properties"], place
        for status in ("401", "422"):
            failure = operation["responses"][status]["content"]["application/json"]["schema"]["$ref"]
            assert failure.endswith("/Failure"), f"{place} {status}"
    assert len(names) == len(set(names))
