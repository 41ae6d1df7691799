"""The log store: what bringing lines in costs, how long a search takes, and that jobs do not feel it."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.row import Row
from easymaker_local.controllers.log_ingest import LogIngest
from easymaker_local.domain.log_query import Node, parse
from easymaker_local.store import Store, log_search, log_shipping
from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.context import open_bench

# Printed as fast as Python prints; the job itself says how long that took.
PRINTER = """\
import sys, time
began = time.time()
for number in range(int(sys.argv[2])):
    print(f"[{number}] loss={number % 997 / 997:.4f} accuracy=0.9{number % 10} step {number} of many", flush=number % 100 == 0)
print(time.time() - began)
"""


def store_rows(folder: Path, lines: int, rounds: int) -> list[Row]:
    """Bring a log of so many lines in and search it; ``grep`` does the same on the file."""
    return asyncio.run(_store_rows(folder, lines, rounds))


def job_row(appliance: Appliance, rounds: int, lines: int) -> Row:
    """A job that does nothing but print, with log management on (off)."""
    appliance.put("code", {"printer.py": PRINTER})

    def printed(use_log: bool) -> float:
        parameters = [{"parameterName": "lines", "parameterValue": lines}]
        made = appliance.training(entryPoint="printer.py", hyperparameterList=parameters, useLog=use_log)
        appliance.await_status(made["trainingId"], "COMPLETE")
        log = appliance.home / "logs" / "training" / made["trainingId"] / "node-0.log"
        return float(log.read_text().splitlines()[-1])

    pairs = []
    for _ in range(rounds):
        pairs.append((printed(True), printed(False)))
        _await_shipped(appliance)
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Row(f"job printing {lines:,} lines, useLog on (off)", ours, bare, "s", "≤ 1.15 ×", ours <= 1.15 * bare)


def _await_shipped(appliance: Appliance) -> None:
    while True:
        db = sqlite3.connect(appliance.home / "state.db", timeout=10)
        left = db.execute("SELECT COUNT(*) FROM log_shipping").fetchone()[0]
        db.close()
        if not left:
            return
        time.sleep(0.1)


async def _store_rows(folder: Path, lines: int, rounds: int) -> list[Row]:
    async with open_bench(folder) as bench:
        training = await bench.create(useLog=True)
        log = bench.context.log_directory(training.id) / "node-0.log"
        log.parent.mkdir(parents=True)
        with log.open("w") as file:
            file.writelines(_lines(lines))
        began = time.perf_counter()
        ingest = LogIngest(bench.context)
        while await ingest.reconcile(log_shipping.key("training", training.id)) is not None:
            pass
        ours = 1e6 * (time.perf_counter() - began) / lines
        plain = 1e6 * _plain_table(log, folder / "plain.db") / lines
        rows = [Row(f"log store: bring in {lines:,} lines (plain table)", ours, plain, "µs/line", "≤ 12 ×", ours <= 12 * plain)]
        for what, query, grep in (
            ("a word in every line", "loss", ["-w", "loss"]),
            ("a rare word", f"needle{lines // 2}", ["-w", f"needle{lines // 2}"]),
            ("a rare level", "logLevel:ERROR", ["ERROR"]),
            ("a phrase and a field", 'logLevel:WARNING AND "is high"', ["WARNING.*is high"]),
            ("what is nowhere", "haystack*", ["-w", "haystack"]),
        ):
            times = []
            for _ in range(rounds):
                mine = await _seconds_to_first_hundred(bench.context.log_store, parse(query))
                times.append((mine, await asyncio.to_thread(_grep_seconds, grep, log)))
            ours, reference = (statistics.median(column) for column in zip(*times, strict=True))
            rows.append(Row(f"log store: find {what} (grep)", ours, reference, "s", "≤ 1 ×", ours <= reference))
        ours, reference = (path.stat().st_size / (1 << 20) for path in (bench.context.settings.log_database, log))
        rows.append(Row("log store: size (the file itself)", ours, reference, "MiB", "≤ 3 ×", ours <= 3 * reference))
        return rows


async def _seconds_to_first_hundred(store: Store, query: Node) -> float:
    """Seconds to the newest hundred matches, or to the certainty that there are fewer."""
    began = time.perf_counter()
    count, cursor = 0, None
    while True:
        ask = partial(log_search.search, query=query, newest_first=True, cursor=cursor, limit=100 - count)
        page = await store.read(ask)
        count, cursor = count + len(page.entries), page.cursor
        if count >= 100 or not page.has_more:
            return time.perf_counter() - began


def _grep_seconds(options: list[str], log: Path) -> float:
    began = time.perf_counter()
    # Counted through a pipe: into /dev/null it would stop at the first match.
    subprocess.run(["grep", "-c", *options, log], stdout=subprocess.PIPE, check=False)
    return time.perf_counter() - began


def _lines(count: int) -> Iterator[str]:
    every = max(1, count // 100)
    for number in range(count):
        if number % every == every // 2:
            yield f"2026-01-01 00:00:00,000 ERROR sample {number} cannot be read\n"
        elif number % every == every // 3:
            yield f"WARNING:root:the learning rate is high at needle{number}\n"
        elif number == count // 2:
            yield f"a needle{number} in it\n"
        else:
            yield f"[{number}] loss={number % 997 / 997:.4f} accuracy=0.9{number % 10} epoch {number // 1000} step {number}\n"


def _plain_table(log: Path, path: Path) -> float:
    """Seconds for what cannot be left out: lines into a table of SQLite, in the same pieces."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE lines (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
    began = time.perf_counter()
    with log.open() as file:
        while piece := file.readlines(1 << 20):
            db.execute("BEGIN")
            db.executemany("INSERT INTO lines (body) VALUES (?)", ((line,) for line in piece))
            db.execute("COMMIT")
    db.close()
    return time.perf_counter() - began
