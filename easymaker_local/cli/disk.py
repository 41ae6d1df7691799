"""``disk`` and ``reclaim``: what takes the disk, and getting it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.exits import FAILED
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easymaker_local.client.shapes import DiskEntry

_SHOWN_OF_A_KIND = 8


def register(app: typer.Typer) -> None:
    """Add ``disk`` and ``reclaim``."""
    app.command("disk")(disk)
    app.command("reclaim")(reclaim)


def disk(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Every entry, not the largest only.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Show what takes the disk, and what of it nothing needs."""
    found = client_of(ctx).disk()
    if as_json:
        output.print_json(found)
        return
    rows: list[list[object]] = []
    kinds = dict.fromkeys(entry["kind"] for entry in found["entryList"])
    for kind in kinds:
        entries = [entry for entry in found["entryList"] if entry["kind"] == kind]
        shown = entries if everything else entries[:_SHOWN_OF_A_KIND]
        rows += [[kind.lower(), e["name"], output.size(e["bytes"]), e["reclaimableReason"]] for e in shown]
        if rest := entries[len(shown) :]:
            rows.append([kind.lower(), f"({len(rest)} more)", output.size(sum(e["bytes"] for e in rest)), None])
    output.table(["KIND", "NAME", "SIZE", "NOT NEEDED"], rows, right=["SIZE"])
    output.out().print(f"{output.size(found['freeBytes'])} of {output.size(found['totalBytes'])} are free.")
    if spare := [entry for entry in found["entryList"] if entry["reclaimableReason"]]:
        output.note(f"{_total(spare)} can be had back: easymaker-local reclaim")


def reclaim(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Free what nothing needs, after showing it. Buckets and trainings are never touched."""
    client = client_of(ctx)
    spare = [entry for entry in client.disk()["entryList"] if entry["reclaimableReason"]]
    if not spare:
        if as_json:
            output.print_json({"freedList": [], "keptList": []})
        else:
            output.note("Everything on the disk is needed.")
        return
    if not as_json:
        for entry in spare:
            # Lines, not a table: a path must not be broken in two.
            line = f"{output.size(entry['bytes']):>10}  {output.clean(entry['place'])}  {entry['reclaimableReason']}"
            output.out().print(line, soft_wrap=True)
    if not yes:
        typer.confirm(f"Remove these for good and free {_total(spare)}?", abort=True, err=True)
    done = client.reclaim([entry["place"] for entry in spare])
    if as_json:
        output.print_json(done)
    else:
        output.note(f"{_total(done['freedList'])} are freed.", "green")
        for kept in done["keptList"]:
            output.note(f"{kept['place']} stays: {kept['message']}", "red")
    if done["keptList"]:
        raise typer.Exit(FAILED)


def _total(entries: Sequence[DiskEntry]) -> str:
    return output.size(sum(entry["bytes"] for entry in entries))
