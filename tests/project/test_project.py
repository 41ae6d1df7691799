"""What holds for the project as a whole: documents that cannot drift, and a wheel that works outside the checkout."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import typer.main

from easymaker_local import __version__
from easymaker_local.cli.app import app
from easymaker_local.testing.appliance import clean_environment

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
REFERENCE = (ROOT / "docs" / "reference.md").read_text()


def commands(command: object, path: str = "easymaker-local") -> list[tuple[str, object]]:
    """Return every command that does something, with its path."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(path, command)]
    return [found for name, sub in below.items() for found in commands(sub, f"{path} {name}")]


COMMANDS = commands(typer.main.get_command(app))


def test_the_reference_is_up_to_date() -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "reference.py", "--check"], check=True)


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[path for path, _ in COMMANDS])
def test_every_command_has_help_and_is_documented(path: str, command: object) -> None:
    assert getattr(command, "help", None)
    assert f"### `{path}`" in REFERENCE


def test_every_command_in_the_readme_exists() -> None:
    known = {path for path, _ in COMMANDS} | {" ".join(path.split()[:-1]) for path, _ in COMMANDS}
    for block in re.findall(r"```sh\n(.*?)```", README, re.S):
        for line in block.splitlines():
            words = re.sub(r"^.*?\$\(", "", line).split("#")[0].replace(')"', "").split()
            if words[:1] == ["easymaker-local"]:
                assert " ".join(words[:2]) in known or " ".join(words[:3]) in known, line


def test_every_verb_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for verb in re.findall(r"make ([a-z]+)", README):
        assert re.search(rf"^{verb}:", makefile, re.M), verb


def test_every_link_in_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_version_and_changelog_agree() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest is not None
    assert newest[1] == __version__
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_the_wheel_carries_what_it_needs_and_works_outside_the_checkout(tmp_path: Path) -> None:
    """The wheel is unpacked elsewhere and run from there, with only the dependencies of this environment beside it."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path]
    build = [sys.executable, "-m", "pip", "wheel", *options, ROOT]
    subprocess.run(build, check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("easymaker_local-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "unpacked")
    assert "easymaker_local/_bundled/runtimes/training/launch.py" in names
    assert "easymaker_local/_bundled/images/Dockerfile" in names
    assert not [name for name in names if name.startswith(("tests/", "runtimes/", "images/"))]
    script = (
        "import easymaker_local, pathlib\n"
        "from easymaker_local.kit.bundled import bundled\n"
        "from easymaker_local.artifacts.catalogue import Catalogue\n"
        "root = pathlib.Path(easymaker_local.__file__).parent\n"
        "assert bundled('runtimes').is_relative_to(root), bundled('runtimes')\n"
        "print(root, len(Catalogue([bundled('images')]).list()))\n"
    )
    environment = clean_environment(PYTHONPATH=str(tmp_path / "unpacked"))
    found = subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    root, images = found.stdout.split()
    assert Path(root) == tmp_path / "unpacked" / "easymaker_local"
    assert int(images) >= 10
    listed = subprocess.run(
        [sys.executable, "-m", "easymaker_local", "--version"],
        check=True, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert listed.stdout.strip() == __version__


def test_the_daemons_environment_stays_light() -> None:
    """No framework in it: the daemon starts in a moment and stays small."""
    script = "import sys, easymaker_local.daemon; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    heavy = {"torch", "tensorflow", "mlflow", "jupyter", "kfp", "numpy", "pandas", "easymaker"}
    assert not heavy & set(loaded)
    assert not {"docker", "prometheus_client"} & set(loaded), "loaded where it is used"


@pytest.mark.xdist_group("alone")
def test_groups_of_tests_stay_together(request: pytest.FixtureRequest) -> None:
    """pytest-xdist names a test's group to the process that deals tests out; with some versions of pytest the name is lost."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("tests are not dealt out in groups")
    assert request.node.nodeid.endswith("@alone")
