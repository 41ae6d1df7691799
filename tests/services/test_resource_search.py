"""One search over everything: what fits, and what fits best."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.domain.experiment import ExperimentSpec
from easymaker_local.domain.training_template import TrainingTemplateSpec
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import TEMPLATE
from tests.controllers.stage_rows import insert_stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    transport, url = httpx.ASGITransport(app=app), "http://127.0.0.1/v1.0/appkeys/key"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers={"X-EasyMaker-Token": "token"}) as made:
        yield made


async def find(client: httpx.AsyncClient, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = await client.get("/search", params={"query": query, **more})
    found: list[dict[str, Any]] = answer.raise_for_status().json()["searchResultList"]
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in found]


async def train(bench: Bench, name: str, **fields: Any) -> str:
    bench.clock.advance(1)
    return (await bench.create(trainingName=name, **fields)).id


async def test_the_best_comes_first(bench: Bench, client: httpx.AsyncClient) -> None:
    """An exact name, names that begin so from A to Z, names with it and then the rest from the newest on."""
    tag = [{"tagKey": "flower", "tagValue": "Iris"}]
    for name, fields in (
        ("by word", {"description": "learns IRIS"}), ("my iris", {}), ("your iris", {}), ("iris b", {}), ("Iris a", {}),
        ("by tag", {"tagList": tag}), ("IRIS", {}), ("rose", {}), ("no iris_", {}),
    ):  # fmt: skip
        await train(bench, name, **fields)
    expected = ["IRIS", "Iris a", "iris b", "no iris_", "your iris", "my iris", "by tag", "by word"]
    assert names(await find(client, "iris")) == expected
    assert names(await find(client, "iris", limit=3)) == expected[:3]
    assert names(await find(client, "iris", limit=7)) == expected[:7]
    assert names(await find(client, "iris_")) == ["no iris_"], "no sign stands for any other"
    assert names(await find(client, "flower")) == ["by tag"]
    assert await find(client, "tagKey") == [], "what tags are written with is none"
    assert await find(client, "%") == []


async def test_an_id_is_found_by_its_beginning(bench: Bench, client: httpx.AsyncClient) -> None:
    training_id = await train(bench, "training")
    for text in (training_id, training_id[:8]):
        (found,) = await find(client, text)
        assert found == {
            "kind": "training", "resourceId": training_id, "name": "training", "statusCode": "CREATE_REQUESTED",
            "createdDatetime": found["createdDatetime"], "parentKind": "experiment", "parentId": bench.experiment.id,
            "parentName": bench.experiment.name,
        }  # fmt: skip


async def test_resources_of_every_kind_are_found(bench: Bench, client: httpx.AsyncClient) -> None:
    """By name, tag or description; those of trials and of what is deleted are not."""
    tags = [{"tagKey": "purpose", "tagValue": "sought"}]
    await bench.services.experiments.create(ExperimentSpec(experiment_name="all sought", description="purposely"))
    gone = await bench.services.experiments.create(ExperimentSpec(experiment_name="gone sought"))
    await bench.services.experiments.delete(gone.id)
    await train(bench, "sought 1", tagList=tags)
    tuning = await bench.tune(hyperparameterTuningName="sought 2", tagList=tags)
    await bench.model(modelName="sought-3", tagList=tags)
    spec = TrainingTemplateSpec.model_validate({**TEMPLATE, "trainingTemplateName": "sought 4", "description": "on purpose"})
    await bench.services.training_templates.create(spec)
    trial = await train(bench, "sought trial", tagList=tags)

    def write(db: sqlite3.Connection) -> None:
        insert_stage(db, [{}], description="sought, on purpose", tagList=tags)
        db.execute("UPDATE endpoints SET name = 'sought 5', tags = ?", ('[{"tagKey": "purpose", "tagValue": ""}]',))
        db.execute("UPDATE trainings SET tuning_id = ? WHERE id = ?", (tuning.id, trial))

    await bench.context.store.write(write)
    every = {"experiment", "training", "hyperparameter-tuning", "model", "training-template", "endpoint", "endpoint-stage"}
    for text in ("sought", "PURPOSE"):
        found = await find(client, text)
        assert {one["kind"] for one in found} == every
        assert len(found) == len(every)
    stage = next(one for one in found if one["kind"] == "endpoint-stage")
    assert (stage["parentKind"], stage["parentId"], stage["parentName"]) == ("endpoint", "e1", "sought 5")
    template = next(one for one in found if one["kind"] == "training-template")
    assert template["statusCode"] is None


async def test_images_are_found(bench: Bench, client: httpx.AsyncClient) -> None:
    """Of the catalogue, by name, id or description, as everything else."""
    image = next(iter(bench.context.catalogue.list()))
    exact = await find(client, image.name.upper())
    assert (exact[0]["kind"], exact[0]["resourceId"], exact[0]["name"]) == ("image", image.id, image.name)
    assert image.id in [one["resourceId"] for one in await find(client, image.id[:-1], limit=100)]
    assert image.id in [one["resourceId"] for one in await find(client, image.name[1:], limit=100)]


async def test_rows_that_cannot_be_read_are_found_by_their_names(bench: Bench, client: httpx.AsyncClient) -> None:
    """DP-04: so that they can be deleted; broken tags spoil no search."""
    broken = await train(bench, "broken")
    odd = await train(bench, "odd")

    def spoil(db: sqlite3.Connection) -> None:
        db.execute("UPDATE trainings SET spec = '{' WHERE id = ?", (broken,))
        db.execute('UPDATE trainings SET spec = \'{"tagList": [1, "broken", {}]}\' WHERE id = ?', (odd,))

    await bench.context.store.write(spoil)
    assert names(await find(client, "broken")) == ["broken"]


@pytest.mark.parametrize("query", [{}, {"query": ""}, {"query": "a" * 101}, {"query": "a", "limit": 101}])
async def test_what_is_no_question_is_refused(client: httpx.AsyncClient, query: dict[str, Any]) -> None:
    answer = await client.get("/search", params=query)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["fieldErrors"]] == ["limit" if "limit" in query else "query"]
