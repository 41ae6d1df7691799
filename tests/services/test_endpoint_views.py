"""What answers show of endpoints, stages and stage resources (rest-api §6.10, §6.11, §13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.domain.endpoint import EndpointStatus, Pod, PodState, StageStatus
from easymaker_local.domain.gateway import GatewayService, GatewayStage
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.store import endpoints, stages
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import ENDPOINT, STAGE

pytestmark = pytest.mark.anyio

SITE = "127.0.0.1:10443"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as opened:
        folder = opened.stored("models/iris")
        folder.mkdir()
        (folder / "predict.py").write_text("class Model: ...\n")
        yield opened


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    transport = httpx.ASGITransport(app=app)
    url = "http://127.0.0.1/v1.0/appkeys/key"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers={"X-EasyMaker-Token": "token"}) as opened:
        yield opened


@pytest.fixture
async def model(bench: Bench) -> Model:
    return await bench.model(modelName="iris", modelUploadUri="obs://local/v1/AUTH_local/models/iris")


def resources(model: Model, **fields: Any) -> list[dict[str, Any]]:
    return [{"modelId": model.id, **fields}]


async def post(client: httpx.AsyncClient, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()[key]
    return found


async def in_service(bench: Bench, client: httpx.AsyncClient, model: Model, **fields: Any) -> dict[str, Any]:
    """An endpoint whose default stage serves, as the controllers leave it."""
    body = {**ENDPOINT, "endpointName": "my iris", "endpointModelResourceList": resources(model), **fields}
    made = await post(client, "/endpoints", "endpoint", body)
    stage = made["endpointStageList"][0]

    def write(db: Any) -> None:
        for status in (EndpointStatus.CREATE_IN_PROGRESS, EndpointStatus.ACTIVE):
            endpoints.transition(db, endpoints.get(db, made["endpointId"]), status, None, bench.clock.now())
        for to in (StageStatus.CREATE_IN_PROGRESS, StageStatus.DEPLOY_IN_PROGRESS, StageStatus.ACTIVE):
            stages.transition(db, stages.get(db, stage["endpointStageId"]), to, None, bench.clock.now())
        resource_id = stage["endpointModelList"][0]["endpointModelId"]
        for number, state in enumerate((PodState.READY, PodState.WAITING, PodState.LEAVING)):
            pod_id = f"p{number}"
            stages.add_pod(db, Pod(pod_id, stage["endpointStageId"], resource_id, number, state, bench.clock.now()))
        stages.set_pod(db, "p1", message="exit code 1", reason=Reason.EXIT_CODE, restarts=3)

    await bench.context.store.write(write)
    gateway_stage = GatewayStage(stage["endpointStageId"], "default", ())
    await bench.gateway.put_service(GatewayService(made["endpointId"], "my iris", (gateway_stage,), gateway_stage.id))
    shown: dict[str, Any] = (await client.get(f"/endpoints/{made['endpointId']}")).json()["endpoint"]
    return shown


async def test_an_endpoint_in_service(bench: Bench, client: httpx.AsyncClient, model: Model) -> None:
    """EP-18…EP-20, EP-L01, rest-api §6.10, §6.13: URLs without a scheme, the name escaped; the gateway's own word."""
    shown = await in_service(bench, client, model, description="words", tagList=[{"tagKey": "a", "tagValue": "b"}])
    assert (shown["endpointStatusCode"], shown["deployStatus"], shown["isFinished"]) == ("ACTIVE", "ACTIVE", True)
    assert shown["apigwDefaultStageUrl"] == f"{SITE}/my%20iris"
    assert (shown["description"], shown["tagList"]) == ("words", [{"tagKey": "a", "tagValue": "b"}])
    assert (shown["isClusterLatest"], shown["expiredDatetime"], shown["apiKeyEnable"]) == (True, None, False)
    assert (await client.get("/endpoints")).json()["endpointList"] == [shown]
    assert (await client.get("/endpoints", params={"endpointName": "other"})).json()["endpointList"] == []


async def test_a_stage_in_service(bench: Bench, client: httpx.AsyncClient, model: Model) -> None:
    """ST-04…ST-12, rest-api §6.11, §13.5: both spellings of the default stage; pods that answer and all."""
    endpoint = await in_service(bench, client, model, useLog=True)
    stage = endpoint["endpointStageList"][0]
    assert (stage["isDefaultStage"], stage["defaultStage"]) == (True, True)
    assert (stage["apigwStageUrl"], stage["apigwDefaultStageUrl"]) == (f"{SITE}/my%20iris/default", f"{SITE}/my%20iris")
    assert (stage["runningPodCount"], stage["podCount"], stage["nodeCount"], stage["wantedNodeCount"]) == (1, 2, 0, 1)
    assert stage["isActiveNodeGroupStatus"] is False
    assert stage["flavor"]["name"] == "m2.c1m2"
    assert stage["autoScaler"] == {
        "enable": False, "minNodeCount": 1, "maxNodeCount": 10, "scaleDownEnable": True, "scaleDownUtilThreshPercentage": 50,
        "scaleDownUnneededMinute": 10, "scaleDownDelayAfterAddMinute": 10,
    }  # fmt: skip
    assert (stage["useLog"], stage["logAndCrashAppKey"]) == (True, "local")
    found = await client.get("/endpoint-stages", params={"endpointId": endpoint["endpointId"]})
    assert found.json()["endpointStageList"] == [stage]
    assert (await client.get("/endpoint-stages", params={"endpointId": "none"})).json()["endpointStageList"] == []


async def test_a_stage_resource_in_service(bench: Bench, client: httpx.AsyncClient, model: Model) -> None:
    """SR-12…SR-14, SR-18, rest-api §6.11, §6.13, §13.5: the path is a string always; the model has its status beside it."""
    endpoint = await in_service(bench, client, model)
    resource = endpoint["endpointStageList"][0]["endpointModelList"][0]
    assert (resource["apigwResourceUri"], resource["podCount"], resource["runningPodCount"]) == ("", 2, 1)
    assert resource["apigwEndpointUri"] == f"{SITE}/my%20iris/default/iris/v1/models/iris/predict"
    assert (resource["model"]["modelName"], resource["model"]["modelStatusCode"]) == ("iris", "ACTIVE")
    assert resource["resourceOptionDetail"] == {"cpu": "0.9", "memory": "1792Mi", "gpu": "0"}
    assert resource["stage"]["deployStatus"] == "ACTIVE"
    for query in (
        {"endpointStageId": resource["endpointStageId"]},
        {"endpointId": resource["endpointId"]},
        {"modelId": model.id},
    ):
        assert (await client.get("/endpoint-models", params=query)).json()["endpointModelList"] == [resource]
    pods = (await client.get(f"/endpoint-stages/{resource['endpointStageId']}/pods")).json()["podList"]
    assert [(pod["podStatusCode"], pod["restartCount"]) for pod in pods] == [("READY", 0), ("WAITING", 3), ("LEAVING", 0)]
    assert (pods[1]["reasonCode"], pods[1]["message"], pods[1]["modelName"]) == ("EXIT_CODE", "exit code 1", "iris")


async def test_a_stage_that_waits_says_why(bench: Bench, client: httpx.AsyncClient, model: Model) -> None:
    """GN-26, ST-L01."""
    endpoint = await in_service(bench, client, model)
    body = {**STAGE, "endpointId": endpoint["endpointId"], "endpointModelResourceList": resources(model)}
    stage = await post(client, "/endpoint-stages", "endpointStage", body)
    assert (stage["isDefaultStage"], stage["apigwDefaultStageUrl"], stage["deployStatus"]) == (
        False,
        None,
        "CREATE IN PROGRESS",
    )
    cause = Cause(Reason.WAITING_FOR_RESOURCES, "Waits.")
    await bench.context.store.write(
        lambda db: stages.explain(db, stages.get(db, stage["endpointStageId"]), cause, bench.clock.now())
    )
    shown = (await client.get(f"/endpoint-stages/{stage['endpointStageId']}")).json()["endpointStage"]
    assert shown["statusReason"] == {"code": "WAITING_FOR_RESOURCES", "message": "Waits."}
    events = (await client.get(f"/endpoint-stages/{stage['endpointStageId']}/events")).json()["eventList"]
    assert [event["statusCode"] for event in events] == ["CREATE_REQUESTED", None]
    preview = await client.get(
        f"/endpoints/{endpoint['endpointId']}/default-stage/preview", params={"endpointStageId": stage["endpointStageId"]}
    )
    found = preview.json()["defaultStagePreview"]
    assert (found["isPossible"], found["needsStopFirst"], found["deletedStage"]["endpointStageName"]) == (True, True, "default")
    changed = await client.put(
        f"/endpoints/{endpoint['endpointId']}/default-stage",
        json={"endpointStageId": stage["endpointStageId"], "stopFirst": True},
    )
    assert changed.json()["endpoint"]["defaultStageChange"] == {
        "endpointStageId": stage["endpointStageId"], "endpointStageStatusCode": "CREATE_REQUESTED", "stopFirst": True,
    }  # fmt: skip


async def test_older_forms(client: httpx.AsyncClient, model: Model) -> None:
    """rest-api §13.1, §13.3, §6.10: nulls, one model at the top, numbers for quantities, unknown keys."""
    body = {
        "endpointName": "old", "flavorId": "m2.c1m2", "nodeCount": None, "description": None, "tagList": None,
        "modelId": model.id, "apigwResourceUri": "/inference", "someKey": 1,
    }  # fmt: skip
    made = await post(client, "/endpoints", "endpoint", body)
    assert made["endpointStageList"][0]["endpointModelList"][0]["apigwResourceUri"] == "/inference"
    await client.delete(f"/endpoints/{made['endpointId']}")
    numbers = resources(model, resourceOptionDetail={"cpu": 0.5, "memory": "500Mi", "gpu": None})
    stage = await post(
        client,
        "/endpoint-stages/preview",
        "endpointStagePreview",
        {"flavorId": "m2.c1m2", "endpointModelResourceList": numbers},
    )
    assert stage["modelList"][0]["resourceOptionDetail"] == {"cpu": "0.5", "memory": "500Mi", "gpu": "0"}
    assert (stage["fit"]["isFitting"], stage["usable"]["cpu"]) == (True, "0.9")


async def test_the_api_key_is_shown_at_creation_and_on_request(client: httpx.AsyncClient, model: Model) -> None:
    """GW-L05: and nowhere else."""
    body = {**ENDPOINT, "endpointModelResourceList": resources(model), "apiKeyEnable": True}
    made = (await client.post("/endpoints", json=body)).json()
    path = f"/endpoints/{made['endpoint']['endpointId']}"
    assert made["apiKey"] == (await client.get(f"{path}/api-key")).json()["endpointApiKey"]["apiKey"]
    listed = await client.get("/endpoints")
    assert made["apiKey"] not in listed.text
    assert listed.json()["endpointList"][0]["apiKeyEnable"] is True
    off = await client.put(f"{path}/api-key", json={"apiKeyEnable": False})
    assert off.json()["endpointApiKey"] == {"apiKey": None}


async def test_broken_rows_are_shown_as_such(bench: Bench, client: httpx.AsyncClient, model: Model) -> None:
    """rest-api §2.2: with a status all the same."""
    endpoint = await in_service(bench, client, model)
    stage = endpoint["endpointStageList"][0]

    def spoil(db: Any) -> None:
        db.execute("UPDATE stage_resources SET demand = 'x'")

    await bench.context.store.write(spoil)
    shown = (await client.get(f"/endpoint-stages/{stage['endpointStageId']}")).json()["endpointStage"]
    assert shown["endpointModelList"][0]["endpointModelStatusCode"] == "BROKEN"
    await bench.context.store.write(lambda db: db.execute("UPDATE stages SET spec = '{'"))
    await bench.context.store.write(lambda db: db.execute("UPDATE endpoints SET tags = '{'"))
    for path, key in (("endpoints", "endpoint"), ("endpoint-stages", "endpointStage"), ("endpoint-models", "endpointModel")):
        listed = (await client.get(f"/{path}")).json()[f"{key}List"]
        assert [row[f"{key}StatusCode"] for row in listed] == ["BROKEN"]
        one = (await client.get(f"/{path}/{listed[0][f'{key}Id']}")).json()[key]
        assert one["statusReason"]["code"] == "BROKEN_RECORD"


async def test_pages(client: httpx.AsyncClient, model: Model, bench: Bench) -> None:
    """GN-13: page by page, nothing twice and nothing missing."""
    names = [f"e{number}" for number in range(5)]
    for name in names:
        bench.clock.advance(1)
        await post(
            client, "/endpoints", "endpoint", {**ENDPOINT, "endpointName": name, "endpointModelResourceList": resources(model)}
        )
    for path, key, field in (
        ("/endpoints", "endpointList", "endpointName"),
        ("/endpoint-stages", "endpointStageList", "endpointName"),
        ("/endpoint-models", "endpointModelList", "endpointName"),
    ):
        seen: list[str] = []
        cursor = None
        while True:
            answer = (await client.get(path, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
            seen += [row[field] for row in answer[key]]
            cursor = answer["nextCursor"]
            if cursor is None:
                break
        assert seen == names[::-1]
