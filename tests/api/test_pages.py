"""Lists in pages: our addition to calls that otherwise return everything (rest-api §1.6)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.domain.experiment import Experiment, ExperimentStatus
from easymaker_local.settings import Settings
from easymaker_local.store import experiments, trainings
from easymaker_local.testing.appliance import Appliance, plain_image
from easymaker_local.testing.factories import make_training

COUNT = 250


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """A daemon on a home with trainings in two experiments, five of one moment each."""
    home = tmp_path_factory.mktemp("pages") / "home"
    plain_image(home)
    made = Appliance(home, "process")
    made.start()
    made.stop()
    fill(Settings(home=home).database)
    made.start()
    yield made
    made.discard()


@pytest.fixture
def client(filled: Appliance) -> Iterator[httpx.Client]:
    with filled.client() as made:
        yield made


def fill(database: Path) -> None:
    with closing(sqlite3.connect(database)) as db:
        for number in range(2):
            experiments.add(db, Experiment(f"e{number}", f"e {number}", None, ExperimentStatus.ACTIVE, None, float(number)))
        for number in range(COUNT):
            training = make_training(
                training_id=f"{number * 37 % COUNT:04x}", created_at=1000.0 + number // 5 / 3, experimentId=f"e{number % 2}",
                trainingName=f"name-{number % 100}",
            )  # fmt: skip
            trainings.add(db, training)
        db.execute("UPDATE trainings SET is_finished = 1, status = 'COMPLETE', finished_at = created_at")
        db.execute("UPDATE trainings SET status = 'FAIL_TRAIN' WHERE CAST(created_at AS INTEGER) % 4 = 0")
        db.execute("UPDATE trainings SET status = 'STOPPED' WHERE CAST(created_at AS INTEGER) % 4 = 1")
        db.commit()


def rows(client: httpx.Client, path: str = "/trainings", key: str = "trainingList", **query: Any) -> list[dict[str, Any]]:
    answer = client.get(path, params=query).raise_for_status().json()
    assert answer["header"] == {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
    found: list[dict[str, Any]] = answer[key]
    return found


@pytest.mark.parametrize("limit", [1, 7, 125, 250, 1000])
@pytest.mark.parametrize(
    "query",
    [{}, {"experimentId": "e1"}, {"trainingStatusCodeList": ["FAIL_TRAIN", "STOPPED"], "experimentId": "e0"},
     {"trainingName": "name-7"}, {"trainingIdPrefix": "00a"}],
    ids=lambda query: ",".join(query) or "all",
)  # fmt: skip
def test_the_pages_are_the_whole_list(client: httpx.Client, limit: int, query: dict[str, Any]) -> None:
    """Of rows of one moment too, none is doubled and none is left out."""
    whole = rows(client, **query)
    assert len(whole) == len({row["trainingId"] for row in whole}) > 2
    paged: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        answer = client.get("/trainings", params={**query, "limit": limit, **more}).json()
        assert len(answer["trainingList"]) <= limit
        paged += answer["trainingList"]
        cursor = answer["nextCursor"]
        if cursor is None:
            break
        assert len(answer["trainingList"]) == limit, "only the last page is shorter"
    assert paged == whole


def test_without_parameters_everything_comes_newest_first(client: httpx.Client) -> None:
    """The SDK knows no paging: rest-api §1.6. More rows than one piece holds."""
    found = rows(client)
    assert len(found) == COUNT
    moments = [row["createdDatetime"] for row in found]
    assert moments == sorted(moments, reverse=True)
    assert client.get(f"/trainings/{found[200]['trainingId']}").json()["training"] == found[200], "the same as alone"


def test_filters_are_exact(client: httpx.Client) -> None:
    assert {row["trainingName"] for row in rows(client, trainingName="name-7")} == {"name-7"}
    assert rows(client, trainingName="name-") == []
    statuses = ["FAIL_TRAIN", "STOPPED", "STOPPED"]
    found = rows(client, trainingStatusCodeList=statuses)
    assert {row["trainingStatusCode"] for row in found} == {"FAIL_TRAIN", "STOPPED"}
    assert len(found) == sum(row["trainingStatusCode"] in statuses for row in rows(client))
    assert {row["trainingId"] for row in rows(client, trainingIdPrefix="00a")} == {f"00a{n:x}" for n in range(16)}
    assert rows(client, trainingIdPrefix="00%") == []


def test_what_is_deleted_or_made_meanwhile_moves_nothing(client: httpx.Client) -> None:
    first = client.get("/trainings", params={"limit": 3}).json()
    following = rows(client, limit=3, cursor=first["nextCursor"])
    last = first["trainingList"][-1]["trainingId"]
    assert client.delete(f"/trainings/{last}").json()["header"]["isSuccessful"]
    assert rows(client, limit=3, cursor=first["nextCursor"]) == following


def test_experiments_have_pages_too(client: httpx.Client) -> None:
    whole = rows(client, "/experiments", "experimentList")
    assert [row["experimentId"] for row in whole] == ["e1", "e0"]
    first = client.get("/experiments", params={"limit": 1}).json()
    second = client.get("/experiments", params={"limit": 1, "cursor": first["nextCursor"]}).json()
    assert first["experimentList"] + second["experimentList"] == whole
    assert second["nextCursor"] is None
    assert rows(client, "/experiments", "experimentList", experimentIdPrefix="e0") == [whole[1]]


def test_lists_are_searched_sorted_and_counted(client: httpx.Client) -> None:
    """GN-13: by name or the beginning of the id, in the order that is wanted, with the number of all in pages."""
    query = {"keyword": "ME-1", "sortBy": "name", "limit": 20}
    first = client.get("/trainings", params=query).json()
    names = [row["trainingName"] for row in first["trainingList"]]
    assert names == sorted(names)
    assert all("me-1" in name for name in names)
    whole = rows(client, keyword="ME-1", sortBy="name")
    assert first["totalCount"] == len(whole) > 20
    second = client.get("/trainings", params={**query, "cursor": first["nextCursor"]}).json()
    assert second["totalCount"] == len(whole)
    assert first["trainingList"] + second["trainingList"] == whole[:40]
    assert rows(client, keyword="ME-1", sortBy="name", sortOrder="DESC") == whole[::-1]
    assert client.get("/trainings").json()["totalCount"] is None, "only where pages are asked for"
    statuses = [row["trainingStatusCode"] for row in rows(client, sortBy="status")]
    assert statuses == sorted(statuses)


def test_a_cursor_of_another_order_is_refused(client: httpx.Client) -> None:
    cursor = client.get("/trainings", params={"limit": 3, "sortBy": "name"}).json()["nextCursor"]
    answer = client.get("/trainings", params={"limit": 3, "sortBy": "status", "cursor": cursor})
    assert answer.status_code == 422
    (fault,) = answer.json()["fieldErrors"]
    expected = "belongs to a list with sortBy=name&sortOrder=ASC, not sortBy=status&sortOrder=ASC"
    assert fault == {"field": "cursor", "message": expected}


LISTS = {
    "/experiments": ("experimentList", "experimentName"), "/trainings": ("trainingList", "trainingName"),
    "/training-templates": ("trainingTemplateList", "trainingTemplateName"),
    "/hyperparameter-tunings": ("hyperparameterTuningList", "hyperparameterTuningName"), "/models": ("modelList", "modelName"),
    "/endpoints": ("endpointList", "endpointName"), "/endpoint-stages": ("endpointStageList", "endpointStageName"),
}  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("by", ["createdDatetime", "name", "status"])
def test_every_list_is_searched_and_sorted(client: httpx.Client, path: str, by: str) -> None:
    key, name = LISTS[path]
    answer = client.get(path, params={"keyword": "e", "sortBy": by, "sortOrder": "ASC", "limit": 2})
    if path == "/training-templates" and by == "status":
        assert answer.json()["fieldErrors"][0]["field"] == "sortBy", "they have none"
        return
    found = answer.raise_for_status().json()
    assert found["totalCount"] >= len(found[key])
    assert all("e" in row[name] for row in found[key])


@pytest.mark.parametrize(
    ("field", "value"),
    [("limit", "0"), ("limit", "1001"), ("limit", "many"), ("cursor", "x"), ("cursor", "nan_a"), ("cursor", "1.0"),
     ("cursor", "1.0_"), ("trainingStatusCodeList", "DONE"), ("trainingIdPrefix", ""), ("keyword", ""), ("sortBy", "size"),
     ("sortOrder", "down")],
)  # fmt: skip
def test_what_is_no_page_is_refused_by_its_field(client: httpx.Client, field: str, value: str) -> None:
    answer = client.get("/trainings", params={field: value})
    assert answer.status_code == 422
    assert [fault["field"].partition(".")[0] for fault in answer.json()["fieldErrors"]] == [field]
