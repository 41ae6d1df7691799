"""Bad creation requests: a clear error at the right field, and nothing is created."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Call = Callable[..., httpx.Response]


def obs(path: str) -> str:
    return f"obs://local/v1/AUTH_local/{path}"


def dataset(name: str, uri: str = obs("data/one")) -> dict[str, str]:
    return {"datasetName": name, "dataUri": uri}


def parameter(name: str, value: object = "1") -> dict[str, object]:
    return {"parameterName": name, "parameterValue": value}


def tag(key: str) -> dict[str, str]:
    return {"tagKey": key, "tagValue": "v"}


# requirement or subject, change of a good body, field at fault, words in its message
TABLE: list[tuple[str, dict[str, Any], str, str]] = [
    ("unknown image", {"imageId": "nope"}, "imageId", "no image 'nope'"),
    ("unknown flavor", {"flavorId": "nope"}, "flavorId", "no flavor 'nope'"),
    ("unknown experiment", {"experimentId": "nope"}, "experimentId", "no experiment 'nope'"),
    ("TR-04 no experiment", {"experimentId": None}, "experimentId", "required"),
    ("unknown algorithm", {"algorithmId": "nope"}, "algorithmId", "no algorithm 'nope'"),
    ("neither algorithm nor path", {"sourceDirUri": None}, "sourceDirUri", "required"),
    ("no entry point", {"entryPoint": None}, "entryPoint", "required"),
    ("TR-03 no name", {"trainingName": None}, "trainingName", "required"),
    ("TR-03 blank name", {"trainingName": "  "}, "trainingName", "empty"),
    ("GN-02 name", {"trainingName": "n" * 51}, "trainingName", "50"),
    ("GN-02 description", {"description": "d" * 256}, "description", "255"),
    ("GN-02 identifier", {"imageId": "i" * 37}, "imageId", "36"),
    ("control character in a name", {"trainingName": "a\x07b"}, "trainingName", "control"),
    ("TR-18 eleven data sets", {"datasetList": [dataset(f"d{n}") for n in range(11)]}, "datasetList", "10"),
    ("TR-18 data set name", {"datasetList": [dataset("d" * 37)]}, "datasetList.0.datasetName", "36"),
    ("TR-27 data set names", {"datasetList": [dataset("Train"), dataset("tRAIN")]}, "datasetList", "EM_DATASET_TRAIN"),
    ("data set name as a path", {"datasetList": [dataset("../x")]}, "datasetList.0.datasetName", "pattern"),
    ("data set named ..", {"datasetList": [dataset("..")]}, "datasetList.0.datasetName", "'..'"),
    ("data set missing", {"datasetList": [dataset("d", obs("data/none"))]}, "datasetList.0.dataUri", "nothing at"),
    ("data set is a file", {"datasetList": [dataset("d", obs("data/file.csv"))]}, "datasetList.0.dataUri", "is a file"),
    ("second data set", {"datasetList": [dataset("a"), dataset("b", obs("no/x"))]}, "datasetList.1.dataUri", "no container"),
    ("TR-10 entry point missing", {"entryPoint": "none.py"}, "entryPoint", "none.py"),
    ("TR-10 entry point is a folder", {"sourceDirUri": obs("data"), "entryPoint": "one"}, "entryPoint", "one"),
    ("TR-10 entry point long", {"entryPoint": "e" * 256}, "entryPoint", "255"),
    ("entry point outside", {"entryPoint": "../code/train.py"}, "entryPoint", "'..'"),
    ("entry point absolute", {"entryPoint": "/etc/passwd"}, "entryPoint", "below"),
    ("source path missing", {"sourceDirUri": obs("code/none")}, "sourceDirUri", "nothing at"),
    ("source is a file", {"sourceDirUri": obs("code/train.py")}, "sourceDirUri", "is a file"),
    ("source outside", {"sourceDirUri": obs("code/../code")}, "sourceDirUri", "'..'"),
    ("data outside", {"datasetList": [dataset("d", obs("data/../../.."))]}, "datasetList.0.dataUri", "'..'"),
    ("model outside", {"modelUploadUri": obs("models/../../x")}, "modelUploadUri", "'..'"),
    ("checkpoint outside", {"checkPointUploadUri": obs("models/../x")}, "checkPointUploadUri", "'..'"),
    ("input checkpoint missing", {"checkPointInputUri": obs("models/none")}, "checkPointInputUri", "nothing at"),
    ("link that leads out", {"datasetList": [dataset("d", obs("data/escape"))]}, "datasetList.0.dataUri", "leads out"),
    ("output by a link that leads out", {"modelUploadUri": obs("data/escape/m")}, "modelUploadUri", "leads out"),
    ("output is a file", {"modelUploadUri": obs("data/file.csv")}, "modelUploadUri", "is a file"),
    ("output below a file", {"modelUploadUri": obs("data/file.csv/m")}, "modelUploadUri", "is a file"),
    ("no output", {"modelUploadUri": None}, "modelUploadUri", "required"),
    ("output without container", {"modelUploadUri": obs("none/m")}, "modelUploadUri", "mkdir"),
    ("GN-08, TR-26 NAS", {"datasetList": [dataset("d", "nas://other:/x")]}, "datasetList.0.dataUri", "archive, team"),
    ("GN-L06 NAS is read-only", {"modelUploadUri": "nas://archive:/m"}, "modelUploadUri", "read-only"),
    ("placeholder", {"sourceDirUri": "obs://{endpoint}/code"}, "sourceDirUri", "placeholder {endpoint}"),
    ("GN-09 long address", {"modelUploadUri": obs("models/" + "x" * 250)}, "modelUploadUri", "255"),
    ("GN-06 neither obs nor nas", {"modelUploadUri": "/tmp/model"}, "modelUploadUri", "nas://{NAS ID}"),
    ("TR-12 101 rows", {"hyperparameterList": [parameter(f"p{n}") for n in range(101)]}, "hyperparameterList", "100"),
    ("TR-12 key", {"hyperparameterList": [parameter("k" * 256)]}, "hyperparameterList.0.parameterName", "255"),
    ("TR-12 value", {"hyperparameterList": [parameter("k", "v" * 1001)]}, "hyperparameterList.0.parameterValue", "1000"),
    ("TR-12 empty key", {"hyperparameterList": [parameter("")]}, "hyperparameterList.0.parameterName", "1 character"),
    ("value is a list", {"hyperparameterList": [parameter("k", [1])]}, "hyperparameterList.0.parameterValue", "string"),
    ("NUL in a value", {"hyperparameterList": [parameter("k", "a\0b")]}, "hyperparameterList.0.parameterValue", "NUL"),
    ("HY-06 keys", {"hyperparameterList": [parameter("a-b"), parameter("A_B")]}, "hyperparameterList", "EM_HP_A_B"),
    ("EM_HPS", {"hyperparameterList": [parameter(f"p{n}", "값" * 999) for n in range(100)]}, "hyperparameterList", "EM_HPS"),
    ("GN-04 eleven tags", {"tagList": [tag(f"t{n}") for n in range(11)]}, "tagList", "10"),
    ("GN-04 duplicate tag", {"tagList": [tag("t"), tag("t")]}, "tagList", "given twice"),
    ("IT-07 GPU image", {"imageId": "plain-gpu"}, "imageId", "GPU image"),
    ("TR-16 TensorFlow", {"imageId": "plain-tensorflow", "useTorchrun": True, "nprocPerNode": 1}, "useTorchrun", "PyTorch"),
    ("TR-17 no processes", {"useTorchrun": True}, "nprocPerNode", "1 to 1"),
    ("TR-17 too many processes", {"useTorchrun": True, "nprocPerNode": 2}, "nprocPerNode", "1 to 1"),
    ("TR-15, IT-08 no node", {"instanceCount": 0}, "instanceCount", "1"),
    ("TR-15, IT-08 eleven nodes", {"instanceCount": 11}, "instanceCount", "10"),
    ("GN-24 too short", {"timeoutMinutes": 59}, "timeoutMinutes", "60"),
    ("GN-24 too long", {"timeoutMinutes": 43201}, "timeoutMinutes", "43200"),
    ("GN-23 storage", {"dataStorageSize": 10001}, "dataStorageSize", "10000"),
    ("IT-L03 never fits", {"flavorId": "c2.c16m16", "instanceCount": 10}, "flavorId", "can never run here"),
    ("number as text", {"instanceCount": "many"}, "instanceCount", "integer"),
    ("list as text", {"datasetList": "all"}, "datasetList", "tuple"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "words"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_refused(call: Call, body: dict[str, Any], change: dict[str, Any], field: str, words: str) -> None:
    before = call("GET", "/trainings").json()["trainingList"]
    answer = call("POST", "/trainings", json={**body, **change})
    assert answer.status_code == 422, answer.json()
    refused = answer.json()
    assert refused["errorCode"] == "INVALID_REQUEST"
    messages = {fault["field"]: fault["message"] for fault in refused["fieldErrors"]}
    assert words in messages[field], messages
    assert words in refused["header"]["resultMessage"], "the SDK shows nothing else"
    assert call("POST", "/trainings/check", json={**body, **change}).json() == refused
    assert call("GET", "/trainings").json()["trainingList"] == before


def test_every_fault_is_named_at_once(call: Call, body: dict[str, Any]) -> None:
    wrong = {
        "imageId": "nope", "flavorId": "nope", "entryPoint": "none.py", "modelUploadUri": "nas://other:/m",
        "experimentId": "nope",
    }  # fmt: skip
    refused = call("POST", "/trainings", json={**body, **wrong}).json()
    assert {fault["field"] for fault in refused["fieldErrors"]} == set(wrong)


def test_the_good_body_would_be_created(call: Call, body: dict[str, Any], ended: dict[str, Any]) -> None:
    """Otherwise every refusal above might have another cause."""
    assert {key: ended[key] for key in ("entryPoint", "sourceDirUri")} == {
        key: body[key] for key in ("entryPoint", "sourceDirUri")
    }
    assert ended["trainingStatusCode"] == "COMPLETE"
