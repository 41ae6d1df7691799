"""storage: put, get, ls, mb, rm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from easymaker_local.testing.appliance import Appliance
from tests.cli.cli_runner import Cli, as_program


def test_a_file_there_and_back(daemon: Appliance, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(os.urandom(3 << 20))
    put = cli("storage", "put", tmp_path / "a.bin", "files/folder/")
    assert put.code == 0, put.err
    assert "Made the container 'files'." in put.err
    assert (daemon.home / "storage/files/folder/a.bin").read_bytes() == (tmp_path / "a.bin").read_bytes()
    got = cli("storage", "get", "files/folder/a.bin", tmp_path / "back")
    assert got.code == 0, got.err
    assert (tmp_path / "back").read_bytes() == (tmp_path / "a.bin").read_bytes()


@pytest.mark.parametrize(
    ("target", "stored"),
    [
        ("names", "names/code.py"), ("names/", "names/code.py"), ("names/other.py", "names/other.py"),
        ("names/there", "names/there/code.py"), ("obs://kr1.example/v1/AUTH_x/names/full.py", "names/full.py"),
    ],
)  # fmt: skip
def test_where_a_file_goes(daemon: Appliance, cli: Cli, tmp_path: Path, target: str, stored: str) -> None:
    (tmp_path / "code.py").write_text(target)
    (daemon.home / "storage/names/there").mkdir(parents=True, exist_ok=True)
    done = cli("storage", "put", tmp_path / "code.py", target, "--json")
    assert done.code == 0, done.err
    assert (daemon.home / "storage" / stored).read_text() == target
    assert done.json[0]["uri"].endswith(stored)


def test_a_directory_there_and_back(daemon: Appliance, cli: Cli, tmp_path: Path) -> None:
    for name in ("a.py", "sub/b.py", "sub/deep/ü c.txt"):
        file = tmp_path / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (tmp_path / "src" / "loop").symlink_to(tmp_path / "src")
    put = cli("storage", "put", tmp_path / "src", "tree/code")
    assert put.code == 0, put.err
    assert "a link to a directory" in put.err
    assert cli("storage", "get", "tree/code", tmp_path / "out").code == 0
    assert {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()} == {
        "a.py", "sub/b.py", "sub/deep/ü c.txt",
    }  # fmt: skip
    assert (tmp_path / "out/sub/deep/ü c.txt").read_text() == "sub/deep/ü c.txt"
    assert {o["name"] for o in cli("storage", "ls", "tree", "-r", "--json").json} >= {"code/a.py", "code/sub/b.py"}


def test_a_directory_that_holds_one_file_of_its_own_name(daemon: Appliance, cli: Cli, tmp_path: Path) -> None:
    daemon.put("twin", {"same/same": "inner"})
    assert cli("storage", "get", "twin/same", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "same").read_text() == "inner"


def test_get_defaults_to_the_name_here_and_dash_is_stdout(daemon: Appliance, tmp_path: Path) -> None:
    daemon.put("out", {"model.txt": "weights"})
    program = as_program(daemon.environment)
    assert program("storage", "get", "out/model.txt", "-").out == "weights"


def test_ls_of_containers_and_folders(daemon: Appliance, cli: Cli) -> None:
    assert cli("storage", "mb", "made").code == 0
    assert cli("storage", "mb", "made").code == 0
    assert {"name": "made"} in cli("storage", "ls", "--json").json
    assert "made/" in cli("storage", "ls").out.splitlines()
    daemon.put("made", {"folder/file": "12345"})
    assert "folder/" in cli("storage", "ls", "made").out
    assert "5 B" in cli("storage", "ls", "made/folder").out


def test_rm_takes_directories_only_when_told(daemon: Appliance, cli: Cli) -> None:
    daemon.put("gone", {"a": "1", "folder/b": "2"})
    assert cli("storage", "rm", "gone/a").code == 0
    refused = cli("storage", "rm", "gone/folder")
    assert refused.code == 5
    assert "storage rm -r" in refused.err
    assert cli("storage", "rm", "gone").code == 5
    assert (daemon.home / "storage/gone/folder/b").exists()
    assert cli("storage", "rm", "gone/folder", "-r").code == 0
    assert cli("storage", "rm", "gone", "-r").code == 0
    assert not (daemon.home / "storage/gone").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ls", "none-such"], 5, "There is no container 'none-such'"),
        (["get", "none-such/x"], 5, "There is no container"),
        (["get", "empty/x"], 3, "x"),
        (["rm", "empty/x"], 3, "x"),
        (["ls", "obs://nonsense"], 5, "no data location"),
        (["ls", "/etc"], 5, "no data location"),
        (["ls", "nas://lab:/"], 5, "There is no NAS 'lab'"),
        (["put", "/no/such/file", "empty"], 2, "does not exist"),
    ],
)
def test_what_cannot_be_done_is_said(daemon: Appliance, cli: Cli, arguments: list[str], code: int, words: str) -> None:
    daemon.put("empty", {".keep": ""})
    done = cli("storage", *arguments)
    assert (done.code, words in done.err) == (code, True), done.err


def test_a_download_that_breaks_leaves_nothing(daemon: Appliance, cli: Cli, tmp_path: Path) -> None:
    daemon.put("broken", {"folder/file": "x"})
    (tmp_path / "out").mkdir()
    assert cli("storage", "get", "broken/file", tmp_path / "out").code == 3
    assert list((tmp_path / "out").iterdir()) == []


def test_access_is_shown_granted_and_taken_away(daemon: Appliance, cli: Cli) -> None:
    """OS-09, OS-10."""
    cli("storage", "mb", "private")
    done = cli("storage", "access", "private", "--read", "off")
    assert done.code == 0
    assert done.out.splitlines()[1].split()[:3] == ["private", "no", "yes"]
    assert cli("storage", "access", "private", "--json").json["isReadable"] is False
    overview = cli("storage", "access", "--json").json
    assert overview["systemAccount"] == "local:easymaker"
    assert "local:easymaker" in cli("storage", "access").err
    body = {
        "trainingName": "t", "experimentId": daemon.experiment(), "imageId": "plain", "flavorId": "m2.c1m2",
        "sourceDirUri": "obs://local/v1/AUTH_local/private", "entryPoint": "train.py",
        "modelUploadUri": "obs://local/v1/AUTH_local/private/m",
    }  # fmt: skip
    answer = daemon.call("POST", "/trainings", json=body)
    faults = {fault["field"]: fault["message"] for fault in answer["fieldErrors"]}
    # What the message says to type is what helps.
    command = faults["sourceDirUri"].rpartition("with: ")[2].split()
    assert command[0] == "easymaker-local"
    assert cli(*command[1:]).code == 0
    assert cli("storage", "access", "private/", "--json").json["isReadable"] is True
    assert cli("storage", "access", "none", "--read", "on").code == 3
    assert cli("storage", "access", "--read", "on").code == 5
