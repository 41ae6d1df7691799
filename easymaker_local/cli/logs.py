"""``logs``: search the log store, follow it, send to it."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.exits import INTERRUPTED
from easymaker_local.cli.job_spec import split_pairs
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of
from easymaker_local.errors import DaemonUnreachable, InvalidRequest

if TYPE_CHECKING:
    from easymaker_local.client.shapes import LogEntry, LogPage

    Search = Callable[..., LogPage]

app = typer.Typer(no_args_is_help=True, help="The log store: search what jobs with log management wrote, send entries.")

_PAGE = 1000
_WAIT_SECONDS = 20.0
_RETRY_SECONDS = 0.5
_AWAY_SECONDS = 60.0
_STYLES = {"ERROR": "red", "WARNING": "yellow", "INFO": "green"}
# The first of these that an entry has says whose it is.
_OWNERS = ("trainingId", "hyperparameterTuningId", "batchInferenceId", "endpointId", "pipelineRunId")
_AGO = re.compile(r"(\d+)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


@app.command("query")
def query(
    ctx: typer.Context,
    text: Annotated[
        str, typer.Argument(metavar="[QUERY]", help="Such as 'category:\"easymaker.training\" AND loss'; nothing: all.")
    ] = "",
    first: Annotated[str | None, typer.Option("--from", metavar="1h|TIME", help="Not before; 30m, 2d or a local time.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="1h|TIME", help="Not after.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many of the newest matches.")] = 100,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what arrives, until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Search the log store: fields, words, "phrases", AND, OR, NOT, parentheses, * at the end. The newest is at the bottom."""
    _check(text)
    client = client_of(ctx)
    search = partial(client.search_logs, text, first=moment("--from", first), last=moment("--to", last))
    found, latest = _newest(search, limit)
    if as_json and not follow:
        output.print_json(found)
        return
    show = _print_json_line if as_json else _print
    for entry in found:
        show(entry)
    if follow:
        try:
            _follow(search, latest, show)
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
    elif not found:
        output.note("Nothing matches. What jobs write is here if they were created with log management: --use-log.")


@app.command("send")
def send(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="- reads stdin, one entry a line.")],
    level: Annotated[str, typer.Option(help="INFO, WARNING or ERROR.")] = "INFO",
    field: Annotated[list[str] | None, typer.Option("--field", metavar="KEY=VALUE", help="A further field; repeat.")] = None,
    as_json: Json = False,
) -> None:
    """Send entries of your own to the log store."""
    fields = split_pairs("--field", field or [])
    lines = [line.rstrip("\r\n") for line in sys.stdin] if text == "-" else [text]
    client = client_of(ctx)
    for begin in range(0, len(lines), _PAGE):
        client.send_logs([{"logLevel": level.upper(), **fields, "body": line} for line in lines[begin : begin + _PAGE]])
    if as_json:
        output.print_json({"sent": len(lines)})


def _check(text: str) -> None:
    """Show where a query cannot be understood; the daemon would say the same without the line to point at."""
    from easymaker_local.domain.log_query import LogQueryError, parse

    try:
        parse(text)
    except LogQueryError as error:
        from rich.cells import cell_len  # a Korean or Japanese character is two columns wide

        shown = output.clean(text)
        caret = " " * cell_len(shown[: error.position]) + "^"
        raise InvalidRequest(f"The query cannot be understood: {error.message}.\n  {shown}\n  {caret}") from error


def _newest(search: Search, limit: int) -> tuple[list[LogEntry], int]:
    """Return the newest matches, oldest first, and the cursor after which all later ones come."""
    found: list[LogEntry] = []
    before, latest = None, None
    while True:
        page = search(limit=min(_PAGE, limit - len(found)), before=before)
        found += page["logList"]
        latest = page["latestCursor"] if latest is None else latest
        before = page["nextCursor"]
        if not page["hasMore"] or len(found) >= limit:
            return found[::-1], max([latest, *(entry["logId"] for entry in found)])


def _follow(search: Search, after: int, show: Callable[[LogEntry], None]) -> None:
    while True:
        page = _patiently(search, after)
        for entry in page["logList"]:
            show(entry)
        assert page["nextCursor"] is not None
        after = page["nextCursor"]


def _patiently(search: Search, after: int) -> LogPage:
    """Ask again while the daemon is away."""
    deadline = time.monotonic() + _AWAY_SECONDS
    while True:
        try:
            return search(limit=_PAGE, after=after, wait_seconds=_WAIT_SECONDS)
        except DaemonUnreachable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)


def moment(option: str, text: str | None) -> str | None:
    """Return the ISO time with offset that an option means."""
    if text is None:
        return None
    if match := _AGO.fullmatch(text.strip()):
        return (datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})).isoformat()
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.astimezone()).isoformat()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"write 30m, 1h, 2d or 2026-01-31T12:00, not {text!r}.", param_hint=option) from error


def _print(entry: LogEntry) -> None:
    from rich.text import Text

    moment = datetime.fromisoformat(entry["time"]).astimezone()
    level = entry["logLevel"]
    owner = next((str(entry[name])[:SHORT_ID] for name in _OWNERS if entry.get(name)), entry["category"] or "-")  # type: ignore[literal-required]
    node = f"/{entry['node']}" if entry["node"] is not None else ""
    body = output.clean(_ANSI.sub("", entry["body"]).replace("\t", "    "))
    line = Text(f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} ", style="dim")
    line.append(f"{output.clean(level):<7} ", style=_STYLES.get(level, ""))
    line.append(f"{output.clean(owner)}{node} ", style="cyan")
    line.append(body, style=_STYLES[level] if level in {"ERROR", "WARNING"} else "not dim")
    output.out().print(line, soft_wrap=True)


def _print_json_line(entry: LogEntry) -> None:
    sys.stdout.write(json.dumps(entry, ensure_ascii=False) + "\n")
    sys.stdout.flush()
