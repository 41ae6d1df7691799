"""``doctor``: is this machine fit, and if not, what to do."""

from __future__ import annotations

import typer

from easymaker_local.cli import output
from easymaker_local.cli.exits import FAILED
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import session_of
from easymaker_local.errors import DaemonError

_FACES = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "problem": ("problem", "bold red")}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Check this machine and say what to do. Exit code 1 if something must be repaired."""
    from easymaker_local.cli.checks import run_checks
    from easymaker_local.cli.findings import Finding, Level

    try:
        findings = run_checks(session_of(ctx).settings)
    except DaemonError as error:
        findings = [Finding("settings", Level.PROBLEM, error.message, error.hint)]
    problems = sum(finding.level is Level.PROBLEM for finding in findings)
    if as_json:
        output.print_json([{"check": f.check, "level": f.level, "message": f.message, "advice": f.advice} for f in findings])
    else:
        rows = []
        for finding in findings:
            text = output.cell(finding.message)
            if finding.advice is not None:
                text.append(f"\n{output.clean(finding.advice)}", style="dim")
            word, style = _FACES[finding.level]
            rows.append([finding.check, output.cell(word, style), text])
        output.table(["CHECK", "STATE", "FINDING"], rows)
        warnings = sum(finding.level is Level.WARNING for finding in findings)
        output.note(f"\n{problems} problem(s), {warnings} warning(s).")
    if problems:
        raise typer.Exit(FAILED)
