"""Help is complete and quick."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer.main

from easymaker_local.cli.app import app


def commands(command: object, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    """Return every command by its path."""
    below = getattr(command, "commands", None)
    if below is None:
        return {path: command}
    return {p: c for name, sub in below.items() for p, c in commands(sub, (*path, name)).items()}


COMMANDS = commands(typer.main.get_command(app))
# Act without printing data.
SILENT = {
    ("serve",), ("experiment", "delete"), ("storage", "mb"), ("storage", "rm"), ("training", "stop"),
    ("training", "delete"), ("training", "logs"), ("template", "delete"), ("tuning", "stop"), ("tuning", "delete"),
    ("tuning", "logs"), ("tuning", "follow"), ("model", "delete"), ("serve-model",),
    ("endpoint", "delete"), ("stage", "delete"), ("stage", "delete-resource"), ("stage", "logs"),
    ("stage", "path", "delete"),
    # Prints JSON always.
    ("template", "export"), ("endpoint", "predict"),
}  # fmt: skip


@pytest.mark.parametrize("path", list(COMMANDS), ids=" ".join)
def test_every_command_that_prints_data_prints_json(path: tuple[str, ...]) -> None:
    options = {option for parameter in COMMANDS[path].params for option in parameter.opts}  # type: ignore[attr-defined]
    assert ("--json" in options) == (path not in SILENT)


@pytest.mark.parametrize("kind", ["training", "tuning"])
def test_help_loads_nothing_that_only_commands_need(kind: str) -> None:
    program = (
        "import sys\nfrom easymaker_local.cli.app import app\n"
        "try:\n    app([sys.argv[1], 'run', '--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'httpx', 'pydantic_settings', 'fastapi', 'uvicorn', 'docker', 'easymaker_local.daemon'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program, kind], check=True, stdout=subprocess.DEVNULL)
