"""What people see: tables, colours by status, sizes and times in words; or the same as JSON.

Data goes to stdout, remarks and progress to stderr. Rich leaves out control codes where a stream is no terminal and obeys
``NO_COLOR``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import JustifyMethod

    from easymaker_local.client.shapes import Event

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.", show_default=False)]

STATUS_STYLES = {
    "CREATE_REQUESTED": "yellow",
    "CREATE_IN_PROGRESS": "cyan",
    "RUNNING": "bold cyan",
    "COMPLETE_IN_PROGRESS": "cyan",
    "COMPLETE": "green",
    "STOP_IN_PROGRESS": "magenta",
    "STOPPED": "magenta",
    "FAIL_TRAIN_IN_PROGRESS": "red",
    "FAIL_TRAIN": "red",
    "CREATE_FAILED": "red",
    "FAIL_HYPERPARAMETER_TUNING_IN_PROGRESS": "red",
    "FAIL_HYPERPARAMETER_TUNING": "red",
    "CREATED": "yellow",
    "SUCCEEDED": "green",
    "EARLY_STOPPED": "blue",
    "KILLED": "magenta",
    "METRICS_UNAVAILABLE": "red",
    "FAILED": "red",
    "ACTIVE": "green",
    "UPDATE_IN_PROGRESS": "cyan",
    "DEPLOY_IN_PROGRESS": "cyan",
    "UPDATE_FAILED": "red",
    "DEPLOY_FAILED": "red",
    "READY": "green",
    "PENDING": "yellow",
    "STARTING": "cyan",
    "UNREADY": "red",
    "WAITING": "yellow",
    "LEAVING": "magenta",
    "DELETE_IN_PROGRESS": "magenta",
    "DELETE_FAILED": "red",
    "DELETED": "dim",
    "BROKEN": "bold red",
}

# Words in these columns stay whole, up to that length.
_KEPT = {"STATUS", "TRIALS", "CREATED", "TIME"}
_KEPT_COLUMNS = 26
_ROOMY_COLUMNS = 100

# Wide enough that nothing is cut where a program or a file reads.
_PIPE_COLUMNS = 1000


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_COLUMNS
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def out() -> Console:
    """Return the console of data."""
    return _console(stderr=False)


def errors() -> Console:
    """Return the console of remarks and progress."""
    return _console(stderr=True)


def note(message: str, style: str = "dim") -> None:
    """Say something beside the data. The terminal wraps it: a path that was broken in two could not be copied."""
    errors().print(message, style=style, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print data for programs."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def clean(value: object) -> str:
    """Return text without control characters: a name must not move the cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def cell(value: object, style: str = "") -> Text:
    """Return a table cell; None is a dash."""
    return Text("-", style="dim") if value is None or value == "" else Text(clean(value), style=style)


def status(code: str) -> Text:
    """Return a status in its colour; a detail may stand behind it."""
    return Text(code, style=STATUS_STYLES.get(code.partition(" ")[0], ""))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print rows below their headings; cells that are no ``Text`` are made one."""
    _print(make_table(columns, rows, right=right))


def filled(columns: Sequence[str], rows: Sequence[Sequence[object]], optional: str) -> tuple[list[str], list[list[object]]]:
    """Return columns and rows without the ``optional`` column if nothing stands in it."""
    place = columns.index(optional)
    if any(str(row[place] or "") for row in rows):
        return [*columns], [[*row] for row in rows]
    return [c for c in columns if c != optional], [[*row[:place], *row[place + 1 :]] for row in rows]


def make_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """Return what ``table`` prints. On a narrow terminal names and reasons are folded before statuses and times are."""
    narrow = is_narrow()
    made = Table(box=None, pad_edge=False, padding=(0, 1 if narrow else 3, 0, 0), header_style="bold")
    cells = [[value if isinstance(value, Text) else cell(value) for value in row] for row in rows]
    for i, column in enumerate(columns):
        words = [word for text in (column, *(row[i].plain for row in cells)) for word in text.split()]
        # A width, since a least width would not keep the table from growing beyond the terminal.
        width = min(_KEPT_COLUMNS, max(map(len, words), default=0)) if narrow and column in _KEPT else None
        justify: JustifyMethod = "right" if column in right else "left"
        made.add_column(column, justify=justify, overflow="fold", no_wrap=column == "ID", width=width)
    for row in cells:
        made.add_row(*row)
    return made


def is_narrow() -> bool:
    """True if a list with many columns has no room for all of them."""
    return out().width < _ROOMY_COLUMNS


def details(rows: Sequence[tuple[str, object]]) -> None:
    """Print names and values, one pair a line."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(name, value if isinstance(value, Text) else cell(value))
    _print(made)


def events(found: Sequence[Event]) -> None:
    """Print a history, oldest first."""
    rows = [
        [Text(f"{datetime.fromisoformat(e['datetime']):%Y-%m-%d %H:%M:%S}", style="dim"),
         status(e["statusCode"]) if e["statusCode"] else cell(e["type"].lower(), "dim"), Text(clean(e["message"] or ""))]
        for e in found
    ]  # fmt: skip
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for overflow in ("fold", "fold", "fold"):
        made.add_column(overflow=overflow)
    for row in rows:
        made.add_row(*row)
    _print(made)


def _print(made: Table) -> None:
    """Print a table; where no terminal shows it, without the blanks that make all lines as long as the longest."""
    console = out()
    if console.is_terminal:
        console.print(made)
        return
    with console.capture() as capture:
        console.print(made)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def heading(text: str) -> None:
    """Print a blank line and a heading."""
    console = out()
    console.print()
    console.print(text, style="bold")


def ago(moment: str | None, now: datetime | None = None) -> str | None:
    """Return an ISO time as people say it: ``5m ago``."""
    if moment is None:
        return None
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds()
    if seconds < 5:
        return "just now"
    return f"{_largest(seconds)} ago"


def duration(seconds: float) -> str:
    """Return a length of time with its two largest units: ``1h 5m``."""
    whole = int(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")]
    first = next((i for i, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count}{unit}" for count, unit in parts[first : first + 2] if count or first == len(parts) - 1)


def size(count: int) -> str:
    """Return a number of bytes with a binary unit."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def local_time(moment: str | None) -> str | None:
    """Return an ISO time in full, to the second, and how long ago that is."""
    if moment is None:
        return None
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S} ({ago(moment)})"


def _largest(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"
