"""doctor finds what is wrong and says what to do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from easymaker_local.cli import checks
from easymaker_local.cli.findings import Level
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import Appliance, clean_environment
from tests.cli.cli_runner import Cli, Result, in_this_process


def levels(done: Result) -> dict[str, str]:
    return {finding["check"]: finding["level"] for finding in done.json}


def test_a_machine_that_is_fit(daemon: Appliance, cli: Cli) -> None:
    done = cli("doctor", "--json")
    found = levels(done)
    assert {"home", "disk", "daemon", "port", "engine", "gpu", "packages", "venv", "shm", "clock"} <= set(found)
    assert (found["home"], found["daemon"], found["port"]) == ("ok", "ok", "ok")
    assert done.code == (1 if "problem" in found.values() else 0)
    assert daemon.token not in done.out
    assert not list(daemon.home.glob(".doctor-*"))


def test_people_get_advice_and_an_exit_code(fresh: Appliance) -> None:
    with socket.create_server(("127.0.0.1", fresh.port)):
        done = in_this_process(fresh.environment)("doctor")
    assert done.code == 1
    assert "cannot be used" in done.out
    assert "EASYMAKER_LOCAL_PORT" in done.out
    assert "Start it: easymaker-local up" in done.out
    assert "1 problem(s)" in done.err


def test_a_taken_gateway_port_is_a_finding(fresh: Appliance) -> None:
    with socket.create_server(("127.0.0.1", fresh.gateway_port)):
        done = in_this_process(fresh.environment)("doctor", "--json")
    assert levels(done)["gateway port"] == "problem"
    assert "EASYMAKER_LOCAL_GATEWAY_PORT" in done.out
    done = in_this_process(fresh.environment)("doctor", "--json", EASYMAKER_LOCAL_GATEWAY_PORT="0")
    assert levels(done)["gateway port"] == "ok"


@pytest.mark.parametrize(
    ("uid", "wanted", "level", "words"),
    [
        (0, True, Level.WARNING, "mkfs.ext4"), (0, False, Level.OK, "enforce_data_storage is off"),
        (1000, True, Level.OK, "Only the daemon of root"),
    ],
)  # fmt: skip
def test_sizes_that_are_only_watched_are_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, wanted: bool, level: Level, words: str
) -> None:
    """GN-L10: a warning where something could be done about it."""
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    finding = checks.check_data_storage(Settings(home=tmp_path, enforce_data_storage=wanted))
    assert finding.level is level
    assert words in finding.message
    assert (finding.advice is not None) is (level is Level.WARNING)


def test_wrong_settings_are_a_finding(tmp_path: Path) -> None:
    environment = clean_environment(EASYMAKER_LOCAL_HOME=str(tmp_path), EASYMAKER_LOCAL_DRIVER="rocket")
    done = in_this_process(environment)("doctor", "--json")
    assert done.code == 1
    assert levels(done) == {"settings": "problem"}


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = checks.check_home(Settings(home=tmp_path / "file" / "home"))
    assert finding.level is Level.PROBLEM


def test_a_daemon_of_another_home_on_the_port(daemon: Appliance, tmp_path: Path) -> None:
    finding = checks.check_port(Settings(home=tmp_path, port=daemon.port))
    assert finding.level is Level.PROBLEM


def test_a_broken_image_of_the_users_own(tmp_path: Path) -> None:
    folder = tmp_path / "images" / "mine"
    folder.mkdir(parents=True)
    (folder / "image.toml").write_text("name = 1")
    finding = checks.check_catalogue(Settings(home=tmp_path))
    assert finding.level is Level.PROBLEM
    assert str(folder / "image.toml") in finding.message


@pytest.mark.parametrize(("driver", "level"), [("docker", Level.PROBLEM), ("auto", Level.WARNING), ("process", Level.OK)])
def test_no_engine_is_as_bad_as_the_driver_wants_it(tmp_path: Path, driver: str, level: Level) -> None:
    settings = Settings(home=tmp_path, driver=driver, docker_host=f"unix://{tmp_path}/none.sock")
    assert checks.check_engine(settings).level is level


def test_an_index_that_does_not_answer_is_advice_not_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    finding = checks.check_packages(Settings(home=tmp_path, wheelhouse=None))
    assert finding.level is Level.WARNING
    assert "offline" in (finding.advice or "")


def test_a_wheelhouse_that_is_not_there(tmp_path: Path) -> None:
    finding = checks.check_packages(Settings(home=tmp_path, wheelhouse=tmp_path / "none"))
    assert finding.level is Level.PROBLEM


def test_secrets_that_others_can_read(tmp_path: Path) -> None:
    chosen = Settings(home=tmp_path)
    assert checks.check_secrets(chosen).level is Level.OK, "nothing there yet"
    for file in (chosen.token_file, chosen.secret_key_file):
        file.write_text("secret")
        file.chmod(0o600)
        assert checks.check_secrets(chosen).level is Level.OK
        file.chmod(0o640)
        finding = checks.check_secrets(chosen)
        assert finding.level is Level.PROBLEM
        assert f"chmod 600 {file}" in (finding.advice or "")
        assert "secret" not in finding.message.replace(str(file), "")
        file.chmod(0o600)


@pytest.mark.parametrize(
    ("host", "level"),
    [("127.0.0.1", Level.OK), ("::1", Level.OK), ("localhost", Level.OK), ("0.0.0.0", Level.WARNING), ("::", Level.WARNING),
     ("", Level.WARNING), ("192.168.0.7", Level.WARNING), ("box.lan", Level.WARNING)],
)  # fmt: skip
def test_listening_beyond_this_machine_is_said(tmp_path: Path, host: str, level: Level) -> None:
    finding = checks.check_listening(Settings(home=tmp_path, host=host))
    assert finding.level is level
    assert (finding.advice is None) == (level is Level.OK)
