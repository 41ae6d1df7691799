"""``endpoint statistics``, ``endpoint top``, ``stage statistics``: how often what was called, its end, its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.logs import moment
from easymaker_local.cli.lookup import find_endpoint, find_stage
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of
from easymaker_local.cli.usage import CHART_COLUMNS, chart

if TYPE_CHECKING:
    from easymaker_local.client.shapes import ApiStatistics, Calls, TopEndpoints

First = Annotated[
    str | None, typer.Option("--from", metavar="1h|TIME", help="Not before; 30m, 7d or a local time. Default: 24 hours.")
]
Last = Annotated[str | None, typer.Option("--to", metavar="1h|TIME", help="Not after.")]

_FIGURES = ("CALLS", "OK", "FAILED", "MEAN", "P50", "P90", "P99")


def register(endpoint_app: typer.Typer, stage_app: typer.Typer) -> None:
    """Add ``statistics`` to both and ``top`` to the endpoints."""
    endpoint_app.command("statistics")(endpoint_statistics)
    endpoint_app.command("top")(top)
    stage_app.command("statistics")(stage_statistics)


def endpoint_statistics(
    ctx: typer.Context, which: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Id or name.")], first: First = None,
    last: Last = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Show the calls of an endpoint's APIs, those of stages that are deleted included."""
    client = client_of(ctx)
    endpoint_id = find_endpoint(client, which)["endpointId"]
    period = moment("--from", first), moment("--to", last)
    _show(client.endpoint_api_statistics(endpoint_id, *period), as_json=as_json)


def stage_statistics(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="STAGE", help="ENDPOINT/STAGE or id.")],
    first: First = None,
    last: Last = None,
    as_json: Json = False,
) -> None:
    """Show the calls of a stage's APIs."""
    client = client_of(ctx)
    stage_id = find_stage(client, which)["endpointStageId"]
    period = moment("--from", first), moment("--to", last)
    _show(client.stage_api_statistics(stage_id, *period), as_json=as_json)


def top(
    ctx: typer.Context,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1000, help="So many endpoints.")] = 3,
    first: First = None,
    last: Last = None,
    as_json: Json = False,
) -> None:
    """Show the endpoints that are called most."""
    found = client_of(ctx).most_called_endpoints(count, moment("--from", first), moment("--to", last))
    if as_json:
        output.print_json(found)
        return
    _print_period(found)
    rows = [[e["endpointName"], output.status(e["endpointStatusCode"]), *_figures(e["calls"])] for e in found["endpointList"]]
    output.table(["ENDPOINT", "STATUS", *_FIGURES], rows, right=_FIGURES)


def _show(found: ApiStatistics, *, as_json: bool) -> None:
    if as_json:
        output.print_json(found)
        return
    _print_period(found)
    if not found["apiList"]:
        output.note("Nothing was called.")
        return
    rows: list[list[object]] = [
        [
            a["endpointStageName"] + (" (deleted)" if a["endpointStageStatusCode"] == "DELETED" else ""), a["modelName"],
            a["api"], _classes(a["calls"]), *_figures(a["calls"]),
        ]
        for a in found["apiList"]
    ]  # fmt: skip
    if len(rows) > 1:
        rows.append(["all", None, None, _classes(found["total"]), *_figures(found["total"])])
    output.table(["STAGE", "MODEL", "API", "ANSWERS", *_FIGURES], rows, right=_FIGURES)
    output.note(f"Calls over time: {chart(_course(found))}")


def _print_period(found: ApiStatistics | TopEndpoints) -> None:
    begin, end = (
        f"{datetime.fromisoformat(found[which]).astimezone():%Y-%m-%d %H:%M}" for which in ("fromDatetime", "toDatetime")
    )
    output.note(f"From {begin} to {end}")
    if found["collectedDatetime"] is None:
        output.note("The gateway does not answer: what was called since the daemon's start is missing.", "yellow")


def _figures(calls: Calls) -> list[object]:
    times = [_time(calls["meanMs"]), _time(calls["p50Ms"]), _time(calls["p90Ms"]), _time(calls["p99Ms"])]
    return [calls["callCount"], calls["successCount"], calls["failureCount"], *times]


def _classes(calls: Calls) -> str:
    return ", ".join(f"{found['callCount']} {found['statusClass']}" for found in calls["statusClassList"])


def _time(milliseconds: float | None) -> str | None:
    if milliseconds is None:
        return None
    if milliseconds < 1:  # within the first bucket nobody knows more
        return "< 1 ms"
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.3g} ms"


def _course(found: ApiStatistics) -> Sequence[float]:
    """Return the calls in equal parts of the period, those without any included."""
    begin, end = (datetime.fromisoformat(found[which]) for which in ("fromDatetime", "toDatetime"))
    step = timedelta(seconds=found["stepSeconds"])
    steps = max(1, -(-(end - begin) // step))
    count = min(CHART_COLUMNS, steps)
    parts = [0.0] * count
    for each in found["stepList"]:
        place = (datetime.fromisoformat(each["datetime"]) - begin) // step
        parts[min(count - 1, place * count // steps)] += each["calls"]["callCount"]
    return parts
