"""What must hold in every answer of the API, whatever the resource (rest-api §2): walked, not listed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance

# Objects with an id that the SDK does not fetch by it, so that they need no status (rest-api §2.2).
NO_STATUS = {"imageId", "algorithmId", "trialId", "eventId", "tenantId", "userId"}
# Ids that only refer: they stand beside the object's own id and bring no object with them.
REFERENCES = {"hyperparameterTuningId", "resourceId"}
# An event is a line of a history, not a resource: a counting number to go on from.
NUMBERS = {"eventId"}
# Whatever users put in is returned as they wrote it. Of templates, which the SDK does not know, what was left out is null.
FREE = {"copySource", "trainingTemplate", "trainingTemplateList", "values"}
INTEGERS = re.compile(r"(Count|Size|Seconds|Minutes|vcpus|ram|disk|gpuMemory|offset|Offset|node|size|resultCode|pid)$")


@pytest.fixture(scope="module")
def answers(appliance: Appliance) -> dict[str, Any]:
    """Every JSON answer of every GET path of the API, with a training of each kind of end in it."""
    used = appliance.experiment("walked")
    deleted = appliance.experiment("deleted")
    body = {
        "entryPoint": "quick.py", "hyperparameterList": [{"parameterName": "n", "parameterValue": 1}],
        "datasetList": [{"datasetName": "train", "dataUri": appliance.uri("data", "train")}],
        "tagList": [{"tagKey": "k", "tagValue": "v"}], "dataStorageSize": 1, "experimentId": used,
    }  # fmt: skip
    training = appliance.training(**body)["trainingId"]
    orphan = appliance.training(entryPoint="failing.py", experimentId=deleted)["trainingId"]
    appliance.await_status(training)
    appliance.await_status(orphan)
    appliance.call("DELETE", f"/experiments/{deleted}")
    template = appliance.call("POST", "/training-templates", json={"trainingTemplateName": "walked", "entryPoint": "quick.py"})
    values = {
        "appkey": "local", "experiment_id": used, "training_id": training, "image_id": "plain", "container": "code",
        "training_template_id": template["trainingTemplate"]["trainingTemplateId"],
    }  # fmt: skip
    file = appliance.uri("code", "quick.py")
    found: dict[str, Any] = {}
    with appliance.client() as client:
        document = client.get(f"http://127.0.0.1:{appliance.port}/openapi.json").json()
        for path, verbs in document["paths"].items():
            if "get" not in verbs or not path.startswith("/v1.0/"):
                continue
            filled = path.removeprefix("/v1.0/appkeys/{appkey}").format(**values)
            answer = client.get(filled, params={"uri": file, "for": "training"})
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
    for path in ("experiments", "experiments/{experiment_id}", "trainings/{training_id}", "flavors", "images", "algorithms"):
        assert f"/v1.0/appkeys/{{appkey}}/{path}" in answers
    assert json.dumps(answers).count('"tagKey": "k"') >= 2


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
            elif INTEGERS.search(key):
                is_right = type(value) is int or (key == "vcpus" and place.endswith((".system", ".machine")))
            else:
                continue
            if not is_right:
                wrong.append(f"{place}.{key} = {value!r}")
    assert wrong == []


def test_enumerations_hold_what_the_sdk_knows(answers: dict[str, Any]) -> None:
    known = {
        "trainingStatusCode": {"COMPLETE", "FAIL_TRAIN"}, "experimentStatusCode": {"ACTIVE", "DELETED"},
        "coreTypeCode": {"CPU", "GPU"}, "frameworkCode": {"PYTORCH", "TENSORFLOW", "PYTHON"},
        "groupTypeCode": {"TRAINING", "NOTEBOOK", "TENSORBOARD", "MLFLOW"},  # the last two are ours
    }  # fmt: skip
    seen: dict[str, set[str]] = {key: set() for key in known}
    for _, found in every_object(answers):
        for key in known.keys() & found.keys():
            seen[key].add(found[key])
    assert {key: values - known[key] for key, values in seen.items()} == {key: set() for key in known}
    assert seen["trainingStatusCode"] == known["trainingStatusCode"]
