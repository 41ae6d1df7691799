"""How SQLite finds what is asked again and again: never by looking at every row there is."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from easymaker_local.domain.experiment import ExperimentStatus
from easymaker_local.domain.model_record import ModelStatus
from easymaker_local.domain.page import Cursor, Order, PageRequest, SortBy, SortOrder
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.store import (
    Store,
    events,
    experiments,
    failures,
    ledger,
    models,
    resource_search,
    training_templates,
    trainings,
)
from easymaker_local.store.resource_search import Match

pytestmark = pytest.mark.anyio

PLACE = Cursor(5.0, "t5")
BY_NAME, BY_STATUS = Order.of(SortBy.NAME, None), Order(SortBy.STATUS, SortOrder.DESC)
Ask = Callable[[sqlite3.Connection], object]

# What is walked from its beginning: the newest rows of a page, or an index of the few that have not ended.
WALKED = {
    "trainings_created",
    "trainings_name",
    "experiments_created",
    "training_templates_created",
    "trainings_unfinished",
    "trainings_started",
    "models_created",
    "models_unfinished",
    "models_checksum",
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "state.db")
    made.open()
    yield made
    made.close()


def list_trainings(wanted: trainings.Wanted, after: Cursor | None = None) -> Ask:
    return lambda db: trainings.page(db, wanted, PageRequest(after=after, count=50))


def sort_trainings(wanted: trainings.Wanted, order: Order, value: str) -> Ask:
    """A page in the middle, with how many there are in all."""
    request = PageRequest(order, after=Cursor(5.0, "t5", order, value), count=50, with_total=True)
    return lambda db: trainings.page(db, wanted, request)


def list_experiments(wanted: experiments.Wanted, after: Cursor | None = None) -> Ask:
    return lambda db: experiments.page(db, wanted, PageRequest(after=after, count=50))


def list_templates(wanted: training_templates.Wanted, after: Cursor | None = None) -> Ask:
    return lambda db: training_templates.page(db, wanted, PageRequest(after=after, count=50))


def list_models(wanted: models.Wanted, after: Cursor | None = None) -> Ask:
    return lambda db: models.page(db, wanted, PageRequest(after=after, count=50))


SEVERAL = (TrainingStatus.COMPLETE, TrainingStatus.FAIL_TRAIN)
ASKED: dict[str, Ask] = {
    "a training": lambda db: trainings.exists(db, "t1"),
    "its history": lambda db: events.of_resource(db, "training", "t1", 7),
    "the newest": list_trainings(trainings.Wanted()),
    "a page": list_trainings(trainings.Wanted(), PLACE),
    "a page of an experiment": list_trainings(trainings.Wanted("e1"), PLACE),
    "a page of statuses": list_trainings(trainings.Wanted(statuses=SEVERAL), PLACE),
    "a page of statuses in an experiment": list_trainings(trainings.Wanted("e1", statuses=SEVERAL), PLACE),
    "a page of a name": list_trainings(trainings.Wanted(name="name"), PLACE),
    "a page by name": sort_trainings(trainings.Wanted(), BY_NAME, "name"),
    "a page by status": sort_trainings(trainings.Wanted(), BY_STATUS, "COMPLETE"),
    "a page by name of a status": sort_trainings(trainings.Wanted(statuses=SEVERAL[:1]), BY_NAME, "name"),
    "the beginning of an id": list_trainings(trainings.Wanted(id_prefix="abc")),
    "unfinished": trainings.unfinished,
    "unfinished in an experiment": lambda db: trainings.unfinished(db, "e1"),
    "ids of unfinished": trainings.unfinished_ids,
    "what does not just wait": trainings.unqueued_ids,
    "begun": trainings.started,
    "ids of begun": trainings.started_ids,
    "the newest experiments": list_experiments(experiments.Wanted()),
    "a page of experiments": list_experiments(experiments.Wanted(), PLACE),
    "experiments of a name": list_experiments(experiments.Wanted(names=["name"])),
    "the beginning of an experiment's id": list_experiments(experiments.Wanted(id_prefix="abc")),
    "experiments in creation": lambda db: experiments.in_status(db, [ExperimentStatus.CREATE_REQUESTED]),
    "a page of templates": list_templates(training_templates.Wanted(), PLACE),
    "a page of templates of a name": list_templates(training_templates.Wanted(name="name"), PLACE),
    "the beginning of a template's id": list_templates(training_templates.Wanted(id_prefix="abc")),
    "a page of models": list_models(models.Wanted(), PLACE),
    "a page of models of a name": list_models(models.Wanted(name="name"), PLACE),
    "a page of models of a training": list_models(models.Wanted(training_id="t1"), PLACE),
    "a page of models of a tuning": list_models(models.Wanted(tuning_id="t1"), PLACE),
    "a page of models in a status": list_models(models.Wanted(statuses=[ModelStatus.ACTIVE]), PLACE),
    "the beginning of a model's id": list_models(models.Wanted(id_prefix="abc")),
    "models of a training": lambda db: models.made_from(db, "training_id", ["t1"]),
    "models of a tuning": lambda db: models.made_from(db, "tuning_id", ["t1"]),
    "what a model came from": lambda db: models.origin(db, "m1"),
    "models of a content": lambda db: models.is_needed(db, "c"),
    "ids of unfinished models": models.unfinished_ids,
    "names in the ledger": lambda db: ledger.names(db, [("training", "t1")]),
}
# Sorted: only what is selected, which is little, or the rows of a page.
SORTED = {
    "a page by name", "a page by status", "a page by name of a status",
    "the beginning of an id", "experiments of a name", "the beginning of an experiment's id",
    "the beginning of a template's id", "unfinished in an experiment", "the beginning of a model's id",
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
async def test_nothing_is_scanned(store: Store, what: str) -> None:
    plans = await store.read(lambda db: plans_of(db, ASKED[what]))
    assert plans
    for plan in plans:
        scanned = re.fullmatch(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", plan)
        assert scanned is None or scanned[2] in WALKED, plan
        assert "TEMP B-TREE" not in plan or what in SORTED, plan


async def test_counting_reads_an_index_only(store: Store) -> None:
    (plan,) = await store.read(lambda db: plans_of(db, trainings.count_by_status))
    assert plan == "SCAN trainings USING COVERING INDEX trainings_status"


async def test_failures_are_found_without_those_that_did_not_fail(store: Store) -> None:
    plans = await store.read(lambda db: plans_of(db, lambda db: failures.newest(db, 10)))
    assert [plan for plan in plans if "trainings" in plan] == ["SCAN trainings USING INDEX trainings_failed"]


@pytest.mark.parametrize("match", Match)
async def test_a_search_looks_at_indexes_of_trainings(store: Store, match: Match) -> None:
    plans = await store.read(lambda db: plans_of(db, lambda db: resource_search.find(db, "word", match, 20)))
    walked = [plan for plan in plans if plan.startswith("SCAN trainings")]
    assert set(walked) <= {
        "SCAN trainings USING COVERING INDEX trainings_created", "SCAN trainings USING INDEX trainings_tagged",
    }  # fmt: skip


async def test_a_scan_would_be_seen(store: Store) -> None:
    plans = await store.read(lambda db: plans_of(db, lambda db: db.execute("SELECT * FROM trainings WHERE message = 1")))
    assert plans == ["SCAN trainings"]


def plans_of(db: sqlite3.Connection, ask: Ask) -> list[str]:
    """Return the steps of every statement that ``ask`` runs."""
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    try:
        ask(db)
    finally:
        db.set_trace_callback(None)
    return [row["detail"] for text in statements for row in db.execute(f"EXPLAIN QUERY PLAN {text}")]
