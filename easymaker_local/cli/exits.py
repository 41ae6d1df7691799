"""Exit codes, and the one place where errors become a line on stderr.

====  ===================================================================================
   0  done
   1  the operation failed: a training that did not complete, an image that was not built
   2  the command line is wrong (see ``--help``)
   3  there is no such resource
   4  the status of the resource, or another resource, forbids it
   5  the request is invalid; every field at fault is named
   6  no daemon answers, or it refuses the token
 124  ``wait --timeout`` ran out
 130  interrupted with Ctrl-C
====  ===================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from easymaker_local.errors import (
    Conflict,
    DaemonUnreachable,
    EasyMakerError,
    InvalidRequest,
    NotFound,
    StorageError,
    Unauthorized,
)

if TYPE_CHECKING:
    from typer._click import Context

FAILED = 1
UNREACHABLE = 6
TIMED_OUT = 124
INTERRUPTED = 130

# Looked up along the error's class tree; the most specific entry wins.
EXIT_CODES: dict[type[EasyMakerError], int] = {
    NotFound: 3,
    Conflict: 4,
    InvalidRequest: 5,
    StorageError: 5,
    Unauthorized: UNREACHABLE,
    DaemonUnreachable: UNREACHABLE,
    EasyMakerError: FAILED,
}


def exit_code(error: EasyMakerError) -> int:
    """Return the exit code of an error, by the nearest class that has one."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


def report(error: EasyMakerError) -> None:
    """Say what went wrong and what to do next."""
    from easymaker_local.cli.output import note

    if isinstance(error, InvalidRequest) and error.fields:
        note("error: The request is invalid; nothing was done.", "red")
        for fault in error.fields:
            note(f"  {fault.field}: {fault.message}", "")
    else:
        note(f"error: {error.message}", "red")
    if error.hint:
        note(error.hint)


def for_each(texts: Sequence[str], act: Callable[[str], None]) -> None:
    """Act on all, also after a refusal; the first one decides the exit code."""
    first: EasyMakerError | None = None
    for text in texts:
        try:
            act(text)
        except EasyMakerError as error:
            report(error)
            first = first or error
    if first is not None:
        raise typer.Exit(exit_code(first))


class Group(TyperGroup):
    """The root of all commands."""

    def invoke(self, ctx: Context) -> Any:
        """Run a command; the product's own errors become a message and an exit code."""
        try:
            return super().invoke(ctx)
        except EasyMakerError as error:
            report(error)
            raise typer.Exit(exit_code(error)) from error
        except KeyboardInterrupt as error:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from error
