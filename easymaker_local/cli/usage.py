"""``top``, ``training usage`` and ``stage usage``: what is used now, and what was used over time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

if TYPE_CHECKING:
    from rich.table import Table

    from easymaker_local.client.shapes import Current, Monitoring, Sample, StageMonitoring

_BARS = "▁▂▃▄▅▆▇█"
CHART_COLUMNS = 40


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
        peak = peaks.get(member)
        highest = {"cpu": peak and peak["cpu"], "memoryBytes": peak and peak["memoryBytes"]}
        rows += ([member, label, *rest] for label, _, *rest in _measured(samples.get(member, []), highest))
    output.table(["NODE", "MEASURE", "AVERAGE", "HIGHEST", "COURSE"], rows, right=["AVERAGE", "HIGHEST"])


def print_stage_usage(name: str, found: StageMonitoring) -> None:
    """Print a line per pod and measure: now, average, highest, and its course; below how many pods there were."""
    pods = found["podList"]
    if not pods:
        output.note(f"Nothing is known: no pod of {name} has run in this time.")
        return
    rows: list[list[object]] = []
    resources = Counter(model for _, model in {(pod["resourceId"], pod["modelName"]) for pod in pods})
    for pod in pods:
        # A model may be on several stage resources, and these may be gone.
        is_clear = pod["modelName"] is not None and resources[pod["modelName"]] == 1
        of = [pod["modelName"]] if is_clear else [pod["modelName"], pod["resourceId"][:SHORT_ID]]
        shown = " ".join(filter(None, [*of, str(pod["number"])]))
        highest = {"cpu": pod["peakCpu"], "memoryBytes": pod["peakMemoryBytes"]}
        rows += ([shown, *row] for row in _measured(pod["sampleList"], highest, pod["current"]))
    counts = [total["podCount"] for total in found["totalList"]]
    now = sum(pod["current"] is not None for pod in pods)
    rows.append(["all", "pods", now, f"{_mean(counts) or 0:.1f}", max(counts, default=0), chart(counts)])
    output.table(["POD", "MEASURE", "NOW", "AVERAGE", "HIGHEST", "COURSE"], rows, right=["NOW", "AVERAGE", "HIGHEST"])


def _measured(taken: Sequence[Sample], peaks: Mapping[str, float | None], now: Sample | None = None) -> Iterator[list[object]]:
    """Yield label, value now, average, highest and course of everything that was measured, and of everything in ``peaks``."""
    for label, field, words in _MEASURES:
        values = [value for sample in taken if (value := _number(sample, field)) is not None]
        is_interesting = any(values) if words is _rate else bool(values)
        if field in peaks or is_interesting:
            highest = max([*values, *filter(None, [peaks.get(field)])], default=None)
            current = None if now is None else words(_number(now, field))
            yield [label, current, words(_mean(values)), words(highest), chart(values)]


def _current_table(found: Sequence[Current]) -> Table:
    rows = []
    for entry in sorted(found, key=lambda e: (e["kind"] != "machine", e["kind"], e["resourceId"], e["member"])):
        sample = entry["sample"]
        is_machine = entry["kind"] == "machine"
        rows.append([
            "machine" if is_machine else f"{entry['kind']} {entry['resourceId'][:SHORT_ID]}",
            entry["name"], _member(entry),
            _cores(sample["cpu"]), _size(sample["memoryBytes"]),
            _rate(sample["diskReadBytesPerSecond"]), _rate(sample["diskWrittenBytesPerSecond"]),
            _rate(sample["networkReceivedBytesPerSecond"]), _rate(sample["networkSentBytesPerSecond"]),
            _percent(sample["gpu"]), _size(sample["gpuMemoryBytes"]),
        ])  # fmt: skip
    columns = ["WHAT", "NAME", "NODE", "CPU", "MEMORY", "DISK READ", "DISK WRITTEN", "NET IN", "NET OUT", "GPU", "GPU MEMORY"]
    if not any(row[-1] or row[-2] for row in rows):
        columns, rows = columns[:-2], [row[:-2] for row in rows]
    return output.make_table(columns, rows, right=columns[3:])


def _member(entry: Current) -> str:
    """Return the name of a node, or of a pod by its stage resource and number."""
    resource, _, number = entry["member"].rpartition("-")
    return f"{resource[:SHORT_ID]}-{number}" if entry["kind"] == "stage" else entry["member"]


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


_MEASURES: tuple[tuple[str, str, Callable[[float | None], str | None]], ...] = (
    ("CPU", "cpu", _cores),
    ("memory", "memoryBytes", _size),
    ("GPU", "gpu", _percent),
    ("GPU memory", "gpuMemoryBytes", _size),
    ("disk read", "diskReadBytesPerSecond", _rate),
    ("disk written", "diskWrittenBytesPerSecond", _rate),
    ("network in", "networkReceivedBytesPerSecond", _rate),
    ("network out", "networkSentBytesPerSecond", _rate),
)


def chart(values: Sequence[float]) -> str:
    """Draw a course in one line, from zero to its highest."""
    if not values or max(values) <= 0:
        return ""
    count = min(len(values), CHART_COLUMNS)
    pieces = [values[i * len(values) // count : (i + 1) * len(values) // count] for i in range(count)]
    return "".join(_BARS[int(max(piece) / max(values) * (len(_BARS) - 1))] for piece in pieces)
