"""The command line called in this process, or as a program of its own."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import typer.testing
from typer.testing import CliRunner

from easymaker_local.cli.app import app
from easymaker_local.settings import PREFIX

# The runner would make the whole tree of commands anew for each of them, which takes longer than most of them.
typer.testing._get_command = functools.cache(typer.testing._get_command)


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Result]


def in_this_process(environment: Mapping[str, str]) -> Cli:
    """Return a caller of the command line; ``stdin`` and further variables may be given by name."""

    def run(*arguments: object, stdin: str | None = None, **variables: str) -> Result:
        own = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
        done = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, env={**own, "COLUMNS": "200", **variables})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return Result(done.exit_code, done.stdout, done.stderr)

    return run


def as_program(environment: Mapping[str, str]) -> Cli:
    """Return a caller of the program, with pipes for a terminal."""

    def run(*arguments: object, stdin: str | None = None, **variables: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "easymaker_local", *map(str, arguments)],
            input=stdin, capture_output=True, text=True, env={**environment, **variables}, timeout=120, check=False,
        )  # fmt: skip
        return Result(done.returncode, done.stdout, done.stderr)

    return run
