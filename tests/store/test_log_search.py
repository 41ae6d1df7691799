"""Searching: what SQL finds is what the words of the query mean, in every order, page by page, while entries arrive."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easymaker_local.domain.log_entry import SOURCE_FIELDS, Category, Entry, Level, Source
from easymaker_local.domain.log_query import And, Everything, FieldIs, HasField, Node, Not, Or, Text, TimeRange, parse
from easymaker_local.store import Store, log_search, logs
from easymaker_local.store.log_migrations import log_migrations
from easymaker_local.store.log_search import Page, search
from easymaker_local.store.log_text import prepare

pytestmark = pytest.mark.anyio

TRAINING = Source("local", Category.TRAINING, training_id="t1", node="0")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "logs.db", log_migrations)
    made.open()
    yield made
    made.close()


async def put(store: Store, *entries: Entry, now: float = 1000.0) -> None:
    await store.write(lambda db: logs.append(db, entries, now))


async def ask(store: Store, query: str | Node, **options: Any) -> Page:
    node = parse(query) if isinstance(query, str) else query
    chosen = {"newest_first": True, "cursor": None, "limit": 1000, **options}
    return await store.read(lambda db: search(db, node, **chosen))


async def bodies(store: Store, query: str) -> list[str]:
    return [found.entry.body for found in (await ask(store, query)).entries][::-1]


async def test_the_products_fields_are_found_by_their_names(store: Store) -> None:
    """LG-06…LG-19: exactly these names."""
    values = {name: f"value-{name}" for name in (
        "easymakerAppKey", "category", "logLevel", "logType", "trainingId", "hyperparameterTuningId", "endpointId",
        "endpointStageId", "action", "modelName", "batchInferenceId", "pipelineRunId", "node", "host", "projectName",
    )}  # fmt: skip
    assert set(values) == set(SOURCE_FIELDS)
    for name, value in values.items():
        await put(store, Entry(Source(**{SOURCE_FIELDS[name]: value}), 1.0, name))
    await put(store, Entry(Source(), 1.0, "inferenceId", inference_id="value-inferenceId"))
    for name in (*values, "inferenceId"):
        for query in (f'{name}:"value-{name}"', f"{name}:VALUE-{name}", f"{name}:value-{name[:-1]}*"):
            assert await bodies(store, query) == [name], query
    assert await bodies(store, "trainingId:value") == []
    assert await bodies(store, "inferenceId:*") == ["inferenceId"]
    assert "trainingId" not in await bodies(store, "NOT trainingId:*")
    assert len(await bodies(store, "NOT trainingId:*")) == len(values)


async def test_the_seeds_queries(store: Store) -> None:
    """LG-03, LG-04, LG-05, literally."""
    other = Source("local", Category.INFERENCE, endpoint_id="e", action="Endpoint.Model")
    await put(store, Entry(TRAINING, 1.0, "trained"), Entry(other, 1.0, "asked"), Entry(Source(log_type="mine"), 1.0, "other"))
    assert await bodies(store, 'category:"easymaker.training"') == ["trained"]
    assert await bodies(store, 'category:"easymaker.inference"') == ["asked"]
    assert await bodies(store, 'logType:"NHNCloud-AIEasyMaker"') == ["trained", "asked"]


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("재학습이 끝났습니다", "학습"), ("재학습이 끝났습니다", "끝났*"), ("재학습이 끝났습니다", '"학습이 끝났"'),
        ("検証損失は0.5です", "損失"), ("検証損失は0.5です", "損失は0"), ("ﾃｽﾄ", "ｽﾄ"), ("loss=0.0236", "loss=0.0236"),
        ("loss=0.0236", "0.0236"), ("train_loss: 1", "loss"), ("train_loss: 1", "train_loss"), ("Ünï", "uni"),
        ("path /a/b.py", '"/a/b.py"'), ("a => b", '"=>"'), ("x: ***", '"***"'), ("CUDA out of memory", '"out of memory"'),
        ("CUDA out of memory", "out mem*"), ("emoji 😀", '"😀"'), ('say "hi"', r'"\"hi\""'),
    ],
)  # fmt: skip
async def test_words_of_any_script(store: Store, body: str, query: str) -> None:
    """Parts of Korean, Chinese and Japanese words are found, as people expect who write without spaces."""
    await put(store, Entry(TRAINING, 1.0, body), Entry(TRAINING, 1.0, "something else 다른 것"))
    assert await bodies(store, query) == [body]


@pytest.mark.parametrize("query", ["이학", "학재", "oss", '"memory of"', "0236.0", "category", "easymaker"])
async def test_what_is_not_there_is_not_found(store: Store, query: str) -> None:
    await put(store, Entry(TRAINING, 1.0, "재학습이 loss=0.0236 out of memory"))
    assert await bodies(store, query) == []


async def test_further_fields(store: Store) -> None:
    """LG-21."""
    fields = json.dumps({"stage": "prod", "run": 7, "ok": True, "deep": {"a": 1}, 'a"b': "x"})
    await put(store, Entry(Source(category="mine"), 1.0, "sent", fields=fields), Entry(TRAINING, 1.0, "other"))
    for query in ("stage:prod", "stage:pr*", "run:7", "ok:true", "deep:*", "run:* AND sent", "NOT (NOT stage:PROD)"):
        assert await bodies(store, query) == ["sent"], query
    assert await bodies(store, "NOT stage:prod") == ["other"]
    assert await bodies(store, "stage:test OR a:1") == []


async def test_time_range(store: Store) -> None:
    for second in range(100):
        await put(store, Entry(TRAINING, float(second), str(second)))
    assert await bodies(store, "time:[1970-01-01T00:00:10 TO 1970-01-01T00:00:12]") == ["10", "11", "12"]
    assert await bodies(store, "time:[1970-01-01T00:01:38 TO *]") == ["98", "99"]
    assert await bodies(store, "NOT time:[1970-01-01T00:00:02 TO *]") == ["0", "1"]
    assert await bodies(store, "time:[2000-01-01 TO *]") == []


async def test_pages_hold_everything_once_while_entries_arrive(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cursors are stable: what arrives meanwhile neither shifts nor doubles a page."""
    monkeypatch.setattr(log_search, "_FIRST_WINDOW", 7)
    for number in range(100):
        await put(store, Entry(TRAINING, 1.0, f"{'even' if number % 2 == 0 else 'odd'} {number}"))
    back: list[str] = []
    cursor = None
    while True:
        page = await ask(store, "even", cursor=cursor, limit=9)
        back += [found.entry.body for found in page.entries]
        await put(store, Entry(TRAINING, 1.0, f"even {1000 + len(back)}"))
        cursor = page.cursor
        if not page.has_more:
            break
    assert back == [f"even {number}" for number in range(98, -1, -2)]
    forth: list[str] = []
    after = 0
    for turn in range(30):
        page = await ask(store, "even", newest_first=False, cursor=after, limit=9)
        forth += [found.entry.body for found in page.entries]
        after = page.cursor
        if turn < 10:
            await put(store, Entry(TRAINING, 1.0, f"even {2000 + turn}"))
    assert len(forth) == len(set(forth))
    assert forth[:50] == back[::-1]
    assert forth[-1] == "even 2009"


async def test_whoever_runs_out_of_time_goes_on_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_search, "_FIRST_WINDOW", 10)
    monkeypatch.setattr(log_search, "_SLOW_SECONDS", -1.0)
    monkeypatch.setattr(log_search, "SECONDS", -1.0)
    await put(store, *(Entry(TRAINING, 1.0, "needle" if n in {3, 77} else "hay") for n in range(100)))
    for newest_first in (True, False):
        found: list[int] = []
        cursor, pages = None, 0
        while True:
            page = await ask(store, "NOT hay", newest_first=newest_first, cursor=cursor)
            found += [entry.id for entry in page.entries]
            cursor, pages = page.cursor, pages + 1
            if not page.has_more:
                break
        assert found == ([78, 4] if newest_first else [4, 78])
        assert pages == 10


async def test_a_page_is_bounded_by_bytes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_search, "PAGE_BYTES", 1000)
    await put(store, *(Entry(TRAINING, 1.0, "x" * 300) for _ in range(10)))
    page = await ask(store, "")
    assert (len(page.entries), page.has_more) == (4, True)


# -- against an evaluator that knows nothing but the words of the query

WORDS = ["loss", "Loss", "epoch", "los", "오류", "류", "x1", "0"]
BODY = st.lists(st.sampled_from([*WORDS, "val_loss", "loss=0", "치명오류", "--", "a-b"]), max_size=5).map(" ".join)
VALUES = st.sampled_from(["t1", "t2", "T1", "a%b", "a_b", "", "\\"])
SOURCES = st.builds(
    Source, training_id=st.none() | VALUES, log_level=st.sampled_from(list(Level)), node=st.none() | st.sampled_from("01")
)
FIELDS = st.dictionaries(st.sampled_from(["k", "my.k"]), VALUES | st.integers(0, 2) | st.booleans())
ENTRIES = st.lists(
    st.builds(Entry, SOURCES, st.integers(0, 9).map(float), BODY, st.none() | VALUES, st.none() | FIELDS.map(json.dumps)),
    max_size=12,
)
LEAVES = st.one_of(
    st.just(Everything()),
    st.builds(Text, st.sampled_from([*WORDS, "loss epoch", "val_loss", "a-b", "--", "x"]), st.booleans()),
    st.builds(
        FieldIs, st.sampled_from(["trainingId", "logLevel", "node", "inferenceId", "k", "my.k", "none"]),
        VALUES | st.sampled_from(["INFO", "error", "0", "1", "true"]), st.booleans(),
    ),
    st.builds(HasField, st.sampled_from(["trainingId", "logLevel", "inferenceId", "k", "none", "time", "body"])),
    st.builds(TimeRange, st.none() | st.integers(0, 9).map(float), st.none() | st.integers(0, 9).map(float)),
)  # fmt: skip
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=8,
)


def tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", prepare(text).lower())


def matches(node: Node, entry: Entry) -> bool:
    match node:
        case Everything():
            return True
        case And(parts):
            return all(matches(part, entry) for part in parts)
        case Or(parts):
            return any(matches(part, entry) for part in parts)
        case Not(part):
            return not matches(part, entry)
        case TimeRange(first, last):
            return (first is None or entry.time >= first) and (last is None or entry.time <= last)
        case Text(text, prefix):
            wanted, there = tokens(text), tokens(entry.body)
            if not wanted:
                return text in entry.body
            for start in range(len(there) - len(wanted) + 1):
                piece = there[start : start + len(wanted)]
                last_fits = piece[-1].startswith(wanted[-1]) if prefix else piece[-1] == wanted[-1]
                if piece[:-1] == wanted[:-1] and last_fits:
                    return True
            return False
        case HasField(name):
            return value_of(entry, name) is not None
        case FieldIs(name, value, prefix):
            found = value_of(entry, name)
            if found is None:
                return False
            return found.lower().startswith(value.lower()) if prefix else found.lower() == value.lower()


def value_of(entry: Entry, name: str) -> str | None:
    if name in SOURCE_FIELDS:
        value = getattr(entry.source, SOURCE_FIELDS[name])
    else:
        fields = json.loads(entry.fields or "{}")
        value = {"inferenceId": entry.inference_id, "time": entry.time, "body": entry.body}.get(name, fields.get(name))
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    entries=ENTRIES, query=QUERIES, window=st.integers(1, 5), rare=st.sampled_from([0.0, 1.0, 100.0]), limit=st.integers(1, 20)
)
def test_sql_finds_what_the_query_says(entries: list[Entry], query: Node, window: int, rare: float, limit: int) -> None:
    """Whatever plan is chosen (``rare`` decides), both directions, all windows."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    from sqlite_utils import Database

    log_migrations.apply(Database(db))
    for entry in entries:
        logs.append(db, [entry], 1.0)
    expected = [number for number, entry in enumerate(entries, 1) if matches(query, entry)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_search, "_FIRST_WINDOW", window)
        patch.setattr(log_search, "_RARE", rare)
        for newest_first in (True, False):
            found: list[int] = []
            cursor = None
            while True:
                page = search(db, query, newest_first=newest_first, cursor=cursor, limit=limit)
                found += [entry.id for entry in page.entries]
                cursor = page.cursor
                if not page.has_more:
                    break
            assert found == (expected[::-1] if newest_first else expected)
    db.close()


async def test_readers_do_not_wait_for_the_writer(store: Store) -> None:
    await put(store, Entry(TRAINING, 1.0, "one"))
    held, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(db: sqlite3.Connection) -> None:
        logs.append(db, [Entry(TRAINING, 1.0, "two")], 1.0)
        loop.call_soon_threadsafe(held.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()

    writing = asyncio.create_task(store.write(slow))
    await held.wait()
    assert await bodies(store, "") == ["one"]
    go_on.set()
    await writing
    assert await bodies(store, "") == ["one", "two"]
