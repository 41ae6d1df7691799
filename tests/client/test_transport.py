"""What the client makes of answers, good and bad, and of silence."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from easymaker_local.api.envelope import failure, http_status
from easymaker_local.client import Client, connect
from easymaker_local.client.client import base_url, find_token
from easymaker_local.errors import (
    Conflict,
    DaemonUnreachable,
    EasyMakerError,
    FieldError,
    InvalidRequest,
    NotFound,
    PermanentError,
    Unauthorized,
)
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import free_port


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client(httpx.Client(base_url="http://daemon:1", transport=httpx.MockTransport(handler)), "key")


def refusing(error: EasyMakerError) -> Client:
    """A client of a daemon that raises ``error``, answered as the API answers it."""
    fields = error.fields if isinstance(error, InvalidRequest) else ()
    answer = failure(http_status(error), error.code, error.message, hint=error.hint, fields=fields)
    return answering(lambda _: httpx.Response(answer.status_code, content=bytes(answer.body)))


def concrete_errors() -> Iterator[type[EasyMakerError]]:
    pending = [EasyMakerError]
    while pending:
        kind = pending.pop()
        yield kind
        pending += [child for child in kind.__subclasses__() if child.__module__ == "easymaker_local.errors"]


@pytest.mark.parametrize("kind", list(concrete_errors()), ids=lambda kind: kind.__name__)
def test_every_error_arrives_as_the_one_that_the_daemon_raised(kind: type[EasyMakerError]) -> None:
    with pytest.raises(kind) as caught:
        refusing(kind("It went wrong.", hint="Do this.")).flavors()
    assert type(caught.value) is kind
    assert caught.value.message == "It went wrong."
    if not issubclass(kind, Unauthorized):
        assert caught.value.hint == "Do this."


def test_fields_at_fault_arrive() -> None:
    with pytest.raises(InvalidRequest) as caught:
        refusing(InvalidRequest([FieldError("imageId", "none"), FieldError("datasetList.0.dataUri", "bad")])).flavors()
    assert caught.value.fields == (FieldError("imageId", "none"), FieldError("datasetList.0.dataUri", "bad"))


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthorized), (403, Unauthorized), (404, NotFound), (409, Conflict), (422, InvalidRequest)]
)
def test_a_code_of_a_newer_daemon_counts_by_its_status(status: int, kind: type[EasyMakerError]) -> None:
    body = failure(status, "NOT_KNOWN_YET", "It went wrong.")
    with pytest.raises(kind, match="went wrong") as caught:
        answering(lambda _: httpx.Response(status, content=bytes(body.body))).flavors()
    assert caught.value.code in {"NOT_KNOWN_YET", "INVALID_REQUEST"}


@pytest.mark.parametrize("content", [b"<html>hello</html>", b"[]", b'{"ok": true}', b""])
def test_a_stranger_on_the_port_is_not_taken_for_the_daemon(content: bytes) -> None:
    client = answering(lambda _: httpx.Response(200, content=content))
    with pytest.raises(DaemonUnreachable, match="not easymaker-local"):
        client.flavors()
    assert not client.is_alive()


def test_no_daemon_is_said_with_the_way_to_start_it(tmp_path: Path) -> None:
    with connect(Settings(home=tmp_path, port=free_port())) as client:
        assert not client.is_alive()
        with pytest.raises(DaemonUnreachable, match="does not run") as caught:
            client.system()
    assert caught.value.hint == "Start it with: easymaker-local up"


def test_a_daemon_that_hangs_is_not_waited_for_without_end(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        connect(Settings(home=tmp_path, port=deaf.getsockname()[1])) as client,
        pytest.raises(DaemonUnreachable, match="in time"),
    ):
        client.system(timeout=0.2)


def test_a_connection_that_breaks_is_the_daemons_absence() -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("Server disconnected")

    with pytest.raises(DaemonUnreachable, match="broke"):
        answering(broken).flavors()


def test_a_stream_that_is_refused_raises_before_anything_is_read() -> None:
    with pytest.raises(NotFound), refusing(NotFound("There is nothing.")).read_object("obs://x"):
        pytest.fail("was opened")


def test_pieces_of_a_path_cannot_become_other_paths() -> None:
    seen: list[bytes] = []

    def remember(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={"header": {"isSuccessful": True}, "training": {}})

    answering(remember).training("../system/stop?x=/#y")
    assert seen == [b"/v1.0/appkeys/key/trainings/..%2Fsystem%2Fstop%3Fx%3D%2F%23y"]


def test_the_code_of_an_unknown_refusal_is_kept() -> None:
    body = failure(500, "INTERNAL_ERROR", "The daemon failed to answer this.")
    with pytest.raises(EasyMakerError) as caught:
        answering(lambda _: httpx.Response(500, content=bytes(body.body))).flavors()
    assert caught.value.code == "INTERNAL_ERROR"
    assert not isinstance(caught.value, PermanentError)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7"), ("0.0.0.0", "http://127.0.0.1:7"), ("::", "http://[::1]:7"),
        ("::1", "http://[::1]:7"), ("box.local", "http://box.local:7"),
    ],
)  # fmt: skip
def test_where_the_daemon_is_reached(host: str, url: str) -> None:
    assert base_url(Settings(host=host, port=7)) == url


def test_the_homes_token_goes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path)
    assert find_token(settings) is None
    monkeypatch.setenv("EM_TOKEN", "of-another")
    assert find_token(settings) == "of-another"
    settings.token_file.write_text("ours\n")
    assert find_token(settings) == "ours"
