"""A home with very many trainings beside one with few: what is asked for often must cost the same in both."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.row import Row
from easymaker_local.domain.experiment import Experiment, ExperimentStatus
from easymaker_local.domain.page import Cursor
from easymaker_local.domain.training import Training
from easymaker_local.settings import Settings
from easymaker_local.store import Store, experiments, trainings
from easymaker_local.testing.appliance import Appliance, plain_image
from easymaker_local.testing.factories import make_training

FEW, EXPERIMENTS, PAGE = 1000, 20, 50
_BUDGET_SECONDS = 0.050


@dataclass(frozen=True)
class _Question:
    """What is asked; ``path`` gets a random number, so that no two requests are alike."""

    name: str
    path: Callable[[int], str]


def _questions(count: int) -> list[_Question]:
    return [
        _Question("trainings, one", lambda n: f"/trainings/{_id(n % count)}"),
        _Question("trainings, newest page", lambda n: f"/trainings?limit={PAGE}"),
        _Question(
            "trainings, middle page", lambda n: f"/trainings?limit={PAGE}&cursor={Cursor(float(count // 2 + n % 97), 'x')}"
        ),
        _Question("trainings, one status", lambda n: f"/trainings?limit={PAGE}&trainingStatusCodeList=FAIL_TRAIN"),
        _Question("trainings, by name", lambda n: f"/trainings?limit={PAGE}&sortBy=name"),
        _Question("trainings, by status", lambda n: f"/trainings?limit={PAGE}&sortBy=status&sortOrder=DESC"),
        _Question("trainings, one experiment", lambda n: f"/trainings?limit={PAGE}&experimentId=e{n % EXPERIMENTS}"),
    ]


def rows(folder: Path, count: int, requests: int) -> list[Row]:
    """Ask a home with ``count`` trainings and one with few in turns; ``requests`` each."""
    few = min(FEW, count)
    found = []
    with filled(folder / "many", count) as many, filled(folder / "few", few) as small:
        for ours, reference in zip(_questions(count), _questions(few), strict=True):
            times = [(_seconds(many, ours.path(n * 7919)), _seconds(small, reference.path(n * 7919))) for n in range(requests)]
            mine, theirs = zip(*times, strict=True)
            name = f"of {count:,} ({few:,}) {ours.name}"
            middle, middle_few = 1000 * statistics.median(mine), 1000 * statistics.median(theirs)
            found.append(Row(f"{name}, median", middle, middle_few, "ms", "≤ 2 ×", middle <= 2 * middle_few))
            late = _percentile(mine)
            found.append(Row(f"{name}, p99", 1000 * late, None, "ms", "≤ 50 ms", late <= _BUDGET_SECONDS))
        found += _whole_list(many, small, count, few)
    return found


def _whole_list(many: httpx.Client, small: httpx.Client, count: int, few: int) -> list[Row]:
    """The list that the SDK asks for, and whether others feel it."""
    listing, waits = _list_all(many)
    ours = 1e6 * listing / count
    reference = 1e6 * statistics.median(_list_all(small)[0] for _ in range(5)) / few
    late = _percentile(waits)
    return [
        Row(f"all of {count:,} ({few:,}) trainings", ours, reference, "µs/row", "≤ 2 ×", ours <= 2 * reference),
        Row("health meanwhile, p99", 1000 * late, None, "ms", "≤ 50 ms", late <= _BUDGET_SECONDS),
    ]


def _list_all(client: httpx.Client) -> tuple[float, list[float]]:
    """Return how long the whole list took, and each of the other requests that somebody sent meanwhile."""
    waits = []
    with ThreadPoolExecutor(1) as thread, httpx.Client(base_url=client.base_url.join("/"), trust_env=False) as other:
        listing = thread.submit(_seconds, client, "/trainings")
        while not listing.done() or not waits:
            waits.append(_seconds(other, "/health"))
    return listing.result(), waits


@contextmanager
def filled(home: Path, count: int) -> Iterator[httpx.Client]:
    """Run a daemon with ``count`` ended trainings, of which ``training-0`` is the oldest; yields a client of its API."""
    plain_image(home)
    store = Store(Settings(home=home).database)
    store.open()
    try:
        asyncio.run(store.write(lambda db: _fill(db, count)))
    finally:
        store.close()
    appliance = Appliance(home, "process")
    try:
        appliance.start()
        with appliance.client() as client:
            for n in range(50):  # everything that happens once has happened
                client.get(f"/trainings/{_id(n % count)}")
            yield client
    finally:
        appliance.discard()


def _fill(db: sqlite3.Connection, count: int) -> None:
    for number in range(EXPERIMENTS):
        experiments.add(
            db, Experiment(f"e{number}", f"experiment {number}", None, ExperimentStatus.ACTIVE, None, float(number))
        )
    for number in range(count):
        trainings.add(db, _ended(number))
    # The way to the end in one step; a tenth has failed, but rarely of late.
    db.execute(
        "UPDATE trainings SET is_finished = 1, started_at = created_at, finished_at = created_at + 60,"
        " status = CASE WHEN created_at % 10 = 0 AND created_at < ? THEN 'FAIL_TRAIN' ELSE 'COMPLETE' END",
        (count // 2,),
    )


def _ended(number: int) -> Training:
    parameters = [{"parameterName": f"parameter{n}", "parameterValue": str(number * n)} for n in range(5)]
    return make_training(
        training_id=_id(number), created_at=float(number + 1), trainingName=f"training-{number}",
        experimentId=f"e{number % EXPERIMENTS}", hyperparameterList=parameters,
    )  # fmt: skip


def _id(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}"


def _seconds(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(path)
    seconds = time.perf_counter() - began
    answer.raise_for_status()
    return seconds


def _percentile(times: list[float] | tuple[float, ...]) -> float:
    return sorted(times)[int(0.99 * len(times))]
