"""Exit codes and the words that go with them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from easymaker_local.api.envelope import http_status
from easymaker_local.cli import exits
from easymaker_local.errors import (
    AccessDenied,
    BrokenRecord,
    Conflict,
    DaemonError,
    DaemonUnreachable,
    DatabaseUnavailable,
    EasyMakerError,
    EngineUnavailable,
    EnvironmentFailed,
    FieldError,
    GatewayRejected,
    InvalidRequest,
    NotFound,
    PermanentError,
    QuotaExceeded,
    StaleRecord,
    StorageError,
    StorageFull,
    TransientError,
    Unauthorized,
    VolumeError,
)
from easymaker_local.testing.appliance import Appliance, clean_environment
from tests.cli.cli_runner import Cli, in_this_process

# HTTP status and exit code of every error; a new one must be added here, and be thought about.
CODES = {
    EasyMakerError: (500, 1),
    InvalidRequest: (422, 5),
    NotFound: (404, 3),
    Conflict: (409, 4),
    StaleRecord: (409, 4),
    BrokenRecord: (409, 4),
    QuotaExceeded: (409, 4),
    Unauthorized: (401, 6),
    TransientError: (500, 1),
    EngineUnavailable: (500, 1),
    DatabaseUnavailable: (500, 1),
    PermanentError: (500, 1),
    EnvironmentFailed: (500, 1),
    GatewayRejected: (500, 1),
    VolumeError: (500, 1),
    StorageError: (422, 5),
    AccessDenied: (422, 5),
    StorageFull: (422, 5),
    DaemonError: (500, 1),
    DaemonUnreachable: (500, 6),
}


def test_every_error_has_its_codes() -> None:
    def descend(kind: type[EasyMakerError]) -> set[type[EasyMakerError]]:
        return {kind}.union(*(descend(child) for child in kind.__subclasses__()))

    found = {kind for kind in descend(EasyMakerError) if kind.__module__ == "easymaker_local.errors"}
    assert found == set(CODES)
    for kind, (status, code) in CODES.items():
        assert (http_status(kind("x")), exits.exit_code(kind("x"))) == (status, code), kind


def test_every_field_at_fault_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    exits.report(InvalidRequest([FieldError("imageId", "is [not] there"), FieldError("flavorId", "too large")], hint="Look."))
    assert capsys.readouterr().err.splitlines() == [
        "error: The request is invalid; nothing was done.", "  imageId: is [not] there", "  flavorId: too large", "Look.",
    ]  # fmt: skip


def test_a_path_is_not_broken_in_two(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    path = "/a/directory/with/a/name/longer/than/the/terminal/is/wide"
    exits.report(DaemonError(f"The database {path} cannot be opened.", hint=f"Look into {path}."))
    assert capsys.readouterr().err == f"error: The database {path} cannot be opened.\nLook into {path}.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["image", "list"], ["image", "build", "x"], ["flavor", "list"], ["storage", "ls"], ["experiment", "list"],
        ["training", "list"], ["training", "show", "x"], ["training", "logs", "x"], ["training", "wait", "x"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_without_a_daemon_a_command_says_how_to_start_one(fresh: Appliance, arguments: list[str]) -> None:
    done = in_this_process(fresh.environment)(*arguments)
    assert (done.code, done.out) == (6, "")
    assert done.err == "error: The daemon does not run.\nStart it with: easymaker-local up\n"


def test_a_wrong_token_is_no_traceback(daemon: Appliance, tmp_path: object) -> None:
    settings = {"EASYMAKER_LOCAL_HOME": str(tmp_path), "EASYMAKER_LOCAL_PORT": str(daemon.port), "EM_TOKEN": "wrong"}
    done = in_this_process(clean_environment(**settings))("training", "list", EM_TOKEN="wrong")
    assert done.code == 6
    assert "The token is wrong." in done.err


def test_settings_that_are_wrong_name_the_setting(tmp_path: object) -> None:
    settings = {"EASYMAKER_LOCAL_HOME": str(tmp_path), "EASYMAKER_LOCAL_PORT": "many"}
    done = in_this_process(clean_environment(**settings))("training", "list")
    assert done.code == 1
    assert "port" in done.err
    assert "EASYMAKER_LOCAL_" in done.err


class _Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>I am a printer</html>")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_a_stranger_on_the_port_is_named(fresh: Appliance) -> None:
    with HTTPServer(("127.0.0.1", fresh.port), _Stranger) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        done = in_this_process(fresh.environment)("flavor", "list")
        thread.join()
    assert done.code == 6
    assert "is not easymaker-local" in done.err


@pytest.mark.parametrize("arguments", [["nonsense"], ["training", "list", "--nonsense"], ["training", "show"]], ids=" ".join)
def test_wrong_usage_is_exit_code_2(cli: Cli, arguments: list[str]) -> None:
    assert cli(*arguments).code == 2
