"""``queue``: what runs, what waits for what, and the machine that all of it shares."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import listing, output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

if TYPE_CHECKING:
    from easymaker_local.client.shapes import Gpu, Machine, Queue

_WATCH_SECONDS = 1.0
_GPU_STYLES = {"FREE": "green", "BOOKED": "cyan", "IN_USE": "yellow", "UNAVAILABLE": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(queue)


def queue(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it again every second until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show what runs and what it holds, what waits for what and behind whom, and what of the machine is free."""
    client = client_of(ctx)
    if watch and as_json:
        raise typer.BadParameter("--watch is for people: leave out --json")
    while True:
        found, machine = client.queue(None if as_json else listing.ROWS), client.machine()
        if as_json:
            output.print_json({"machine": machine, **found})
            return
        if watch:
            output.out().clear()
        _show(found, machine)
        if not watch:
            return
        time.sleep(_WATCH_SECONDS)


def _show(found: Queue, machine: Machine) -> None:
    gib = 1024
    error = machine["gpuError"]
    output.details([
        ("vCPUs", f"{machine['freeVcpus']:g} of {machine['vcpus']:g} free"),
        ("Memory", f"{machine['freeMemoryMib'] / gib:.3g} of {machine['memoryMib'] / gib:.3g} GiB free"),
        ("Disk", f"{output.size(machine['freeDiskBytes'])} of {output.size(machine['diskBytes'])} free"),
        *([("GPUs", output.cell(f"The driver cannot be asked: {error}", "bold red"))] if error else []),
    ])  # fmt: skip
    if machine["gpuList"]:
        output.heading("GPUs")
        output.table(
            ["GPU", "UUID", "MODEL", "MEMORY", "STATE", "WHO"],
            [
                [
                    gpu["index"], gpu["uuid"], gpu["model"], f"{gpu['memoryMib'] / gib:.3g} GiB",
                    output.cell(gpu["stateCode"].lower().replace("_", " "), _GPU_STYLES[gpu["stateCode"]]), _who(gpu),
                ]
                for gpu in machine["gpuList"]
            ],
        )  # fmt: skip
    output.heading("Running")
    if found["runningList"]:
        numbers = {gpu["uuid"]: gpu["index"] for gpu in machine["gpuList"]}
        output.table(
            ["ID", "KIND", "NAME", "NODE", "VCPUS", "MEMORY", "GPUS", "SINCE"],
            [
                [
                    one["id"][:SHORT_ID], one["kind"], one["name"], "ended" if one["isEnding"] else one["node"],
                    f"{one['vcpus']:g}", f"{one['memoryMib'] / gib:g} GiB",
                    ", ".join(numbers.get(uuid, uuid) for uuid in one["gpuUuidList"]) or None,
                    output.ago(one["sinceDatetime"]),
                ]
                for one in found["runningList"]
            ],
            right=["VCPUS", "MEMORY"],
        )  # fmt: skip
    else:
        output.note("Nothing runs.")
    output.heading("Waiting")
    if found["waitingList"]:
        output.table(
            ["#", "ID", "KIND", "NAME", "SINCE", "REASON"],
            [
                [
                    one["position"], one["id"][:SHORT_ID], one["kind"], one["name"], output.ago(one["sinceDatetime"]),
                    one["reason"]["message"] if one["reason"] else None,
                ]
                for one in found["waitingList"]
            ],
        )  # fmt: skip
        if more := found["waitingCount"] - len(found["waitingList"]):
            output.note(f"{more} more wait behind these; all of them: --json")
    else:
        output.note("Nothing waits.")


def _who(gpu: Gpu) -> str | None:
    if gpu["stateCode"] == "IN_USE" and gpu["processList"]:
        return ", ".join(f"pid {process['pid']} ({process['name']})" for process in gpu["processList"])
    if gpu["message"] is not None:
        return gpu["message"]
    holder = gpu["bookedBy"]
    if holder is None:
        return None
    return f"{holder['kind']} {holder['name']} ({holder['id'][:SHORT_ID]})"
