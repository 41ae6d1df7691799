"""What may be asked before something is created: the same answer as its creation gives, and nothing is created."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import ENDPOINT, MODEL, SPEC, STAGE, TEMPLATE, TUNING

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        folder = made.stored("models/python")
        folder.mkdir()
        (folder / "predict.py").write_text("class Model: ...\n")
        yield made


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    transport, url = httpx.ASGITransport(app=app), "http://127.0.0.1/v1.0/appkeys/key"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers={"X-EasyMaker-Token": "token"}) as made:
        yield made


async def good_body(bench: Bench, client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Return a body that would be taken, with what it refers to made."""
    if path in {"/trainings", "/training-templates", "/hyperparameter-tunings"}:
        body = {"/trainings": SPEC, "/training-templates": TEMPLATE, "/hyperparameter-tunings": TUNING}[path]
        return {**body, "experimentId": bench.experiment.id}
    if path == "/experiments":
        return {"experimentName": "new"}
    if path == "/models":
        return MODEL
    model = await bench.model()
    resources = [{"modelId": model.id}]
    if path == "/endpoints":
        return {**ENDPOINT, "endpointModelResourceList": resources}
    made = await client.post("/endpoints", json={**ENDPOINT, "endpointModelResourceList": resources})
    endpoint_id = made.raise_for_status().json()["endpoint"]["endpointId"]
    await bench.context.store.write(lambda db: db.execute("UPDATE endpoints SET status = 'ACTIVE', is_finished = 1"))
    return {**STAGE, "endpointId": endpoint_id, "endpointModelResourceList": resources}


def rows(db: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything that there is."""
    tables = [row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: [tuple(row) for row in db.execute(f"SELECT * FROM {table}")] for table in tables}


BAD = {
    "/experiments": {"experimentName": "experiment"},  # is taken
    "/trainings": {"imageId": "nope", "entryPoint": "none.py"},
    "/training-templates": {"trainingTemplateName": ""},
    "/hyperparameter-tunings": {"experimentId": "nope", "flavorId": "nope"},
    "/models": {"modelUploadUri": "nas://none:/m"},
    "/endpoints": {"endpointModelResourceList": [{"modelId": "nope"}]},
    "/endpoint-stages": {"endpointId": "nope"},
}


@pytest.mark.parametrize("path", BAD)
async def test_a_check_answers_as_the_creation_would(bench: Bench, client: httpx.AsyncClient, path: str) -> None:
    """Every fault at its field, before anything is asked for in earnest."""
    good = await good_body(bench, client, path)
    before = await bench.context.store.read(rows)
    checked = await client.post(f"{path}/check", json=good)
    assert checked.status_code == 200, checked.json()
    assert set(checked.json()) == {"header"}
    bad = {**good, **BAD[path]}
    refused = await client.post(f"{path}/check", json=bad)
    assert await bench.context.store.read(rows) == before, "nothing is created"
    created = await client.post(path, json=bad)
    assert refused.status_code == created.status_code in {409, 422}
    assert refused.json() == created.json()
    assert (await client.post(path, json=good)).status_code == 200, "otherwise the check had been wrong"


async def test_a_name_that_is_taken_is_told(bench: Bench, client: httpx.AsyncClient) -> None:
    """EP-04, and names of experiments: by a check of the body that was just created."""
    for path in ("/endpoints", "/experiments"):
        good = await good_body(bench, client, path)
        assert (await client.post(path, json=good)).status_code == 200
        again = await client.post(f"{path}/check", json=good)
        assert again.status_code in {409, 422}
        assert again.json() == (await client.post(path, json=good)).json()
