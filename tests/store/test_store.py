"""The store: all or nothing, compare-and-set, one snapshot per read, events beside every change."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.domain.experiment import Experiment, ExperimentStatus
from easymaker_local.domain.gpu import Gpu, Inventory
from easymaker_local.domain.ledger import Amount, Machine, Plan, Priority, Waiting
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import TRANSITIONS, Desired, Training, TrainingStatus
from easymaker_local.errors import BrokenRecord, Conflict, DaemonError, DatabaseUnavailable, NotFound, StaleRecord
from easymaker_local.store import Store, database, events, experiments, ledger, trainings
from easymaker_local.store.objects import open_index
from easymaker_local.testing.factories import make_training

pytestmark = pytest.mark.anyio
S = TrainingStatus


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "state.db")
    made.open()
    yield made
    made.close()


def experiment(name: str = "experiment", experiment_id: str = "e1", created_at: float = 1.0) -> Experiment:
    return Experiment(experiment_id, name, None, ExperimentStatus.ACTIVE, None, created_at)


async def with_training(store: Store, **fields: object) -> Training:
    training = make_training(**fields)  # type: ignore[arg-type]

    def insert(db: sqlite3.Connection) -> None:
        if experiments.find(db, "e1") is None:
            experiments.add(db, experiment())
        trainings.add(db, training)

    await store.write(insert)
    return training


async def get(store: Store, training: Training) -> Training:
    return await store.read(lambda db: trainings.get(db, training.id))


async def test_a_training_comes_back_as_it_was_put_in(store: Store) -> None:
    training = await with_training(store, description="words", hyperparameterList=[{"parameterName": "a"}])
    assert await get(store, training) == training


async def test_a_failed_write_changes_nothing(store: Store) -> None:
    training = await with_training(store)

    def half(db: sqlite3.Connection) -> None:
        trainings.transition(db, training, to=S.CREATE_IN_PROGRESS, cause=None, now=2.0)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await store.write(half)
    assert (await get(store, training)).status is S.CREATE_REQUESTED
    history = await store.read(lambda db: events.of_resource(db, "training", training.id))
    assert [event.status for event in history] == ["CREATE_REQUESTED"]


async def test_a_transition_from_a_status_that_is_no_longer_there_is_refused(store: Store) -> None:
    seen = await with_training(store)
    await store.write(lambda db: trainings.transition(db, seen, to=S.CREATE_IN_PROGRESS, cause=None, now=2.0))
    with pytest.raises(StaleRecord):
        await store.write(lambda db: trainings.transition(db, seen, to=S.CREATE_FAILED, cause=None, now=3.0))
    assert (await get(store, seen)).status is S.CREATE_IN_PROGRESS


@pytest.mark.parametrize("to", [s for s in S if s not in TRANSITIONS[S.CREATE_REQUESTED]])
async def test_only_transitions_of_the_diagram_are_written(store: Store, to: TrainingStatus) -> None:
    """TR-48."""
    training = await with_training(store)
    with pytest.raises(AssertionError, match="never becomes"):
        await store.write(lambda db: trainings.transition(db, training, to=to, cause=None, now=2.0))


async def test_times_and_causes_of_a_life(store: Store) -> None:
    """TR-32."""
    training = await with_training(store)
    cause = Cause(Reason.EXIT_CODE, "ended with 3")
    for at, (to, why) in enumerate(
        [(S.CREATE_IN_PROGRESS, None), (S.RUNNING, None), (S.FAIL_TRAIN_IN_PROGRESS, cause), (S.FAIL_TRAIN, cause)]
    ):  # fmt: skip
        current = await get(store, training)
        await store.write(lambda db, c=current, t=to, w=why, n=at: trainings.transition(db, c, to=t, cause=w, now=n))
    ended = await get(store, training)
    assert (ended.started_at, ended.finished_at, ended.cause) == (1.0, 3.0, cause)
    assert ended.elapsed_seconds(99.0) == 2
    assert await store.read(trainings.unfinished_ids) == []


async def test_a_wish_is_written_only_in_the_status_that_permitted_it(store: Store) -> None:
    seen = await with_training(store)
    await store.write(lambda db: trainings.transition(db, seen, to=S.CREATE_IN_PROGRESS, cause=None, now=2.0))
    with pytest.raises(StaleRecord):
        await store.write(lambda db: trainings.want(db, seen, Desired.STOP, 3.0, "stop"))
    assert (await get(store, seen)).desired is Desired.RUN


async def test_progress_words_are_shown_and_not_kept(store: Store) -> None:
    training = await with_training(store)
    for text in ("10 %", "20 %"):
        current = await get(store, training)
        cause = Cause(Reason.PREPARING_ENVIRONMENT, text)
        await store.write(lambda db, t=current, c=cause: trainings.explain(db, t, c, 2.0))
    assert (await get(store, training)).cause == Cause(Reason.PREPARING_ENVIRONMENT, "20 %")
    history = await store.read(lambda db: events.of_resource(db, "training", training.id))
    assert [event.message for event in history if event.type == "NOTE"] == ["10 %"]


async def test_events_can_be_followed_by_id(store: Store) -> None:
    training = await with_training(store)
    first = await store.read(lambda db: events.of_resource(db, "training", training.id))
    await store.write(lambda db: trainings.want(db, training, Desired.STOP, 3.0, "stop"))
    more = await store.read(lambda db: events.of_resource(db, "training", training.id, after=first[-1].id))
    assert [event.message for event in more] == ["stop"]


async def test_names_of_experiments_are_unique_until_deleted(store: Store) -> None:
    await store.write(lambda db: experiments.add(db, experiment()))
    with pytest.raises(Conflict, match="exists already"):
        await store.write(lambda db: experiments.add(db, experiment(experiment_id="e2")))
    await store.write(lambda db: experiments.bury(db, "e1", 2.0))
    await store.write(lambda db: experiments.add(db, experiment(experiment_id="e2")))
    with pytest.raises(NotFound):
        await store.read(lambda db: experiments.get(db, "e1"))
    tombstone = await store.read(lambda db: experiments.find(db, "e1"))
    assert tombstone is not None
    assert tombstone.name == "experiment", "EX-21: its last name"


async def test_a_rehearsal_raises_what_a_write_would_and_changes_nothing(store: Store) -> None:
    await store.rehearse(lambda db: experiments.add(db, experiment()))
    assert (await store.read(experiments.page)).rows == []
    await store.write(lambda db: experiments.add(db, experiment()))
    with pytest.raises(Conflict, match="exists already"):
        await store.rehearse(lambda db: experiments.add(db, experiment(experiment_id="e2")))
    assert [e.id for e in (await store.read(experiments.page)).rows] == ["e1"]
    assert len(await store.read(lambda db: events.of_resource(db, "experiment", "e1"))) == 1


async def test_filters_of_experiments_intersect(store: Store) -> None:
    for number in range(3):
        made = experiment(f"n{number}", f"e{number}", float(number))
        await store.write(lambda db, made=made: experiments.add(db, made))
    newest_first = await store.read(lambda db: experiments.page(db))
    assert [e.id for e in newest_first.rows] == ["e2", "e1", "e0"]
    both = await store.read(lambda db: experiments.page(db, experiments.Wanted(ids=["e0", "e1"], names=["n1", "n2"])))
    assert [e.id for e in both.rows] == ["e1"]
    assert (await store.read(lambda db: experiments.page(db, experiments.Wanted(names=[])))).rows == []


MACHINE = Machine(Amount(8000, 16384), Inventory(tuple(Gpu(f"GPU-{n}", str(n), "A100", 40960) for n in range(2))))
NODE = Amount(1000, 2048)


async def admit(store: Store, now: float = 11.0) -> Plan:
    return await store.write(lambda db: ledger.admit(db, MACHINE, now=now, backfill_seconds=600))


async def test_the_queue_is_by_class_and_creation_and_what_starts_leaves_it(store: Store) -> None:
    """IT-L04: once, whoever asks again."""
    requests = [Waiting("training", f"t{n}", (NODE,) * n, created_at=n, queued_at=10.0, limit_seconds=60.0) for n in (3, 1)]
    notebook = Waiting("notebook", "n1", (NODE,), priority=Priority.INTERACTIVE, created_at=9.0)
    for request in (*requests, notebook):
        assert await store.write(lambda db, r=request: ledger.enqueue(db, r))
        assert not await store.write(lambda db, r=request: ledger.enqueue(db, r))
    assert await store.read(ledger.queue) == [notebook, requests[1], requests[0]]
    assert await store.read(ledger.needs_pass)
    plan = await admit(store)
    assert [grant.request for grant in plan.grants] == [notebook, requests[1], requests[0]]
    assert await store.read(ledger.queue) == []
    booked = await store.read(ledger.booked)
    assert [b.member for b in booked if b.resource_id == "t3"] == ["node-0", "node-1", "node-2"]
    assert {(b.since, b.limit_seconds, b.amount) for b in booked if b.kind == "training"} == {(11.0, 60.0, NODE)}
    assert set(await store.read(lambda db: ledger.holdings(db, "training", "t3"))) == {"node-0", "node-1", "node-2"}
    assert await store.write(lambda db: ledger.release(db, "training", "t3", 12.0))
    assert not await store.write(lambda db: ledger.release(db, "training", "t3", 12.0))
    assert await store.read(lambda db: ledger.holdings(db, "training", "t3")) == {}


async def test_since_when_the_head_waits_outlives_a_pass(store: Store) -> None:
    """IT-L04."""
    big = Waiting("training", "big", (Amount(8000, 1024),), created_at=2.0)
    for request in (Waiting("training", "holder", (NODE,), created_at=1.0), big):
        await store.write(lambda db, r=request: ledger.enqueue(db, r))
    for now in (11.0, 12.0):
        await admit(store, now)
        (waiting,) = await store.read(ledger.queue)
        assert (waiting.resource_id, waiting.blocked_since) == ("big", 11.0)
    assert await store.write(lambda db: ledger.release(db, "training", "big", 13.0)), "it leaves the queue"
    assert await store.read(ledger.queue) == []


async def test_devices_are_kept_until_they_are_idle(store: Store) -> None:
    """IT-L03: CPU and memory are given back at the end, a device when the driver has seen it idle."""
    request = Waiting("training", "t1", (Amount(1000, 2048, 1),) * 2)
    await store.write(lambda db: ledger.enqueue(db, request))
    await admit(store)
    held = await store.read(lambda db: ledger.holdings(db, "training", "t1"))
    assert held == {"node-0": ("GPU-0",), "node-1": ("GPU-1",)}
    assert await store.write(lambda db: ledger.release(db, "training", "t1", 20.0))
    assert await store.read(lambda db: ledger.holdings(db, "training", "t1")) == {}
    rest = await store.read(ledger.booked)
    assert [(b.amount, b.devices, b.ended_at) for b in rest] == [
        (Amount(0, 0, 1), ("GPU-0",), 20.0), (Amount(0, 0, 1), ("GPU-1",), 20.0),
    ]  # fmt: skip
    await store.write(lambda db: ledger.enqueue(db, request))
    plan = await admit(store)
    assert not plan.grants
    cause = plan.cause(("training", "t1"))
    assert cause is not None
    assert "its GPU is not idle yet" in cause.message
    assert await store.write(lambda db: ledger.settle(db, {"GPU-1"}, 19.0)) == []
    assert [b.devices for b in await store.read(ledger.booked)] == [("GPU-0",)]
    (late,) = await store.write(lambda db: ledger.settle(db, set(), 20.0))
    assert late.devices == ("GPU-0",)
    assert (await admit(store)).grants, "the same resource may be booked again"
    assert not await store.read(ledger.needs_pass)


async def test_writers_never_meet_and_readers_do_not_wait(store: Store) -> None:
    await store.write(lambda db: db.execute("CREATE TABLE counter (n INTEGER)"))
    await store.write(lambda db: db.execute("INSERT INTO counter VALUES (0)"))

    def increment(db: sqlite3.Connection) -> None:
        (value,) = db.execute("SELECT n FROM counter").fetchone()
        db.execute("UPDATE counter SET n = ?", (value + 1,))

    await asyncio.gather(*(store.write(increment) for _ in range(200)))
    (value,) = await store.read(lambda db: tuple(db.execute("SELECT n FROM counter").fetchone()))
    assert value == 200


async def test_what_was_committed_survives_a_new_store(store: Store, tmp_path: Path) -> None:
    training = await with_training(store)
    again = Store(tmp_path / "state.db")
    again.open()
    assert (await get(again, training)).id == training.id
    again.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"this is not a database, but it is long enough to be looked at" * 20)
    store = Store(tmp_path / "state.db")
    with pytest.raises(DaemonError, match="cannot be opened"):
        store.open()
    store.close()
    assert (tmp_path / "state.db").read_bytes().startswith(b"this is not"), "nothing was overwritten"


async def test_ten_that_find_it_locked_wait_as_long_as_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is refused with the reason, and nothing of it is written."""
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.3)
    tried: list[int] = []

    def insert(db: sqlite3.Connection) -> None:
        tried.append(1)

    with contextlib.closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = await asyncio.gather(*(store.write(insert) for _ in range(10)), return_exceptions=True)
        assert {type(error) for error in found} == {DatabaseUnavailable}
        assert "locked by another program" in str(found[0])
        assert (await store.read(experiments.page)).rows == [], "reading goes on"
    assert tried == []
    await store.write(insert)


def test_an_index_that_is_locked_is_not_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is good, and somebody else's for a moment."""
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    path = tmp_path / "objects.db"
    open_index(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DaemonError, match="locked"):
            open_index(path)
    assert [file.name for file in tmp_path.iterdir()] == ["objects.db"]
    open_index(path).close()


async def test_a_booking_whose_devices_cannot_be_read(store: Store) -> None:
    """Its amounts still count; whoever holds it is left alone, since what it holds is not known."""
    training = await with_training(store)

    def spoil(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO bookings VALUES ('training', ?, 'node-0', 1000, 512, '[', 1.0, NULL, NULL)", (training.id,))

    await store.write(spoil)
    (booking,) = await store.read(ledger.booked)
    assert (booking.amount.cpu_milli, booking.amount.memory_mib, booking.devices) == (1000, 512, ())
    assert await store.read(ledger.broken) == [("training", training.id)]
    with pytest.raises(BrokenRecord):
        await store.read(lambda db: ledger.holdings(db, "training", training.id))


async def test_a_type_of_event_that_is_none_hides_no_history(store: Store) -> None:
    training = await with_training(store)
    await store.write(lambda db: db.execute("UPDATE events SET type = 'DREAM'"))
    (event,) = await store.read(lambda db: events.of_resource(db, "training", training.id))
    assert (event.type, event.status) == (events.EventType.NOTE, "CREATE_REQUESTED")
