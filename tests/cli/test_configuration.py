"""config and env."""

from __future__ import annotations

import os
import shlex
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import Appliance, clean_environment
from tests.cli.cli_runner import Cli, in_this_process


def evaluated(text: str, **variables: str) -> dict[str, str]:
    """Return the variables that a shell has after evaluating ``text``."""
    script = f"eval {shlex.quote(text)}; env -0"
    done = subprocess.run(
        ["bash", "-c", script], env=clean_environment(**variables), capture_output=True, text=True, check=True
    )
    return dict(entry.partition("=")[::2] for entry in done.stdout.split("\0") if entry)


def test_every_setting_is_shown_with_its_source(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('region = "moon"\nport = 1\n[nas.lab]\npath = "/mnt/lab"\n')
    environment = {
        "EASYMAKER_LOCAL_CONFIG": str(file), "EASYMAKER_LOCAL_HOME": str(tmp_path), "EASYMAKER_LOCAL_PORT": "2",
        "PIP_FIND_LINKS": str(tmp_path),
    }  # fmt: skip
    done = in_this_process(environment)("config", "--json", PIP_FIND_LINKS=str(tmp_path))
    shown = {row["name"]: (row["value"], row["source"]) for row in done.json["settings"]}
    assert set(shown) == set(Settings.model_fields)
    assert shown["home"] == (str(tmp_path), "env EASYMAKER_LOCAL_HOME")
    assert shown["port"] == (2, "env EASYMAKER_LOCAL_PORT")
    assert shown["region"] == ("moon", "file")
    assert shown["nas"] == ({"lab": {"path": "/mnt/lab", "read_only": False}}, "file")
    assert shown["wheelhouse"] == (str(tmp_path), "env PIP_FIND_LINKS")
    assert shown["appkey"] == ("local", "default")


def test_config_shows_no_secret(daemon: Appliance, cli: Cli) -> None:
    for form in ([], ["--explain"], ["--json"]):
        done = cli("config", *form, EASYMAKER_LOCAL_DOCKER_HOST="tcp://me:sesame@engine:2376")
        assert done.code == 0
        assert daemon.token not in done.out + done.err
        assert "sesame" not in done.out
        assert "engine:2376" in done.out


def test_env_makes_the_sdk_reach_this_daemon(daemon: Appliance, cli: Cli) -> None:
    seen = evaluated(cli("env", NO_PROXY="intranet.example").out)
    assert (seen["EM_PROFILE"], seen["EM_APPKEY"], seen["EM_REGION"], seen["EM_GROUP_ID"]) == ("local",) * 4
    assert set(seen["NO_PROXY"].split(",")) >= {"intranet.example", "127.0.0.1", "localhost"}
    answer = httpx.get(
        f"{seen['EM_API_URL']}/v1.0/appkeys/{seen['EM_APPKEY']}/system", trust_env=False,
        headers={"X-EasyMaker-Token": seen["EM_TOKEN"]},
    )  # fmt: skip
    assert answer.json()["system"]["tenantId"] == seen["EM_GROUP_ID"]


def test_env_makes_the_token_and_quotes_for_the_shell(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = {"EASYMAKER_LOCAL_HOME": str(home), "EASYMAKER_LOCAL_CONFIG": str(tmp_path / "none.toml")}
    done = in_this_process(environment)("env", EASYMAKER_LOCAL_APPKEY="it's $(touch x); #")
    seen = evaluated(done.out, EM_API_URL="http://left.over")
    assert seen["EM_APPKEY"] == "it's $(touch x); #"
    assert seen["EM_TOKEN"] == (home / "token").read_text().strip() != ""
    assert (home / "token").stat().st_mode & 0o777 == 0o600
    assert "EM_API_URL" not in seen  # the local profile's own port


def test_env_names_a_bundle_that_is_there(tmp_path: Path) -> None:
    """rest-api §1.5, §11: also before the daemon has ever run."""
    environment = {"EASYMAKER_LOCAL_HOME": str(tmp_path / "home"), "EASYMAKER_LOCAL_CONFIG": str(tmp_path / "none.toml")}
    seen = evaluated(in_this_process(environment)("env").out)
    assert seen["REQUESTS_CA_BUNDLE"] == str(tmp_path / "home" / "tls" / "bundle.pem")
    assert Path(seen["REQUESTS_CA_BUNDLE"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert "ST_KEY" not in seen


def test_env_points_clients_of_mlflow_here(daemon: Appliance, cli: Cli) -> None:
    seen = evaluated(cli("env", "--mlflow").out)
    assert seen["MLFLOW_TRACKING_URI"] == f"https://127.0.0.1:{daemon.gateway_port}/mlflow"
    assert seen["MLFLOW_TRACKING_TOKEN"] == daemon.token
    trust = ssl.create_default_context(cafile=seen["REQUESTS_CA_BUNDLE"])
    with httpx.Client(verify=trust, trust_env=False) as stranger:
        assert stranger.get(f"{seen['MLFLOW_TRACKING_URI']}/version").status_code == 401
    assert not [name for name in evaluated(cli("env").out) if name.startswith("MLFLOW")]


def test_env_points_swift_and_rclone_here(daemon: Appliance, cli: Cli, tmp_path: Path) -> None:
    seen = evaluated(cli("env", "--storage").out, PATH=os.environ["PATH"])
    swift = Path(sys.executable).with_name("swift")
    (tmp_path / "file").write_text("content")
    subprocess.run([swift, "upload", "by-env", "file"], env=seen, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    assert (daemon.home / "storage" / "by-env" / "file").read_text() == "content"
    rclone = shutil.which("rclone")
    if rclone is None:
        pytest.skip("rclone is not installed: apt install rclone")
    done = subprocess.run([rclone, "ls", "easymaker:by-env"], env=seen, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["7", "file"]
