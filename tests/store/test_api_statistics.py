"""Calls in the database: in steps, once each, with names that outlive what they name (GW-L04)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from easymaker_local.domain.api_statistics import Calls, total
from easymaker_local.domain.gateway import Api, ApiCount, ApiKey
from easymaker_local.store import api_statistics as statistics
from easymaker_local.store.api_statistics import EVER, HOUR, MINUTE, Scope
from easymaker_local.store.serving_names import ModelNames, Names, StageNames
from tests.api_statistics.records import counted, key

NOW = 1_700_000_000.0
DAY = 86_400
NAMES = Names(
    {
        "s1": StageNames("default", "ACTIVE", "e1", "shop"),
        "s2": StageNames("test", "ACTIVE", "e1", "shop"),
        "s3": StageNames("default", "ACTIVE", "e2", "bank"),
    },
    {"m1": ModelNames("iris", "ACTIVE"), "m2": ModelNames("digits", "ACTIVE")},
)
NOTHING = Names({}, {})


def database() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    statistics.migrations.apply(Database(db))
    return db


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    made = database()
    yield made
    made.close()


def calls(db: sqlite3.Connection, step: int = EVER, begin: float = 0, **scope: str) -> Calls:
    return total(statistics.by_counter(db, Scope(step, begin, **scope)).values())


def record(db: sqlite3.Connection, at: float, counts: dict[ApiKey, ApiCount], process: str = "1", names: Names = NAMES) -> int:
    return statistics.record(db, at, process, counts, names)


def test_by_stage_model_and_api(db: sqlite3.Connection) -> None:
    """GW-05, GW-L04: each apart, with all that is known of it."""
    record(
        db, NOW,
        {
            key("s1", "m1"): counted(7, ok=3, broken=1), key("s1", "m1", Api.INFER): counted(ok=2),
            key("s1", "m2"): counted(ok=1), key("s2", "m1"): counted(wrong=4), key("s1", "", Api.OTHER): counted(none=1),
            key("s3", "m1"): counted(ok=9),
        },
    )  # fmt: skip
    found = statistics.by_counter(db, Scope(MINUTE, NOW, endpoint_id="e1"))
    assert [(c.stage_name, c.model_name, c.api, n.count, n.failures) for c, n in found.items()] == [
        ("default", "iris", "predict", 4, 1), ("test", "iris", "predict", 4, 4), ("default", "iris", "infer", 2, 0),
        ("default", "digits", "predict", 1, 0), ("default", "", "other", 1, 1),
    ]  # fmt: skip
    first = next(iter(found.values()))
    assert (first.classes, first.total_ms, first.percentile(1)) == ({"2xx": 3, "5xx": 1}, 28.0, 10.0)
    assert calls(db, stage_id="s2").count == 4
    assert calls(db).count == 21


LOOK = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 100), st.booleans())


@given(st.lists(LOOK, max_size=12))
def test_looks_may_be_repeated_and_the_gateway_may_begin_anew(looks: list[tuple[int, int, int, bool]]) -> None:
    """GW-L04: nothing twice, nothing lost, in every resolution; a look that was committed already adds nothing."""
    db = database()
    ok = broken = took = process = 0
    totals = [0, 0]
    for more_ok, more_broken, seconds, is_new in looks:
        if is_new:
            process, totals = process + 1, [0, 0]
        totals = [totals[0] + more_ok, totals[1] + more_broken]
        ok, broken, took = ok + more_ok, broken + more_broken, took + seconds
        for _ in range(2):
            now = {key("s1", "m1"): counted(ok=totals[0], broken=totals[1])}
            record(db, NOW + took, now, str(process))
    for step in (MINUTE, HOUR, EVER):
        found = calls(db, step)
        assert (found.successes, found.failures, found.total_ms) == (ok, broken, 7.0 * (ok + broken))
        assert sum(found.buckets.values()) == ok + broken


def test_a_counter_that_was_begun_anew_and_is_smaller_is_noted_all_the_same(db: sqlite3.Connection) -> None:
    record(db, NOW, {key("s1"): counted(ok=100)})
    assert record(db, NOW, {key("s1"): counted(ok=0)}) == 0
    assert record(db, NOW, {key("s1"): counted(ok=120)}) == 120


def test_steps(db: sqlite3.Connection) -> None:
    """GW-L04: by minute, and by hour; a period begins with the step in which it does."""
    begin = NOW // HOUR * HOUR
    for minute, ok in ((0, 1), (0, 3), (2, 4), (61, 10)):
        record(db, begin + 60 * minute + 5, {key("s1"): counted(ok=ok)}, process=str((minute, ok)))
    minutes = statistics.course(db, Scope(MINUTE, begin))
    assert {(at - begin) / 60: found.count for at, found in minutes.items()} == {0: 4, 2: 4, 61: 10}
    assert {at - begin: found.count for at, found in statistics.course(db, Scope(HOUR, begin)).items()} == {0: 8, 3600: 10}
    assert calls(db, MINUTE, begin + 119).count == 14
    assert calls(db, MINUTE, begin + 120).count == 14
    assert calls(db, MINUTE, begin + 180).count == 10
    assert total(statistics.by_counter(db, Scope(MINUTE, begin, begin + 180)).values()).count == 8


@pytest.mark.parametrize(("age", "step"), [(0, MINUTE), (DAY, MINUTE), (2 * DAY, MINUTE), (3 * DAY, HOUR), (90 * DAY, HOUR)])
def test_the_finest_step_that_is_still_there(age: float, step: int) -> None:
    assert statistics.step_for(NOW - age, NOW) == step


def test_ages(db: sqlite3.Connection) -> None:
    """GW-L04: minutes for two days, hours for as long as is set; then nothing but the sum since ever."""
    record(db, NOW, {key("s1"): counted(ok=5)})
    for later, minutes, hours in ((DAY, 5, 5), (2 * DAY + 30, 5, 5), (3 * DAY, 0, 5), (90 * DAY, 0, 5), (91 * DAY, 0, 0)):
        statistics.expire(db, NOW + later, 90, {"s1"})
        assert (calls(db, MINUTE).count, calls(db, HOUR).count, calls(db).count) == (minutes, hours, 5)
    # It goes on from the totals that were seen last.
    assert record(db, NOW + 92 * DAY, {key("s1"): counted(ok=6)}) == 1
    statistics.expire(db, NOW + 200 * DAY, 90, set())
    assert calls(db).count == 0
    assert statistics.endpoint_ids(db) == set()


def test_what_is_deleted_stays_readable_until_its_endpoint_goes(db: sqlite3.Connection) -> None:
    """GW-L04, DB-08: an endpoint's calls include those of stages and models that it had."""
    record(db, NOW, {key("s1", "m1"): counted(ok=5)})
    assert record(db, NOW, {key("s1", "m1"): counted(ok=7)}, names=NOTHING) == 2
    (counter,) = statistics.by_counter(db, Scope(MINUTE, NOW, endpoint_id="e1"))
    assert (counter.endpoint_name, counter.stage_name, counter.model_name) == ("shop", "default", "iris")
    assert statistics.endpoint_of(db, "s1") == "e1"
    statistics.forget(db, ["e1"])
    assert calls(db).count == 0
    assert [db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ("calls", "buckets", "durations")] == [0] * 3
    # The gateway's process still shows them.
    assert record(db, NOW, {key("s1", "m1"): counted(ok=7)}, names=NOTHING) == 0
    assert statistics.endpoint_of(db, "s1") is None


def test_names_follow_while_there_is_something_to_follow(db: sqlite3.Connection) -> None:
    record(db, NOW, {key("s1", "m1"): counted(ok=1)})
    other = Names(NAMES.stages, {"m1": ModelNames("lilies", "ACTIVE")})
    record(db, NOW, {key("s1", "m1"): counted(ok=2)}, names=other)
    assert [counter.model_name for counter in statistics.by_counter(db, Scope(EVER, 0))] == ["lilies"]


def test_totals_are_kept_as_they_were_seen(db: sqlite3.Connection) -> None:
    """An upper bound may be infinite."""
    seen = ApiCount({"2xx": 2}, 12.5, {1.0: 1, float("inf"): 2})
    record(db, NOW, {key("s1"): seen})
    kept = json.loads(db.execute("SELECT totals FROM counters").fetchone()[0])
    assert (kept["classes"], kept["ms"], dict(map(tuple, kept["buckets"]))) == (seen.classes, seen.total_ms, seen.buckets)
    assert record(db, NOW, {key("s1"): seen}) == 0
    assert calls(db).percentile(1) == 1.0
