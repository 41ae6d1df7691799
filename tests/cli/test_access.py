"""open and token, against real daemons."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx
import pytest

from easymaker_local.kit.lock import ProcessLock
from easymaker_local.testing.appliance import Appliance
from tests.cli.cli_runner import Cli, as_program, in_this_process


def test_a_printed_link_signs_a_browser_in(daemon: Appliance, cli: Cli) -> None:
    """GN-L04."""
    done = cli("open", "--print")
    assert done.code == 0
    url = done.out.strip()
    assert url.startswith(f"http://127.0.0.1:{daemon.port}/login?code=")
    assert daemon.token not in done.out + done.err
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        page = browser.get(url)
        assert page.status_code == 200
        assert 'id="root"' in page.text
        assert str(page.url) == f"http://127.0.0.1:{daemon.port}/"
        system = f"http://127.0.0.1:{daemon.port}/v1.0/appkeys/a/system"
        assert browser.get(system).status_code == 200
    assert httpx.get(url, trust_env=False).status_code == 401
    assert url not in (daemon.home / "serve.log").read_text()


def test_json_says_where_and_until_when(cli: Cli) -> None:
    assert set(cli("open", "--json").json) == {"url", "expiresDatetime"}


def test_a_browser_gets_the_link_in_a_private_file(daemon: Appliance, tmp_path: Path) -> None:
    """A command line can be read by everybody on the machine, a file of mode 0600 cannot."""
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$*" > {seen}\n')
    browser.chmod(0o755)
    done = as_program({**daemon.environment, "BROWSER": str(browser)})("open")
    assert done.code == 0
    file = daemon.home / "open.html"
    assert seen.read_text() == file.as_uri()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert done.out.strip() in file.read_text()


def test_without_a_screen_the_link_is_printed(daemon: Appliance) -> None:
    (daemon.home / "open.html").unlink(missing_ok=True)
    environment = {k: v for k, v in daemon.environment.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}}
    done = as_program(environment)("open")
    assert "/login?code=" in done.out
    assert not (daemon.home / "open.html").exists()


def test_open_needs_a_daemon(fresh: Appliance) -> None:
    done = in_this_process(fresh.environment)("open", "--print")
    assert done.code == 6
    assert "easymaker-local up" in done.err


def test_the_token_is_shown_on_request_only(daemon: Appliance, cli: Cli) -> None:
    assert cli("token", "show").out == f"{daemon.token}\n"
    assert cli("token", "show", "--json").json == {"token": daemon.token}


@pytest.mark.parametrize("running", [False, True])
def test_a_token_is_replaced_whether_the_daemon_runs_or_not(fresh: Appliance, running: bool) -> None:
    cli = in_this_process(fresh.environment)
    old = cli("token", "show").out.strip()
    link = None
    if running:
        fresh.start()
        link = cli("open", "--print").out.strip()
    done = cli("token", "rotate")
    assert done.code == 0, done.err
    new = fresh.token
    assert new != old
    assert new not in done.out + done.err
    assert stat.S_IMODE((fresh.home / "token").stat().st_mode) == 0o600
    assert f"EM_TOKEN={new}" in cli("env").out
    if link is None:
        assert ProcessLock(fresh.home / "daemon.lock").holder() is None
        return
    system = f"http://127.0.0.1:{fresh.port}/v1.0/appkeys/a/system"
    for token, status in ((old, 401), (new, 200)):
        assert httpx.get(system, headers={"X-EasyMaker-Token": token}, trust_env=False).status_code == status
    assert httpx.get(link, trust_env=False).status_code == 401
    assert cli("status").code == 0
    log = (fresh.home / "serve.log").read_text()
    assert "token was replaced" in log
    assert not {old, new} & set(log.split())
    fresh.stop()
    fresh.start()
    assert httpx.get(system, headers={"X-EasyMaker-Token": new}, trust_env=False).status_code == 200


def test_nobody_else_replaces_the_token(fresh: Appliance) -> None:
    """The command has no more rights than its home: with another token in it, the daemon refuses."""
    fresh.start()
    token = fresh.token
    (fresh.home / "token").write_text("stolen\n")
    (fresh.home / "token").chmod(0o600)
    done = in_this_process(fresh.environment)("token", "rotate")
    assert done.code == 6
    system = f"http://127.0.0.1:{fresh.port}/v1.0/appkeys/a/system"
    assert httpx.get(system, headers={"X-EasyMaker-Token": token}, trust_env=False).status_code == 200
