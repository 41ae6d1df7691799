"""Pages of lists in any order: together they are the whole list, and they look at no more than they have to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import product

import pytest

from easymaker_local.domain.experiment import Experiment, ExperimentStatus
from easymaker_local.domain.page import Cursor, Order, Page, PageRequest, SortBy, SortOrder
from easymaker_local.domain.training import Training, TrainingStatus
from easymaker_local.store import Store, experiments, trainings
from easymaker_local.testing.factories import make_training

pytestmark = pytest.mark.anyio

NAMES = ["zebra", "Apple", "apple", "100%", "a_b", "Ärger", "이름", "APPLE", "apples"]
STATUSES = ["COMPLETE", "FAIL_TRAIN", "STOPPED"]
COUNT = 60

ORDERS = [Order(by, direction) for by, direction in product(SortBy, SortOrder)]
WANTED = {
    "all": trainings.Wanted(),
    "of an experiment": trainings.Wanted("e1"),
    "of two statuses": trainings.Wanted(statuses=[TrainingStatus.STOPPED, TrainingStatus.COMPLETE]),
    "of a name": trainings.Wanted(name="apple"),
}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """Trainings of which three each are of one moment, and many of one name or status."""
    path = tmp_path_factory.mktemp("paging") / "state.db"
    store = Store(path)
    store.open()
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    for number in range(2):
        experiments.add(connection, Experiment(f"e{number}", f"e{number}", None, ExperimentStatus.ACTIVE, None, 1.0))
    for number in range(COUNT):
        training = make_training(
            training_id=f"{number * 37 % COUNT:03x}", created_at=float(number // 3), experimentId=f"e{number % 2}",
            trainingName=NAMES[number % len(NAMES)],
        )  # fmt: skip
        trainings.add(connection, training)
        status = STATUSES[number // 2 % 3]
        connection.execute("UPDATE trainings SET status = ?, is_finished = 1 WHERE id = ?", (status, training.id))
    connection.commit()
    yield connection
    connection.close()
    store.close()


def pages(db: sqlite3.Connection, wanted: trainings.Wanted, size: int, request: PageRequest) -> Iterator[Page[object]]:
    after: Cursor | None = None
    while True:
        page = trainings.page(db, wanted, PageRequest(request.order, request.keyword, after, size, with_total=True))
        yield page
        if page.after is None:
            return
        after = Cursor.parse(str(page.after))


def key(training: object, order: Order) -> tuple[str, float, str]:
    assert isinstance(training, Training)
    lower = "".join(c.lower() if c.isascii() else c for c in training.name)
    value = {SortBy.CREATED: "", SortBy.NAME: lower, SortBy.STATUS: str(training.status)}[order.by]
    return value, -training.created_at, training.id


@pytest.mark.parametrize("size", [1, 7, COUNT])
@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("wanted", WANTED)
def test_the_pages_of_any_order_are_the_whole_list(db: sqlite3.Connection, wanted: str, order: Order, size: int) -> None:
    """GN-13. Among equals the newest is first; the opposite order is the same list from its end."""
    selected = WANTED[wanted]
    whole = trainings.page(db, selected).rows
    assert len(whole) > 2
    found = list(pages(db, selected, size, PageRequest(order)))
    rows = [row for page in found for row in page.rows]
    assert rows == sorted(whole, key=lambda row: key(row, order), reverse=order.is_turned)
    assert {page.total for page in found} == {len(whole)}
    assert all(len(page.rows) == size for page in found[:-1]), "only the last page is shorter"


@pytest.mark.parametrize(
    ("keyword", "names"),
    [("appl", {"Apple", "apple", "APPLE", "apples"}), ("ZEBRA", {"zebra"}), ("%", {"100%"}), ("_", {"a_b"}), ("이", {"이름"}),
     ("\\", set()), ("e", {"zebra", "Apple", "apple", "APPLE", "apples", "Ärger"})],
)  # fmt: skip
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_keyword_is_a_part_of_the_name_in_any_case(
    db: sqlite3.Connection, order: Order, keyword: str, names: set[str]
) -> None:
    found = list(pages(db, trainings.Wanted(), 4, PageRequest(order, keyword)))
    rows = [row for page in found for row in page.rows]
    assert {row.name for row in rows if isinstance(row, Training)} == names
    of_names = [row for row in trainings.page(db).rows if row.name in names]
    assert len(rows) == len(of_names) == found[0].total


def test_a_keyword_is_also_the_beginning_of_an_id(db: sqlite3.Connection) -> None:
    found = ids(trainings.page(db, trainings.Wanted(), PageRequest(keyword="01")).rows)
    assert len(found) > 2
    assert all(id_.startswith("01") for id_ in found)


def ids(rows: Sequence[object]) -> list[str]:
    return [row.id for row in rows if isinstance(row, Training)]
