"""``dashboard``: how everything stands, on one screen (DB)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from easymaker_local.cli import output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

if TYPE_CHECKING:
    from easymaker_local.client.shapes import Dashboard, Failure, Machine, ResourceUse, TopEndpoints


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(dashboard)


def dashboard(ctx: typer.Context, as_json: Json = False) -> None:
    """Show what there is, who uses most of the machine, which endpoints are called most, and what failed last."""
    client = client_of(ctx)
    found, top, machine = client.dashboard(), client.most_called_endpoints(3), client.machine()
    if as_json:
        output.print_json({**found, "machine": machine, "apiStatistics": top})
        return
    print_dashboard(found, top, machine)


def print_dashboard(found: Dashboard, top: TopEndpoints, machine: Machine) -> None:
    """Print it: figures, the machine, then a table for whatever there is anything of."""
    usage, gib = found["serviceUsage"], 1024
    gpus = machine["gpuList"]
    free = sum(gpu["stateCode"] == "FREE" for gpu in gpus)
    output.details([
        ("Trainings", f"{usage['trainingCount']} complete"), ("Tunings", f"{usage['hyperparameterTuningCount']} complete"),
        ("Endpoints", f"{usage['endpointCount']} active"),
        ("vCPUs", f"{machine['freeVcpus']:g} of {machine['vcpus']:g} free"),
        ("Memory", f"{machine['freeMemoryMib'] / gib:.3g} of {machine['memoryMib'] / gib:.3g} GiB free"),
        *([("GPUs", f"{free} of {len(gpus)} free")] if gpus else []),
        ("Disk", f"{output.size(machine['freeDiskBytes'])} of {output.size(machine['diskBytes'])} free"),
        ("Queue", f"{machine['queueLength']} waiting" if machine["queueLength"] else "nothing waits"),
    ])  # fmt: skip
    _print_top("Most CPU", found["topCpuList"])
    _print_top("Most GPU", found["topGpuList"])
    if any(endpoint["calls"]["callCount"] for endpoint in top["endpointList"]):
        output.heading("Most calls of the last 24 hours")
        rows = [
            [e["endpointName"], e["calls"]["callCount"], e["calls"]["successCount"], e["calls"]["failureCount"]]
            for e in top["endpointList"]
        ]
        output.table(["ENDPOINT", "CALLS", "OK", "FAILED"], rows, right=["CALLS", "OK", "FAILED"])
    output.heading("Failed last")
    if not found["failureList"]:
        output.note("Nothing has failed.")
        return
    output.table(
        ["ID", "KIND", "NAME", "STATUS", "SINCE", "REASON"],
        [
            [
                one["resourceId"][:SHORT_ID], one["kind"], _name(one), output.status(one["statusCode"]),
                output.ago(one["datetime"]), one["message"],
            ]
            for one in found["failureList"]
        ],
    )  # fmt: skip


def _print_top(title: str, uses: list[ResourceUse]) -> None:
    if not uses:
        return
    output.heading(title)
    output.table(
        ["ID", "KIND", "NAME", "FLAVOR", "NOW", "PEAK", "OF"],
        [
            [
                one["resourceId"][:SHORT_ID], one["kind"], one["name"], one["flavorName"], _percent(one["current"]),
                _percent(one["peak"]), _owner(one),
            ]
            for one in uses
        ],
        right=["NOW", "PEAK"],
    )  # fmt: skip


def _owner(use: ResourceUse) -> str | None:
    """Return what something runs for, if that is not itself."""
    owner, endpoint = use["owner"], use["endpoint"]
    if endpoint is not None:
        return f"{endpoint['name']}/{owner['name']}"
    return None if owner["resourceId"] == use["resourceId"] else owner["name"]


def _name(failure: Failure) -> str:
    parent = failure["parent"]
    return failure["name"] if parent is None else f"{parent['name']}/{failure['name']}"


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{100 * value:.0f} %"
