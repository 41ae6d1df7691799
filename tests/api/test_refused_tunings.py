"""Bad tunings: a clear error at the right field, and nothing is created. What trainings refuse as well is in their tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from easymaker_local.domain.metric_lines import DEFAULT_REGEX
from easymaker_local.testing.appliance import Appliance
from tests.api.test_refused_trainings import dataset, obs, tag
from tests.domain.test_search_space import listed, ranged

Call = Callable[..., httpx.Response]

PATH = "/hyperparameter-tunings"
SPECS = "hyperparameterSpecList"
FIRST = f"{SPECS}.0."
VALUES = FIRST + "hyperparameterSpecifiedValues"
SECOND_VALUES = f"{SPECS}.1.hyperparameterSpecifiedValues"


def of(*specs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {SPECS: list(specs), **more}


def metrics(*names: str) -> dict[str, Any]:
    return {"metricList": [{"name": name} for name in names]}


# requirement or subject, change of a good body (a grid), field at fault, words in its message
TABLE: list[tuple[str, dict[str, Any], str, str]] = [
    ("HP-03 no name", {"hyperparameterTuningName": None}, "hyperparameterTuningName", "required"),
    ("HP-03 blank name", {"hyperparameterTuningName": " "}, "hyperparameterTuningName", "empty"),
    ("HP-03 long name", {"hyperparameterTuningName": "n" * 51}, "hyperparameterTuningName", "50"),
    ("HP-03 description", {"description": "d" * 256}, "description", "255"),
    ("HP-04 no experiment", {"experimentId": None}, "experimentId", "required"),
    ("HP-04 unknown experiment", {"experimentId": "nope"}, "experimentId", "no experiment 'nope'"),
    ("HP-05 no strategy", {"tuningStrategyName": None}, "tuningStrategyName", "GRID, RANDOM, BAYESIAN_OPTIMIZATION"),
    ("HP-05 unknown strategy", {"tuningStrategyName": "CHANCE"}, "tuningStrategyName", "'GRID'"),
    ("HP-06 random state", {"tuningStrategyRandomState": "seven"}, "tuningStrategyRandomState", "integer"),
    ("HP-06 large random state", {"tuningStrategyRandomState": 1 << 63}, "tuningStrategyRandomState", "less than"),
    ("HP-07 unknown algorithm", {"algorithmId": "nope"}, "algorithmId", "no algorithm 'nope'"),
    ("HP-12 no algorithm path", {"sourceDirUri": None}, "sourceDirUri", "required"),
    ("HP-12 no entry point", {"entryPoint": None}, "entryPoint", "required"),
    ("HP-12 entry point missing", {"entryPoint": "none.py"}, "entryPoint", "none.py"),
    ("HP-13 nothing to tune", of(), SPECS, "at least one"),
    ("HP-13 101 specifications", of(*[ranged("int", 1, 2, 1, f"p{n}") for n in range(101)]), SPECS, "100"),
    ("HP-13 no name of one", of(ranged("int", 1, 2, 1, "")), FIRST + "hyperparameterName", "1 character"),
    ("HP-13 long name of one", of(ranged("int", 1, 2, 1, "n" * 256)), FIRST + "hyperparameterName", "255"),
    ("HP-13 the same variable", of(ranged("int", 1, 2, 1, "a-b"), ranged("int", 1, 2, 1, "A_B")), SPECS, "EM_HP_A_B"),
    ("HP-14 no type", of({"hyperparameterName": "lr"}), FIRST + "hyperparameterTypeCode", "required"),
    ("HP-14 unknown type", of(ranged("float", 1, 2, 1)), FIRST + "hyperparameterTypeCode", "'double'"),
    ("HP-15 no min", of(ranged("int", None, 2, 1)), FIRST + "hyperparameterMinValue", "required for int"),
    ("HP-15 no max", of(ranged("double", 1, None, 1)), FIRST + "hyperparameterMaxValue", "required for double"),
    ("HP-15 min above max", of(ranged("double", "0.3", "0.1", "0.1")), FIRST + "hyperparameterMinValue", "above the maximum"),
    ("HP-15 min is no number", of(ranged("double", "low", 1, 1)), FIRST + "hyperparameterMinValue", "'low' is not a number"),
    ("HP-15 max is not finite", of(ranged("double", 0, "inf", 1)), FIRST + "hyperparameterMaxValue", "not a number"),
    ("HP-15 half an int", of(ranged("int", "0.5", 2, 1)), FIRST + "hyperparameterMinValue", "whole number"),
    ("HP-16 grid without step", of(ranged("double", 0, 1)), FIRST + "hyperparameterStep", "required for double with GRID"),
    ("HP-16 step 0", of(ranged("double", 0, 1, 0)), FIRST + "hyperparameterStep", "greater than 0"),
    ("HP-16 step below 0", of(ranged("int", 0, 1, -1)), FIRST + "hyperparameterStep", "greater than 0"),
    ("HP-16 half a step", of(ranged("int", 0, 1, "0.5")), FIRST + "hyperparameterStep", "whole number"),
    ("HP-17 no discrete values", of(listed("discrete", None)), VALUES, "at least one value"),
    ("HP-17 empty list", of(listed("categorical", " , ,")), VALUES, "at least one value"),
    ("HP-17 discrete words", of(listed("discrete", "1, two")), VALUES, "'two' is not a number"),
    ("HP-17 long list", of(listed("categorical", "x" * 3001)), VALUES, "3000"),
    ("HP-17 long value", of(listed("categorical", "x" * 1001)), VALUES, "1000"),
    ("HP-17 the second one", of(ranged("int", 1, 2, 1), listed("discrete", "")), SECOND_VALUES, "at least one value"),
    ("EM_HPS", of(*[listed("categorical", "값" * 999, f"p{n}") for n in range(100)]), SPECS, "EM_HPS"),
    ("HP-18 unknown image", {"imageId": "nope"}, "imageId", "no image 'nope'"),
    ("HP-18 GPU image", {"imageId": "plain-gpu"}, "imageId", "GPU image"),
    ("HP-19 unknown flavor", {"flavorId": "nope"}, "flavorId", "no flavor 'nope'"),
    ("HP-19 never fits", {"flavorId": "c2.c16m16", "instanceCount": 10}, "flavorId", "can never run here"),
    ("HP-20 eleven instances", {"instanceCount": 11}, "instanceCount", "10"),
    ("HP-21 nodes of parts", {"instanceCount": 3, "parallelTrialCount": 2}, "instanceCount", "shared evenly"),
    ("HP-21 fewer nodes than trials", {"instanceCount": 1, "parallelTrialCount": 2}, "instanceCount", "shared evenly"),
    ("HP-22 no trial at once", {"parallelTrialCount": 0}, "parallelTrialCount", "1"),
    ("HP-22 eleven at once", {"instanceCount": 10, "parallelTrialCount": 11}, "parallelTrialCount", "10"),
    ("HP-23 torchrun", {"useTorchrun": True, "nprocPerNode": 2}, "nprocPerNode", "1 to 1"),
    ("HP-24 data set missing", {"datasetList": [dataset("d", obs("data/none"))]}, "datasetList.0.dataUri", "nothing at"),
    ("HP-24 input checkpoint", {"checkPointInputUri": obs("models/none")}, "checkPointInputUri", "nothing at"),
    ("HP-25 no output", {"modelUploadUri": None}, "modelUploadUri", "required"),
    ("HP-25 no container", {"modelUploadUri": obs("none/m")}, "modelUploadUri", "mkdir"),
    ("HP-25 no room for a trial", {"modelUploadUri": obs("models/" + "x" * 220)}, "modelUploadUri", "too much"),
    ("HP-25 of checkpoints", {"checkPointUploadUri": obs("models/" + "x" * 220)}, "checkPointUploadUri", "too much"),
    ("HP-26 no metric", metrics(), "metricList", "required"),
    ("HP-26 eleven metrics", metrics("loss", *[f"m{n}" for n in range(10)]), "metricList", "10"),
    ("HP-26 twice", metrics("loss", "loss"), "metricList", "named twice"),
    ("HP-26 no name", metrics("loss", ""), "metricList.1.name", "1 character"),
    ("HP-27 does not compile", {"metricRegex": r"([\w]+)=(\d+"}, "metricRegex", "missing )"),
    ("HP-27 no second group", {"metricRegex": r"loss=(\d+)"}, "metricRegex", "two groups"),
    ("HP-27 looks ahead", {"metricRegex": r"(\w+)=(?=(\d+))"}, "metricRegex", "no regular expression"),
    ("HP-27 long", {"metricRegex": DEFAULT_REGEX + "x" * 255}, "metricRegex", "255"),
    ("HP-28 no objective", {"objectiveMetric": None}, "objectiveMetric", "one of the metrics"),
    ("HP-28 another metric", {"objectiveMetric": {"name": "f1"}}, "objectiveMetric", "'f1' is not among the metrics"),
    ("HP-28 long", {"objectiveMetric": {"name": "n" * 37}}, "objectiveMetric.name", "36"),
    ("HP-29 no direction", {"objectiveTypeCode": None}, "objectiveTypeCode", "MINIMIZE or MAXIMIZE"),
    ("HP-29 unknown direction", {"objectiveTypeCode": "UP"}, "objectiveTypeCode", "'MINIMIZE'"),
    ("HP-30 goal", {"objectiveGoal": "best"}, "objectiveGoal", "number"),
    ("HP-31 no failure", {"maxFailedTrialCount": 0}, "maxFailedTrialCount", "1"),
    ("HP-32 no trial", {"maxTrialCount": 0}, "maxTrialCount", "1"),
    ("HP-33 unknown rule", {"earlyStoppingAlgorithm": "MEAN"}, "earlyStoppingAlgorithm", "'MEDIAN'"),
    ("HP-34 none required", {"earlyStoppingMinTrialCount": 0}, "earlyStoppingMinTrialCount", "1"),
    ("HP-35 no step", {"earlyStoppingStartStep": 0}, "earlyStoppingStartStep", "1"),
    ("HP-36 too short", {"timeoutMinutes": 59}, "timeoutMinutes", "60"),
    ("HP-36 storage", {"dataStorageSize": 10001}, "dataStorageSize", "10000"),
    ("HP-36 tags", {"tagList": [tag("t"), tag("t")]}, "tagList", "given twice"),
    ("HP-37 NAS", {"datasetList": [dataset("d", "nas://other:/x")]}, "datasetList.0.dataUri", "archive, team"),
]  # fmt: skip


@pytest.fixture
def good(body: dict[str, Any]) -> dict[str, Any]:
    """A grid of two that would be created: each test spoils one thing."""
    del body["trainingName"]
    return {
        **body, "hyperparameterTuningName": "refused", "tuningStrategyName": "GRID", **metrics("loss"),
        "objectiveMetric": {"name": "loss"}, "objectiveTypeCode": "MINIMIZE", **of(listed("categorical", "sgd, adam")),
    }  # fmt: skip


@pytest.mark.parametrize(("change", "field", "words"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_refused(call: Call, good: dict[str, Any], change: dict[str, Any], field: str, words: str) -> None:
    """GN-02, and what each row says."""
    before = call("GET", PATH).json()["hyperparameterTuningList"]
    answer = call("POST", PATH, json={**good, **change})
    assert answer.status_code == 422, answer.json()
    refused = answer.json()
    assert refused["errorCode"] == "INVALID_REQUEST"
    messages = {fault["field"]: fault["message"] for fault in refused["fieldErrors"]}
    assert words in messages[field], messages
    assert words in refused["header"]["resultMessage"], "the SDK shows nothing else"
    assert call("POST", f"{PATH}/check", json={**good, **change}).json() == refused
    assert call("GET", PATH).json()["hyperparameterTuningList"] == before


def test_every_fault_is_named_at_once(call: Call, good: dict[str, Any]) -> None:
    wrong = {"imageId": "nope", "entryPoint": "none.py", "tuningStrategyName": None, "objectiveMetric": {"name": "f1"}}
    specs = of(ranged("int", 3, 1, 1), listed("discrete", "a"))
    refused = call("POST", PATH, json={**good, **wrong, **specs}).json()
    ranges = {FIRST + "hyperparameterMinValue", SECOND_VALUES}
    assert {fault["field"] for fault in refused["fieldErrors"]} == set(wrong) | ranges


def test_the_good_body_is_created(call: Call, good: dict[str, Any], appliance: Appliance) -> None:
    """Otherwise every refusal above might have another cause. A step without a grid is no fault: the vendor's samples do it."""
    good |= of(ranged("double", 0, 1, 0)) | {"tuningStrategyName": "RANDOM", "maxTrialCount": 1, "maxFailedTrialCount": 1}
    created = call("POST", PATH, json=good).json()["hyperparameterTuning"]
    assert created["hyperparameterTuningName"] == "refused"
    # The script of these tests prints no metric.
    ended = appliance.await_tuning(created["hyperparameterTuningId"])
    assert ended["hyperparameterTuningStatusCode"] == "FAIL_HYPERPARAMETER_TUNING"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PATCH", ""), ("PUT", "/stop"), ("DELETE", ""), ("GET", "/copy-source"), ("GET", "/events"),
        ("GET", "/trials"), ("GET", "/trials/none"), ("GET", "/trials/none/metrics?metricName=loss"), ("GET", "/analysis"),
    ],
)  # fmt: skip
def test_a_tuning_that_does_not_exist(call: Call, method: str, path: str) -> None:
    answer = call(method, f"{PATH}/nowhere{path}", **({"json": {"description": "d"}} if method == "PATCH" else {}))
    assert answer.status_code == 404, answer.text
    assert "nowhere" in answer.json()["header"]["resultMessage"]
