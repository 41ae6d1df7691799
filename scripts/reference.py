"""Writes docs/reference.md from the code: every command, setting, status and reason. ``--check`` fails if it is stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer.main

from easymaker_local.cli.app import app
from easymaker_local.domain import model_record, training, tuning
from easymaker_local.domain.experiment import ExperimentStatus
from easymaker_local.domain.model_record import ModelStatus
from easymaker_local.domain.reason import Reason
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.domain.trial import TRIAL_TRANSITIONS, TrialStatus
from easymaker_local.domain.tuning import Detail, TuningStatus
from easymaker_local.settings import PREFIX, Settings

FILE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"

HEAD = """\
# Reference

Made from the code by `make reference`; do not edit.
"""


def main() -> int:
    """Write the file, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = "\n".join([HEAD, *_settings(), *_statuses(), *_commands()]).rstrip() + "\n"
    if not parser.parse_args().check:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(text)
        return 0
    if not FILE.exists() or FILE.read_text() != text:
        print(f"{FILE} is stale; run: make reference", file=sys.stderr)
        return 1
    return 0


def _settings() -> Iterator[str]:
    yield "## Settings\n"
    yield f"In `config.toml` (see `easymaker-local config`), overridden by `{PREFIX}*` variables, e.g. `{PREFIX}PORT`.\n"
    yield "| setting | default | meaning |"
    yield "| --- | --- | --- |"
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory is not None or field.default is None else str(field.default)
        shown = f"`{default}`" if default not in {"", "()"} else ""
        yield f"| `{name}` | {shown} | {field.description} |"
    yield ""


def _statuses() -> Iterator[str]:
    yield "## Statuses\n"
    yield "An experiment is " + _words(ExperimentStatus) + ".\n"
    yield from _transitions("training", TrainingStatus, training.TRANSITIONS)
    yield from _transitions("hyperparameter tuning", TuningStatus, tuning.TRANSITIONS)
    yield "What stands behind `COMPLETE` of a tuning is one of " + _words(Detail) + ".\n"
    yield from _transitions("trial", TrialStatus, TRIAL_TRANSITIONS)
    yield from _transitions("model", ModelStatus, model_record.TRANSITIONS)
    yield "The reason beside a status is one of " + _words(Reason) + ".\n"


def _transitions(kind: str, statuses: type[StrEnum], following: Mapping[Any, Collection[Any]]) -> Iterator[str]:
    yield f"| a {kind} that is | may become |"
    yield "| --- | --- |"
    for status in statuses:
        names = ", ".join(f"`{to}`" for to in statuses if to in following[status])
        yield f"| `{status}` | {names or 'nothing: this is final'} |"
    yield ""


def _words(values: type[StrEnum]) -> str:
    names = [f"`{value}`" for value in values]
    return ", ".join(names[:-1]) + f" or {names[-1]}"


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    root = typer.main.get_command(app)
    yield from _command(root, "easymaker-local")


def _command(command: object, path: str) -> Iterator[str]:
    subcommands = getattr(command, "commands", None)
    if subcommands is not None:
        for name, subcommand in subcommands.items():
            yield from _command(subcommand, f"{path} {name}")
        return
    yield f"### `{path}`\n"
    yield _sentence(getattr(command, "help", None)) + "\n"
    for parameter in getattr(command, "params", []):
        if getattr(parameter, "hidden", False) or "--help" in parameter.opts:
            continue
        names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
        label = names if parameter.param_type_name == "option" else f"`{parameter.metavar or parameter.name}`"
        yield f"- {label}: {_sentence(parameter.help)}"
    yield ""


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


if __name__ == "__main__":
    sys.exit(main())
