"""``tuning``: try a metric format before a tuning depends on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from easymaker_local.cli import output
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

if TYPE_CHECKING:
    from easymaker_local.client.shapes import MetricCheck

app = typer.Typer(no_args_is_help=True, help="Hyperparameter tunings: try a metric format.")


@app.callback()
def _group() -> None:
    """Keep the name of the one command."""


@app.command("check-metrics")
def check_metrics(
    ctx: typer.Context,
    log: Annotated[Path, typer.Option(metavar="FILE", dir_okay=False, allow_dash=True, help="Lines of a log; - is stdin.")],
    regex: Annotated[str | None, typer.Option(help="Metric format: group 1 is the name, group 2 the value.")] = None,
    metric: Annotated[list[str] | None, typer.Option("--metric", metavar="NAME", help="Metric; repeat for more.")] = None,
    as_json: Json = False,
) -> None:
    """Show what a metric format finds in a log: exit code 0 if it finds every metric, otherwise 1."""
    try:
        text = sys.stdin.read() if str(log) == "-" else log.read_text(errors="replace")
    except OSError as error:
        raise typer.BadParameter(f"{log} cannot be read: {error.strerror}.", param_hint="--log") from error
    body: dict[str, Any] = {"metricRegex": regex, "metricList": [{"name": name} for name in metric or []], "log": text}
    found = client_of(ctx).check_metrics({field: value for field, value in body.items() if value is not None})
    if as_json:
        output.print_json(found)
    else:
        _print(found)
    raise typer.Exit(0 if found["metricList"] and not found["missingMetricList"] else 1)


def _print(found: MetricCheck) -> None:
    if found["metricList"]:
        columns = ("minimum", "maximum", "latest")
        rows = [[m["name"], str(m["count"]), *(f"{m[column]:g}" for column in columns)] for m in found["metricList"]]
        output.table(["METRIC", "VALUES", "MIN", "MAX", "LATEST"], rows)
    for name in found["missingMetricList"]:
        output.note(f"No value of {name!r} was found.")
    almost = [line for line in found["lineList"] if line["isAlmost"]][:10]
    if almost:
        output.heading("Lines that name a metric without a value that the format finds")
        output.table(["LINE", "TEXT"], [[str(line["lineNumber"]), Text(output.clean(line["text"]))] for line in almost])
    if not found["metricList"]:
        output.note(f"The format finds nothing in {found['lineCount']} lines.")
