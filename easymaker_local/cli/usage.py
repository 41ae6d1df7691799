"""``top`` and ``training usage``: what is used now, and what was used over time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

if TYPE_CHECKING:
    from rich.table import Table

    from easymaker_local.client.shapes import Current, Monitoring, Sample

_BARS = "▁▂▃▄▅▆▇█"
_CHART_COLUMNS = 40


def register(app: typer.Typer) -> None:
    """Add ``top``."""
    app.command("top")(top)


def top(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Go on until Ctrl-C.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Show what the machine and every running job use now."""
    client = client_of(ctx)
    if as_json:
        output.print_json(client.current_use())
        return
    if not watch:
        output.out().print(_current_table(client.current_use()))
        return
    from rich.live import Live

    with Live(console=output.out(), auto_refresh=False) as live:
        while True:
            live.update(_current_table(client.current_use()), refresh=True)
            time.sleep(2)


def print_usage(name: str, found: Monitoring) -> None:
    """Print a line per node and measure: average, highest, and its course."""
    if not found["memberList"] and not found["peakList"]:
        output.note(f"Nothing is known: {name} ended before anybody looked, or has not begun.")
        return
    rows: list[list[object]] = []
    peaks = {peak["member"]: peak for peak in found["peakList"]}
    samples = {member["member"]: member["sampleList"] for member in found["memberList"]}
    for member in sorted(peaks.keys() | samples.keys()):
        taken, peak = samples.get(member, []), peaks.get(member)
        cpu = [sample["cpu"] for sample in taken if sample["cpu"] is not None]
        memory = [sample["memoryBytes"] for sample in taken if sample["memoryBytes"] is not None]
        highest = max([*cpu, *([peak["cpu"]] if peak and peak["cpu"] else [])], default=None)
        rows.append([member, "CPU", _cores(_mean(cpu)), _cores(highest), _chart(cpu)])
        most = max([*memory, *([peak["memoryBytes"]] if peak and peak["memoryBytes"] else [])], default=None)
        rows.append([member, "memory", _size(_mean(memory)), _size(most), _chart(memory)])
        gpu = [sample["gpu"] for sample in taken if sample["gpu"] is not None]
        if gpu:
            rows.append([member, "GPU", _percent(_mean(gpu)), _percent(max(gpu)), _chart(gpu)])
        held = [sample["gpuMemoryBytes"] for sample in taken if sample["gpuMemoryBytes"] is not None]
        if held:
            rows.append([member, "GPU memory", _size(_mean(held)), _size(max(held)), _chart(held)])
        for label, field in (
            ("disk read", "diskReadBytesPerSecond"), ("disk written", "diskWrittenBytesPerSecond"),
            ("network in", "networkReceivedBytesPerSecond"), ("network out", "networkSentBytesPerSecond"),
        ):  # fmt: skip
            rates = [value for sample in taken if (value := _number(sample, field)) is not None]
            if any(rates):
                rows.append([member, label, _rate(_mean(rates)), _rate(max(rates)), _chart(rates)])
    output.table(["NODE", "MEASURE", "AVERAGE", "HIGHEST", "COURSE"], rows, right=["AVERAGE", "HIGHEST"])


def _current_table(found: Sequence[Current]) -> Table:
    rows = []
    for entry in sorted(found, key=lambda e: (e["kind"] != "machine", e["kind"], e["resourceId"], e["member"])):
        sample = entry["sample"]
        is_machine = entry["kind"] == "machine"
        rows.append([
            "machine" if is_machine else f"{entry['kind']} {entry['resourceId'][:SHORT_ID]}",
            entry["name"], entry["member"],
            _cores(sample["cpu"]), _size(sample["memoryBytes"]),
            _rate(sample["diskReadBytesPerSecond"]), _rate(sample["diskWrittenBytesPerSecond"]),
            _rate(sample["networkReceivedBytesPerSecond"]), _rate(sample["networkSentBytesPerSecond"]),
            _percent(sample["gpu"]), _size(sample["gpuMemoryBytes"]),
        ])  # fmt: skip
    columns = ["WHAT", "NAME", "NODE", "CPU", "MEMORY", "DISK READ", "DISK WRITTEN", "NET IN", "NET OUT", "GPU", "GPU MEMORY"]
    if not any(row[-1] or row[-2] for row in rows):
        columns, rows = columns[:-2], [row[:-2] for row in rows]
    return output.make_table(columns, rows, right=columns[3:])


def _number(sample: Sample, field: str) -> float | None:
    value: float | None = sample.get(field)  # type: ignore[assignment]
    return value


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _cores(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _size(value: float | None) -> str | None:
    return None if value is None else output.size(int(value))


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{100 * value:.0f} %"


def _rate(value: float | None) -> str | None:
    return None if value is None else f"{output.size(int(value))}/s"


def _chart(values: Sequence[float]) -> str:
    """Draw a course in one line, from zero to its highest."""
    if not values or max(values) <= 0:
        return ""
    count = min(len(values), _CHART_COLUMNS)
    pieces = [values[i * len(values) // count : (i + 1) * len(values) // count] for i in range(count)]
    return "".join(_BARS[int(max(piece) / max(values) * (len(_BARS) - 1))] for piece in pieces)
