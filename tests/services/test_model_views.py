"""What answers show of models, and of what they came from (rest-api §6.9, §13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import MODEL
from tests.artifacts.models import made
from tests.artifacts.models.made import HUGGING_FACE, PACKED, VARIABLES, write

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as opened:
        write(opened.stored("models/python"), {"predict.py": "class Model: ...\n"})
        write(opened.stored("models/sklearn"), {"model.joblib": made.estimator()})
        write(opened.stored("models/saved"), {"saved_model.pb": made.saved_model(), **VARIABLES})
        write(opened.stored("models/iris"), {"iris.mar": made.zipped(PACKED)})
        write(opened.stored("models/hub"), HUGGING_FACE)
        yield opened


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    transport = httpx.ASGITransport(app=app)
    url = "http://127.0.0.1/v1.0/appkeys/key"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers={"X-EasyMaker-Token": "token"}) as opened:
        yield opened


def uri(path: str) -> str:
    return f"obs://local/v1/AUTH_local/models/{path}"


async def post(bench: Bench, client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """Create a model, let it be examined and return how it is shown."""
    answer = await client.post("/models", json={**MODEL, **fields})
    assert answer.status_code == 200, answer.text
    created = answer.json()["model"]
    assert created["modelStatusCode"] == "CREATE_REQUESTED"
    for _ in range(3):
        await bench.models.reconcile(created["modelId"])
        await bench.models.idle()
    shown: dict[str, Any] = (await client.get(f"/models/{created['modelId']}")).json()["model"]
    return shown


async def test_a_model_shows_what_it_was_asked_for_and_how_it_stands(bench: Bench, client: httpx.AsyncClient) -> None:
    """MD-02, MD-03 to MD-08, MD-17, MD-18, MD-19, MD-21, MD-22, MD-23, MD-27, GN-01, GN-03, GN-05, GN-25."""
    shown = await post(
        bench, client, description="words", frameworkVersion="3.11", tagList=[{"tagKey": "team", "tagValue": "vision"}],
        parameterList=[{"parameterName": "topK", "parameterValue": 3}],
    )  # fmt: skip
    assert (shown["modelName"], shown["description"], shown["modelStatusCode"]) == ("model", "words", "ACTIVE")
    assert (shown["modelUploadUri"], shown["frameworkVersion"], shown["formatCode"]) == (uri("python"), "3.11", "PYTHON")
    assert shown["parameterList"] == [{"parameterName": "topK", "parameterValue": "3"}]
    assert shown["tagList"] == [{"tagKey": "team", "tagValue": "vision"}]
    assert (shown["training"], shown["hyperparameterTuning"], shown["fineTuning"], shown["trial"]) == (None,) * 4
    assert (shown["fileCount"], shown["totalBytes"], shown["isFinished"]) == (1, 17, True)
    assert (await client.get("/models")).json()["modelList"] == [shown]
    events = (await client.get(f"/models/{shown['modelId']}/events")).json()["eventList"]
    assert [event["statusCode"] for event in events] == ["CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE"]


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"modelFormatCode": "SKLEARN"}, ("SKLEARN", "SCIKIT_LEARN", "SCIKIT_LEARN", "SKLEARN")),
        ({"modelTypeCode": "SCIKIT_LEARN", "modelFormatCode": None}, ("SKLEARN", "SCIKIT_LEARN", "SCIKIT_LEARN", "SKLEARN")),
        ({"frameworkCode": "PYTORCH", "modelFormatCode": None}, ("PYTORCH",) * 4),
        ({}, (None, None, None, "PYTHON")),
    ],
)  # fmt: skip
async def test_each_sdk_reads_the_format_in_its_own_words(
    bench: Bench, client: httpx.AsyncClient, body: dict[str, Any], codes: tuple[str | None, ...]
) -> None:
    """rest-api §13.4: what a reader does not know is null, since one such row would cost it the whole list."""
    shown = await post(bench, client, **body)
    assert tuple(shown[key] for key in ("modelFormatCode", "modelTypeCode", "frameworkCode", "formatCode")) == codes


async def examined(bench: Bench, client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    shown = await post(bench, client, **fields)
    found: dict[str, Any] = (await client.get(f"/models/{shown['modelId']}/examination")).json()["examination"]
    assert shown["modelStatusCode"] == "ACTIVE", shown
    assert found["totalBytes"] == shown["totalBytes"] == sum(file["bytes"] for file in found["fileList"])
    assert all(len(file["sha256"]) == 64 for file in found["fileList"])
    return found


async def test_what_was_found_of_each_format_is_shown(bench: Bench, client: httpx.AsyncClient) -> None:
    """MD-L01, MD-21, FS-16, SK-03: signatures, names in the archive, versions, tasks."""
    saved = await examined(bench, client, modelFormatCode="TENSORFLOW", modelUploadUri=uri("saved"))
    assert saved["savedModel"]["signatureList"] == [{
        "signatureName": "serving_default", "inputList": [{"name": "x", "dtype": "float32", "shape": [-1, 4]}],
        "outputList": [{"name": "label", "dtype": "string", "shape": None}],
    }]  # fmt: skip
    torch = await examined(bench, client, modelName="iris", modelFormatCode="PYTORCH", modelUploadUri=uri("iris"))
    assert (torch["torch"]["kindCode"], torch["torch"]["archivedModelName"]) == ("ARCHIVE", "iris")
    sklearn = await examined(bench, client, modelFormatCode="SKLEARN", modelUploadUri=uri("sklearn"))
    assert (sklearn["sklearn"]["className"], sklearn["sklearn"]["libraryVersion"]) == (
        "sklearn.linear_model._logistic.LogisticRegression", "1.7.2",
    )  # fmt: skip
    assert sklearn["remarkList"]
    hub = await examined(bench, client, modelFormatCode="HUGGING_FACE", modelUploadUri=uri("hub"))
    assert hub["huggingFace"]["taskCode"]
    python = await examined(bench, client)
    assert [python[key] for key in ("savedModel", "torch", "sklearn", "huggingFace")] == [None] * 4


async def test_secrets_are_in_no_answer(bench: Bench, client: httpx.AsyncClient) -> None:
    """MD-22, MD-L03."""
    parameters = [{"parameterName": "hf_token", "parameterValue": "hf_abc"}]
    created = await client.post("/models", json={**MODEL, "parameterList": parameters})
    model_id = created.json()["model"]["modelId"]
    changed = await client.patch(f"/models/{model_id}", json={"description": "other"})
    answers = [created, changed, *[await client.get(f"/models{path}") for path in ("", f"/{model_id}", f"/{model_id}/events")]]
    assert all("hf_abc" not in answer.text for answer in answers)
    assert changed.json()["model"]["parameterList"] == [{"parameterName": "hf_token", "parameterValue": "********"}]


async def test_a_secret_that_is_refused_is_not_repeated(client: httpx.AsyncClient) -> None:
    """MD-L03, GN-02."""
    parameters = [{"parameterName": "hf_token", "parameterValue": "hf_abc" * 100}]
    refused = await client.post("/models", json={**MODEL, "parameterList": parameters})
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["fieldErrors"]] == ["parameterList.0.parameterValue"]
    assert "hf_abc" not in refused.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"modelName": "n" * 51}, "modelName"), ({"modelName": " "}, "modelName"), ({"modelName": None}, "modelName"),
        ({"description": "d" * 256}, "description"), ({"modelUploadUri": f"obs://{'x' * 260}"}, "modelUploadUri"),
        ({"tagList": [{"tagKey": str(n)} for n in range(11)]}, "tagList"),
        ({"tagList": [{"tagKey": "a"}, {"tagKey": "a"}]}, "tagList"),
        ({"modelFormatCode": "TRITON"}, "modelFormatCode"), ({"fineTuningId": "f"}, "fineTuningId"),
        ({"trainingId": "t" * 37}, "trainingId"), ({"modelUploadUri": None}, "modelUploadUri"),
        ({"parameterList": [{"parameterName": str(n)} for n in range(11)]}, "parameterList"),
    ],
)  # fmt: skip
async def test_what_is_refused_names_the_field(client: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    """MD-02, MD-07, MD-08, GN-02, GN-04, GN-09: nothing is created."""
    refused = await client.post("/models", json={**MODEL, **body})
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["fieldErrors"]] == [field]
    assert (await client.get("/models")).json()["modelList"] == []


async def test_a_refusal_of_a_status_is_a_conflict(bench: Bench, client: httpx.AsyncClient) -> None:
    """TR-52, DP-17, GN-27, MD-33."""
    training = await bench.create()
    refused = await client.post("/models", json={**MODEL, "modelUploadUri": None, "trainingId": training.id})
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "CONFLICT")
    created = (await client.post("/models", json=MODEL)).json()["model"]
    assert (await client.delete(f"/models/{created['modelId']}")).status_code == 409


async def test_older_keys_and_nulls(bench: Bench, client: httpx.AsyncClient) -> None:
    """rest-api §13.1: what SDK 1.1 sends: its own key, null for whatever is not set, tags."""
    body = {
        "modelName": "old", "frameworkCode": "TENSORFLOW", "modelUploadUri": uri("saved"), "trainingId": None,
        "hyperparameterTuningId": None, "description": None, "parameterList": None,
        "tagList": [{"tagKey": "a", "tagValue": "b"}],
    }  # fmt: skip
    created = await client.post("/models", json=body)
    assert created.status_code == 200, created.text
    assert created.json()["model"]["frameworkCode"] == "TENSORFLOW"


async def test_change_and_lists_by_condition(bench: Bench, client: httpx.AsyncClient) -> None:
    """MD-17, MD-23, GN-13."""
    shown = await post(bench, client)
    failed = await post(bench, client, modelUploadUri=uri("absent"))
    assert failed["statusReason"]["code"] == "INPUT_MISSING"
    changed = await client.patch(f"/models/{shown['modelId']}", json={"modelName": "new", "tagList": [{"tagKey": "a"}]})
    assert changed.json()["model"]["modelName"] == "new"
    assert changed.json()["model"]["tagList"] == [{"tagKey": "a", "tagValue": ""}]
    assert (await client.patch(f"/models/{shown['modelId']}", json={})).status_code == 422
    for query, expected in (
        ({"modelName": "new"}, [shown]), ({"modelStatusCodeList": "CREATE_FAILED"}, [failed]),
        ({"modelIdPrefix": shown["modelId"]}, [shown]), ({"trainingId": "none"}, []), ({"hyperparameterTuningId": "none"}, []),
        ({"limit": 10}, [failed, shown]),
    ):  # fmt: skip
        found = (await client.get("/models", params=query)).json()["modelList"]
        assert sorted(m["modelId"] for m in found) == sorted(m["modelId"] for m in expected), query


async def test_trainings_tunings_and_trials_list_their_models(bench: Bench, client: httpx.AsyncClient) -> None:
    """MD-20, HP-80: and the model shows what it came from, with statuses beside the ids."""
    training = await bench.pass_(await bench.create())
    bench.node(training, "model/predict.py").write_text("")
    bench.driver.end(training.workload(0), 0)
    await bench.pass_(training)
    of_training = await post(bench, client, modelName="first", modelUploadUri=None, trainingId=training.id)
    assert of_training["training"] == {
        "trainingId": training.id, "trainingName": "training", "trainingStatusCode": "COMPLETE",
    }  # fmt: skip
    for path in ("/trainings", f"/trainings/{training.id}"):
        answer = (await client.get(path)).json()
        shown = answer["trainingList"][0] if "trainingList" in answer else answer["training"]
        assert [(m["modelId"], m["modelStatusCode"]) for m in shown["modelList"]] == [(of_training["modelId"], "ACTIVE")]

    tuning = await bench.step(await bench.tune(maxTrialCount=1))
    (trial,) = await bench.services.tunings.trials(tuning.id)
    (bench.context.log_directory(trial.id) / "node-0.log").write_text("loss=1\n")
    bench.driver.end(f"training-{trial.id}-1-node-0", 0)
    await bench.step(tuning)
    body = {"modelName": "second", "modelUploadUri": None, "hyperparameterTuningId": tuning.id}
    of_tuning = (await client.post("/models", json={**MODEL, **body})).json()["model"]
    assert of_tuning["training"] is None
    assert of_tuning["hyperparameterTuning"]["hyperparameterTuningStatusCode"] == "COMPLETE"
    assert of_tuning["trial"] == {"trialId": trial.id, "trialName": trial.name, "trialStatusCode": "SUCCEEDED"}
    place = f"/hyperparameter-tunings/{tuning.id}"
    shown = (await client.get(place)).json()["hyperparameterTuning"]
    (listed,) = (await client.get("/hyperparameter-tunings")).json()["hyperparameterTuningList"]
    (of_list,) = (await client.get(f"{place}/trials")).json()["trialList"]
    alone = (await client.get(f"{place}/trials/{trial.id}")).json()["trial"]
    for one in (shown, listed, shown["optimalTrial"], of_list, alone):
        assert [m["modelId"] for m in one["modelList"]] == [of_tuning["modelId"]]
    refused = await client.delete(place)
    assert (refused.status_code, of_tuning["modelId"] in refused.json()["header"]["resultMessage"]) == (409, True)


async def test_a_broken_record_is_shown(bench: Bench, client: httpx.AsyncClient) -> None:
    shown = await post(bench, client)
    await bench.context.store.write(lambda db: db.execute("UPDATE models SET format = 'CARVED'"))
    (listed,) = (await client.get("/models")).json()["modelList"]
    assert (listed["modelStatusCode"], listed["statusReason"]["code"]) == ("BROKEN", "BROKEN_RECORD")
    assert (await client.get(f"/models/{shown['modelId']}")).json()["model"] == listed
    assert (await client.delete(f"/models/{shown['modelId']}")).status_code == 200
