"""What must hold in every answer of the API, whatever the resource (rest-api §2): walked, not listed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance
from tests.api_statistics import records

# Objects with an id that the SDK does not fetch by it, so that they need no status (rest-api §2.2).
NO_STATUS = {
    "imageId", "algorithmId", "trialId", "optimalTrialId", "eventId", "tenantId", "userId", "apigwServiceId", "apigwStageId",
    "stageId",
}  # fmt: skip
# Ids that only refer: they stand beside the object's own id and bring no object with them.
REFERENCES = {"hyperparameterTuningId", "resourceId"}
# An event is a line of a history, not a resource: a counting number to go on from.
NUMBERS = {"eventId"}
# Whatever users put in is returned as they wrote it. Of templates, which the SDK does not know, what was left out is null.
FREE = {"copySource", "trainingTemplate", "trainingTemplateList", "values"}
INTEGERS = re.compile(r"(Count|Size|Seconds|Minutes|vcpus|ram|disk|gpuMemory|offset|Offset|node|size|resultCode|pid)$")
# Of ours, which the SDK does not read.
FRACTIONS = {"loadSeconds", "waitSeconds", "scaleToZeroIdleMinutes"}
MACHINE = re.compile(r"\.(system|machine|queue\.runningList\[\d+\])$")

PREDICT = "class Model:\\n    def predict(self, rows):\\n        return rows\\n"
SERVED = "import os\nopen(os.environ['EM_MODEL_DIR'] + '/predict.py', 'w').write('" + PREDICT + "')\n"


@pytest.fixture(scope="module")
def answers(appliance: Appliance) -> dict[str, Any]:
    """Every JSON answer of every GET path of the API, with a training and a tuning of each kind of end in it."""
    used = appliance.experiment("walked")
    deleted = appliance.experiment("deleted")
    body = {
        "entryPoint": "quick.py", "hyperparameterList": [{"parameterName": "n", "parameterValue": 1}],
        "datasetList": [{"datasetName": "train", "dataUri": appliance.uri("data", "train")}],
        "tagList": [{"tagKey": "k", "tagValue": "v"}], "dataStorageSize": 1, "experimentId": used,
    }  # fmt: skip
    appliance.put("code", {"served.py": SERVED})
    training = appliance.training(**{**body, "entryPoint": "served.py"})["trainingId"]
    orphan = appliance.training(entryPoint="failing.py", experimentId=deleted)["trainingId"]
    appliance.put("code", {"losses.py": "print('loss=0.5')\nprint('loss=0.25')\n"})
    searched = appliance.tuning(**{**body, "entryPoint": "losses.py", "earlyStoppingAlgorithm": "MEDIAN", "objectiveGoal": 0})
    failing = appliance.tuning(entryPoint="failing.py", experimentId=used, maxFailedTrialCount=1)
    appliance.await_status(training)
    appliance.await_status(orphan)
    tuning = searched["hyperparameterTuningId"]
    appliance.await_tuning(tuning)
    appliance.await_tuning(failing["hyperparameterTuningId"])
    appliance.call("DELETE", f"/experiments/{deleted}")
    model = appliance.model(trainingId=training, modelUploadUri=None, parameterList=[{"parameterName": "key"}])["modelId"]
    appliance.model(hyperparameterTuningId=tuning, modelUploadUri=None, modelFormatCode="SKLEARN")
    template = appliance.call("POST", "/training-templates", json={"trainingTemplateName": "walked", "entryPoint": "quick.py"})
    endpoint = appliance.endpoint(model, tagList=body["tagList"], endpointName="walked")
    stage = endpoint["endpointStageList"][0]
    values = {
        "appkey": "local", "experiment_id": used, "training_id": training, "image_id": "plain", "container": "code",
        "training_template_id": template["trainingTemplate"]["trainingTemplateId"],
        "tuning_id": tuning, "trial_id": appliance.trials(tuning)[0]["trialId"], "model_id": model,
        "endpoint_id": endpoint["endpointId"], "endpoint_stage_id": stage["endpointStageId"],
        "endpoint_model_id": stage["endpointModelList"][0]["endpointModelId"], "flavor_id": "m2.c1m2",
    }  # fmt: skip
    values["pod_id"] = appliance.call("GET", f"/endpoint-stages/{stage['endpointStageId']}/pods")["podList"][0]["podId"]
    called = {records.key(stage["endpointStageId"], each): records.counted(ok=2) for each in (model, "gone")}
    records.add_calls(appliance.home, called)
    file = appliance.uri("code", "quick.py")
    found: dict[str, Any] = {}
    with appliance.client() as client:
        document = client.get(f"http://127.0.0.1:{appliance.port}/openapi.json").json()
        for path, verbs in document["paths"].items():
            if "get" not in verbs or not path.startswith("/v1.0/"):
                continue
            if "text/event-stream" in verbs["get"]["responses"]["200"]["content"]:
                continue  # has no end, and the SDK knows no streams
            filled = path.removeprefix("/v1.0/appkeys/{appkey}").format(**values)
            query = {"uri": file, "for": "training", "metricName": "loss", "endpointStageId": stage["endpointStageId"]}
            if path.endswith("/search"):
                query = {"query": "walked"}
            answer = client.get(filled, params=query)
            if answer.headers["content-type"] == "application/json":
                assert answer.json()["header"]["isSuccessful"], f"{path}: {answer.text}"
                found[path] = answer.json()
    return found


def objects(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield place, value
        for key, inner in value.items():
            if key not in FREE:
                yield from objects(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from objects(inner, f"{place}[{index}]")


def every_object(answers: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [found for path, answer in answers.items() for found in objects(answer, path)]


def test_the_walk_saw_the_resources(answers: dict[str, Any]) -> None:
    trainings = answers["/v1.0/appkeys/{appkey}/trainings"]["trainingList"]
    assert {training["experiment"]["experimentName"] for training in trainings} == {"walked", "deleted (deleted)"}
    assert {training["trainingStatusCode"] for training in trainings} == {"COMPLETE", "FAIL_TRAIN"}
    tunings = answers["/v1.0/appkeys/{appkey}/hyperparameter-tunings"]["hyperparameterTuningList"]
    assert {tuning["optimalTrial"] is None for tuning in tunings} == {True, False}
    for path in ("experiments", "experiments/{experiment_id}", "trainings/{training_id}", "flavors", "images", "algorithms"):
        assert f"/v1.0/appkeys/{{appkey}}/{path}" in answers
    for path in ("", "/{tuning_id}", "/{tuning_id}/trials", "/{tuning_id}/trials/{trial_id}/metrics", "/{tuning_id}/analysis"):
        assert f"/v1.0/appkeys/{{appkey}}/hyperparameter-tunings{path}" in answers
    assert json.dumps(answers).count('"tagKey": "k"') >= 2
    listed = answers["/v1.0/appkeys/{appkey}/models"]["modelList"]
    assert {(m["training"] is None, m["trial"] is None) for m in listed} == {(True, False), (False, True)}
    shown = answers["/v1.0/appkeys/{appkey}/trainings/{training_id}"]["training"]["modelList"]
    assert [m["modelStatusCode"] for m in shown] == ["ACTIVE"]
    endpoint = answers["/v1.0/appkeys/{appkey}/endpoints/{endpoint_id}"]["endpoint"]
    assert endpoint["endpointStageList"][0]["endpointModelList"][0]["runningPodCount"] == 1
    assert answers["/v1.0/appkeys/{appkey}/endpoint-stages/{endpoint_stage_id}/gateway"]["gatewaySettings"]["routeList"]
    assert answers["/v1.0/appkeys/{appkey}/endpoint-stages/{endpoint_stage_id}/pods"]["podList"]
    assert answers["/v1.0/appkeys/{appkey}/models/{model_id}/examination"]["examination"]["fileList"]


def test_every_id_comes_with_its_status(answers: dict[str, Any]) -> None:
    missing = []
    for place, found in every_object(answers):
        for key in found:
            if key.endswith("Id") and key not in NO_STATUS | REFERENCES:
                status = found.get(key.removesuffix("Id") + "StatusCode")
                if found[key] is not None and (not isinstance(status, str) or not status):
                    missing.append(f"{place}.{key}")
    assert missing == []


def test_types_are_those_that_the_sdk_accepts(answers: dict[str, Any]) -> None:
    wrong = []
    for place, found in every_object(answers):
        for key, value in found.items():
            if value is None:
                # null is accepted for anything but a list (rest-api §1.5).
                is_right = not key.endswith("List")
            elif (key == "id" or key.endswith("Id")) and key not in NUMBERS:
                is_right = isinstance(value, str) and len(value) <= 36
            elif key.lower().endswith("datetime"):
                is_right = isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT.*[+-]\d\d:\d\d$", value) is not None
            elif key.endswith(("Name", "Code", "Uri", "Version", "parameterValue", "description")) and key != "resultCode":
                is_right = isinstance(value, str)
            elif key.endswith("List"):
                is_right = isinstance(value, list)
            elif key in FRACTIONS:
                is_right = isinstance(value, int | float)
            elif INTEGERS.search(key):
                is_right = type(value) is int or (key in {"vcpus", "node"} and MACHINE.search(place) is not None)
            else:
                continue
            if not is_right:
                wrong.append(f"{place}.{key} = {value!r}")
    assert wrong == []


def test_enumerations_hold_what_the_sdk_knows(answers: dict[str, Any]) -> None:
    known = {
        "trainingStatusCode": {"COMPLETE", "FAIL_TRAIN"}, "experimentStatusCode": {"ACTIVE", "DELETED"},
        "hyperparameterTuningStatusCode": {"COMPLETE", "FAIL_HYPERPARAMETER_TUNING"},
        "trialStatusCode": {"SUCCEEDED"}, "hyperparameterTypeCode": {"int", "double", "discrete", "categorical"},
        "objectiveTypeCode": {"MINIMIZE", "MAXIMIZE"}, "tuningStrategyName": {"GRID", "RANDOM", "BAYESIAN_OPTIMIZATION"},
        "earlyStoppingAlgorithm": {"MEDIAN", None}, "coreTypeCode": {"CPU", "GPU"},
        "frameworkCode": {"PYTORCH", "TENSORFLOW", "PYTHON", "SCIKIT_LEARN", None},  # of images and of models
        "modelFormatCode": {"SKLEARN", "PYTORCH", None}, "modelTypeCode": {"SCIKIT_LEARN", "PYTORCH", None},
        "modelStatusCode": {"ACTIVE", "CREATE_FAILED", "DELETED"},
        "groupTypeCode": {"TRAINING", "NOTEBOOK", "TENSORBOARD", "MLFLOW", "SERVING"},  # the last three are ours
    }  # fmt: skip
    seen: dict[str, set[Any]] = {key: set() for key in known}
    for _, found in every_object(answers):
        for key in known.keys() & found.keys():
            seen[key].add(found[key])
    assert {key: values - known[key] for key, values in seen.items()} == {key: set() for key in known}
    for key in ("trainingStatusCode", "hyperparameterTuningStatusCode", "modelStatusCode"):
        assert seen[key] == known[key]
