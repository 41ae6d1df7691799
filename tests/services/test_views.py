"""What answers show of experiments, trainings and the machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home", tenant_id="tenant", user_id="user") as made:
        yield made


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    transport = httpx.ASGITransport(app=app)
    url = "http://127.0.0.1/v1.0/appkeys/key"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers={"X-EasyMaker-Token": "token"}) as made:
        yield made


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    answer = await client.get(path, params=query)
    body: dict[str, Any] = answer.json()
    assert body["header"]["isSuccessful"], body
    return body


async def test_an_experiment_has_name_description_and_status(bench: Bench, client: httpx.AsyncClient) -> None:
    """EX-02, EX-04, GN-01, GN-25: created without another step, ready in the answer."""
    body = {"experimentName": "실험 実験", "description": "words"}
    made = (await client.post("/experiments", json=body)).json()["experiment"]
    assert (made["experimentName"], made["description"], made["experimentStatusCode"]) == ("실험 実験", "words", "ACTIVE")
    listed = (await get(client, "/experiments"))["experimentList"]
    assert made in listed


async def test_trainings_are_listed_by_experiment(bench: Bench, client: httpx.AsyncClient) -> None:
    """EX-01, EX-07."""
    other = (await client.post("/experiments", json={"experimentName": "other"})).json()["experiment"]["experimentId"]
    mine = await bench.create()
    found = (await get(client, "/trainings", experimentId=bench.experiment.id))["trainingList"]
    assert [t["trainingId"] for t in found] == [mine.id]
    assert found[0]["experiment"]["experimentId"] == bench.experiment.id
    assert (await get(client, "/trainings", experimentId=other))["trainingList"] == []


async def test_a_training_shows_what_it_was_asked_for_and_how_it_stands(bench: Bench, client: httpx.AsyncClient) -> None:
    """TR-01, TR-09, TR-25, TR-32, TR-33, TR-36, HY-01, GN-03, GN-26, IT-03."""
    training = await bench.create(
        description="words", tagList=[{"tagKey": "team", "tagValue": "vision"}],
        hyperparameterList=[{"parameterName": "epochs", "parameterValue": "3"}],
    )  # fmt: skip
    await bench.pass_(training)
    bench.clock.advance(90)
    shown = (await get(client, f"/trainings/{training.id}"))["training"]
    assert shown["trainingStatusCode"] == "RUNNING"
    assert shown["elapsedTimeSeconds"] == 90
    assert shown["sourceDirUri"] == "obs://local/v1/AUTH_local/code"
    assert shown["tagList"] == [{"tagKey": "team", "tagValue": "vision"}]
    assert shown["hyperparameterList"] == [{"parameterName": "epochs", "parameterValue": "3"}]
    assert shown["flavor"]["vcpus"] == 1
    assert shown["flavor"]["ram"] == 2048
    assert shown["image"]["pythonVersion"] == "3.11"
    assert shown["statusReason"] is None


async def test_a_deleted_experiment_is_shown_by_its_last_name(bench: Bench, client: httpx.AsyncClient) -> None:
    """EX-21, DP-01."""
    training = await bench.create()
    await bench.services.trainings.stop(training.id)
    await bench.pass_(training)
    assert (await client.delete(f"/experiments/{bench.experiment.id}")).status_code == 200
    shown = (await get(client, f"/trainings/{training.id}"))["training"]
    assert shown["experiment"]["experimentName"] == "experiment (deleted)"
    assert shown["experiment"]["experimentStatusCode"], "rest-api §2.2: a status next to every id"
    assert (await get(client, "/experiments"))["experimentList"] == []


async def test_deleting_a_training_keeps_what_it_stored(bench: Bench, client: httpx.AsyncClient) -> None:
    """GN-12, TR-53, DP-02."""
    training = await bench.pass_(await bench.create())
    refused = await client.delete(f"/trainings/{training.id}")
    assert refused.status_code == 409
    bench.node(training, "model/weights").write_text("w")
    bench.driver.end(training.workload(0), 0)
    await bench.pass_(training)
    assert (await client.delete(f"/trainings/{training.id}")).status_code == 200
    assert bench.stored("models/model/weights").exists()
    assert not bench.context.work_directory(training.id).exists()
    assert (await client.get(f"/trainings/{training.id}")).status_code == 404


async def test_a_copy_is_independent_and_has_all_settings(bench: Bench, client: httpx.AsyncClient) -> None:
    """GN-14, TR-51."""
    original = await bench.create(hyperparameterList=[{"parameterName": "epochs", "parameterValue": "3"}], tagList=[])
    source = (await get(client, f"/trainings/{original.id}/copy-source"))["copySource"]
    made = (await client.post("/trainings", json={**source, "trainingName": "copy"})).json()["training"]
    assert made["trainingId"] != original.id
    assert made["hyperparameterList"] == [{"parameterName": "epochs", "parameterValue": "3"}]
    assert (await get(client, f"/trainings/{original.id}"))["training"]["trainingName"] == "training"


async def test_where_tensorboard_is(bench: Bench, client: httpx.AsyncClient) -> None:
    """EX-05, TR-34, rest-api §6.4, §6.5: on the gateway's origin, and no secret in it."""
    training = await bench.create()
    shown = (await get(client, f"/trainings/{training.id}"))["training"]
    gateway = "https://127.0.0.1:10443"
    assert shown["tensorboardAccessPath"] == f"/tensorboard/training/{training.id}/"
    assert shown["tensorboardAccessUri"] == gateway + shown["tensorboardAccessPath"]
    experiment = (await get(client, f"/experiments/{bench.experiment.id}"))["experiment"]
    assert experiment["tensorboardAccessUri"] == f"{gateway}/tensorboard/experiment/{bench.experiment.id}/"
    link = (await client.post(f"/tensorboard/training/{training.id}/login")).json()["tensorboardLogin"]
    assert link["accessUri"] == shown["tensorboardAccessUri"]
    assert link["loginUri"].startswith(f"{shown['tensorboardAccessUri']}login?code=")
    for path, status in (("training/none", 404), ("experiment/none", 404), (f"model/{training.id}", 422)):
        assert (await client.post(f"/tensorboard/{path}/login")).status_code == status


async def test_without_a_gateway_there_is_no_tensorboard(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "home", gateway_port=0) as bench:
        app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
        url, headers = "http://127.0.0.1/v1.0/appkeys/key", {"X-EasyMaker-Token": "token"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=url, headers=headers) as client:
            shown = (await get(client, f"/experiments/{bench.experiment.id}"))["experiment"]
            assert shown["tensorboardAccessUri"] is None
            refused = await client.post(f"/tensorboard/experiment/{bench.experiment.id}/login")
            assert refused.status_code == 409
            assert "gateway_port" in refused.json()["header"]["resultMessage"]


async def test_the_system_account_is_shown(client: httpx.AsyncClient) -> None:
    """TR-38, OS-09: tenant id and API user id."""
    system = (await get(client, "/system"))["system"]
    assert (system["tenantId"], system["userId"]) == ("tenant", "user")


@pytest.mark.parametrize(
    ("field", "requirement"), [("algorithmId", "TR-06"), ("sourceDirUri", "TR-09"), ("entryPoint", "TR-10")]
)
async def test_an_algorithm_is_a_provided_or_an_own_one(
    bench: Bench, client: httpx.AsyncClient, field: str, requirement: str
) -> None:
    """TR-05."""
    source = (await get(client, f"/trainings/{(await bench.create()).id}/copy-source"))["copySource"]
    body = {**source, field: "nobody's"} if field == "algorithmId" else {k: v for k, v in source.items() if k != field}
    answer = await client.post("/trainings", json=body)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["fieldErrors"]] == [field]


async def test_the_data_storage_minimum_is_a_setting(bench: Bench, client: httpx.AsyncClient) -> None:
    """TR-L03, OP-21: 1 GB here, whatever the cloud asks for."""
    assert (await bench.create(dataStorageSize=1)).spec.data_storage_size == 1


async def test_the_queue_is_shown_in_part_with_its_whole_length(bench: Bench, client: httpx.AsyncClient) -> None:
    """IT-L03."""
    for _ in range(4):  # the machine has room for none of the largest
        await bench.pass_(await bench.create(flavorId="m2.c4m8"))
        await bench.built()
    await bench.queue.reconcile("all")
    whole = (await get(client, "/queue"))["queue"]
    part = (await get(client, "/queue", limit=2))["queue"]
    assert len(whole["waitingList"]) == whole["waitingCount"] == part["waitingCount"] > 2
    assert part["waitingList"] == whole["waitingList"][:2]
    assert part["waitingList"][0]["name"] == "training"
