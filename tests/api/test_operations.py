"""What may be done with experiments and trainings that exist, seen through the API alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easymaker_local.testing.appliance import Appliance

Call = Callable[..., httpx.Response]


def _names(call: Call, **query: Any) -> set[str]:
    found = call("GET", "/experiments", params=query).json()["experimentList"]
    return {experiment["experimentName"] for experiment in found}


def _create(call: Call, name: str) -> dict[str, Any]:
    answer = call("POST", "/experiments", json={"experimentName": name})
    assert answer.status_code == 200, answer.text
    experiment: dict[str, Any] = answer.json()["experiment"]
    return experiment


def test_experiment_filters(call: Call) -> None:
    """rest-api §1.6, §6.4."""
    ids = {name: _create(call, name)["experimentId"] for name in ("f-one", "f-two", "f-one,f-two", "F-ONE", "f%_")}
    assert _names(call, experimentNameList="f-one") == {"f-one"}
    assert _names(call, experimentNameList="f-none") == set()
    assert _names(call, experimentNameList="f%_") == {"f%_"}
    assert _names(call, experimentNameList="f-o") == set()
    assert _names(call, experimentNameList=["f-one", "F-ONE"]) == {"f-one", "F-ONE"}
    assert "f-one,f-two" in _names(call, experimentNameList="f-one,f-two")
    assert _names(call, experimentNameList="f-two,f-none") == {"f-two"}
    assert _names(call, experimentIdList=ids["f-one"]) == {"f-one"}
    assert _names(call, experimentIdList=[ids["f-one"], ids["f-two"]]) == {"f-one", "f-two"}
    assert _names(call, experimentIdList=f"{ids['f-one']},{ids['f-two']}") == {"f-one", "f-two"}
    assert _names(call, experimentIdList=ids["f-one"], experimentNameList="f-two") == set()
    assert call("DELETE", f"/experiments/{ids['f-one']}").status_code == 200
    assert _names(call, experimentNameList="f-one") == set()


def test_experiment_names_are_unique_among_those_that_exist(call: Call) -> None:
    first = _create(call, "unique")
    refused = call("POST", "/experiments", json={"experimentName": "unique"})
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "CONFLICT")
    other = _create(call, "other than unique")
    taken = call("PATCH", f"/experiments/{other['experimentId']}", json={"experimentName": "unique"})
    assert taken.status_code == 409
    call("DELETE", f"/experiments/{first['experimentId']}")
    assert _create(call, "unique")["experimentId"] != first["experimentId"]


@pytest.mark.parametrize("name", ["실험 이름", "実験", "a/b?c#d&e=f", "Ünï 'quoted' \"x\"", "😀" * 50, "%2e%2e", "-", "\u200f"])
def test_names_of_any_script(call: Call, name: str) -> None:
    experiment = _create(call, name)
    assert experiment["experimentName"] == name
    assert _names(call, experimentNameList=name) == {name}
    shown = call("GET", f"/experiments/{experiment['experimentId']}").json()["experiment"]
    assert shown["experimentName"] == name


def test_experiment_is_renamed_and_described(call: Call) -> None:
    """EX-09."""
    path = f"/experiments/{_create(call, 'before')['experimentId']}"
    call("PATCH", path, json={"description": "words"})
    call("PATCH", path, json={"experimentName": "after"})
    shown = call("GET", path).json()["experiment"]
    assert (shown["experimentName"], shown["description"]) == ("after", "words")
    assert call("PATCH", path, json={}).status_code == 422
    assert call("PATCH", path, json={"experimentName": "n" * 51}).status_code == 422
    events = call("GET", f"{path}/events").json()["eventList"]
    assert "'before'" in events[-1]["message"]


def test_retry_is_for_failures(call: Call) -> None:
    refused = call("PUT", f"/experiments/{_create(call, 'fine')['experimentId']}/retry")
    assert refused.status_code == 409
    assert all(word in refused.json()["header"]["resultMessage"] for word in ("ACTIVE", "CREATE_FAILED"))


def test_failed_experiment_is_retried(appliance: Appliance, call: Call) -> None:
    """EX-06, EX-16, EX-17: the log root cannot be made, then it can."""
    root = appliance.home / "tensorboard"
    aside = root.with_name("aside")
    root.mkdir(exist_ok=True)
    root.rename(aside)
    root.write_text("in the way")
    try:
        failed = call("POST", "/experiments", json={"experimentName": "broken"}).json()["experiment"]
    finally:
        root.unlink()
        aside.rename(root)
    assert failed["experimentStatusCode"] == "CREATE_FAILED"
    assert "log root" in failed["statusMessage"]
    training = {"trainingName": "t", "imageId": "plain", "flavorId": "m2.c1m2", "modelUploadUri": appliance.uri("models")}
    code = {"sourceDirUri": appliance.uri("code"), "entryPoint": "train.py"}
    body = {**training, **code, "experimentId": failed["experimentId"]}
    refused = call("POST", "/trainings", json=body)
    assert "CREATE_FAILED" in refused.json()["header"]["resultMessage"]
    path = f"/experiments/{failed['experimentId']}"
    assert call("PUT", f"{path}/retry").json()["experiment"]["experimentStatusCode"] == "ACTIVE"
    statuses = [event["statusCode"] for event in call("GET", f"{path}/events").json()["eventList"]]
    assert statuses == ["CREATE_REQUESTED", "CREATE_IN_PROGRESS", "CREATE_FAILED", "CREATE_IN_PROGRESS", "ACTIVE"]


def test_experiment_in_use_is_not_deleted(call: Call, running: dict[str, Any]) -> None:
    """EX-20, DP-01, DP-19: the refusal names what is in the way."""
    path = f"/experiments/{running['experiment']['experimentId']}"
    refused = call("DELETE", path)
    assert refused.status_code == 409
    said = refused.json()["header"]["resultMessage"]
    assert running["trainingName"] in said
    assert running["trainingId"] in said
    assert "RUNNING" in said
    assert call("GET", path).json()["experiment"]["experimentStatusCode"] == "ACTIVE"


def test_running_training_is_not_deleted(call: Call, running: dict[str, Any]) -> None:
    """TR-53, DP-02, GN-27."""
    path = f"/trainings/{running['trainingId']}"
    refused = call("DELETE", path)
    assert refused.status_code == 409
    said = refused.json()["header"]["resultMessage"]
    assert "is RUNNING" in said
    assert all(status in said for status in ("COMPLETE", "FAIL_TRAIN", "STOPPED", "CREATE_FAILED"))
    assert call("GET", path).json()["training"]["trainingStatusCode"] == "RUNNING"


def test_ended_training_is_not_stopped(call: Call, ended: dict[str, Any]) -> None:
    """TR-50, GN-27."""
    refused = call("PUT", f"/trainings/{ended['trainingId']}/stop")
    assert refused.status_code == 409
    said = refused.json()["header"]["resultMessage"]
    assert all(word in said for word in ("is COMPLETE", "RUNNING", "CREATE_REQUESTED"))
    assert call("GET", f"/trainings/{ended['trainingId']}").json()["training"] == ended


def test_stop_twice_is_calm(appliance: Appliance, call: Call, running: dict[str, Any]) -> None:
    path = f"/trainings/{running['trainingId']}"
    first, second = call("PUT", f"{path}/stop"), call("PUT", f"{path}/stop")
    assert first.status_code == 200
    assert second.status_code in {200, 409}  # 409 if it has begun to stop by then
    assert appliance.await_status(running["trainingId"])["trainingStatusCode"] == "STOPPED"
    requests = [event for event in call("GET", f"{path}/events").json()["eventList"] if event["type"] == "REQUEST"]
    assert len(requests) == 1


def test_delete_keeps_what_was_stored(appliance: Appliance, call: Call, body: dict[str, Any]) -> None:
    """GN-12; EX-21: an experiment goes although something ended in it."""
    own = _create(call, "to be deleted")["experimentId"]
    appliance.put("code", {"store.py": "import os; open(os.environ['EM_MODEL_DIR'] + '/m', 'w').write('kept')"})
    wanted = {**body, "experimentId": own, "entryPoint": "store.py", "modelUploadUri": appliance.uri("models", "kept")}
    made = call("POST", "/trainings", json=wanted).json()["training"]
    path = f"/trainings/{made['trainingId']}"
    appliance.await_status(made["trainingId"], "COMPLETE")
    assert call("DELETE", f"/experiments/{own}").status_code == 200
    assert call("GET", path).json()["training"]["experiment"]["experimentName"] == "to be deleted (deleted)"
    assert call("DELETE", path).status_code == 200
    assert call("GET", path).status_code == call("GET", f"{path}/logs").status_code == 404
    assert (appliance.home / "storage/models/kept/m").read_text() == "kept"
    for folder in ("work", "logs"):
        assert not (appliance.home / folder / "training" / made["trainingId"]).exists()


def test_training_is_renamed_and_tagged(call: Call, ended: dict[str, Any]) -> None:
    path = f"/trainings/{ended['trainingId']}"
    tags = [{"tagKey": f"키{n}", "tagValue": "값"} for n in range(10)]
    changed = call("PATCH", path, json={"trainingName": "새 이름", "description": "", "tagList": tags}).json()["training"]
    assert (changed["trainingName"], changed["description"], changed["tagList"]) == ("새 이름", "", tags)
    for wrong in ({}, {"trainingName": ""}, {"description": "d" * 256}, {"tagList": [*tags, {"tagKey": "x"}]}):
        assert call("PATCH", path, json=wrong).status_code == 422
    assert call("GET", path).json()["training"] == changed
    back = call("PATCH", path, json={"trainingName": "ended", "tagList": []}).json()["training"]
    assert back["tagList"] == []


def test_copy_is_a_body_that_can_be_posted(appliance: Appliance, call: Call, body: dict[str, Any]) -> None:
    """GN-14, TR-51: all settings come along, and the original is not touched."""
    settings_of_all_kinds = {
        "description": "d", "tagList": [{"tagKey": "k", "tagValue": "v"}], "timeoutMinutes": 61, "useLog": True,
        "datasetList": [{"datasetName": "one", "dataUri": appliance.uri("data", "one")}], "dataStorageSize": 7,
        "checkPointInputUri": appliance.uri("data", "one"), "checkPointUploadUri": "nas://team:/checkpoints",
        "hyperparameterList": [{"parameterName": "b", "parameterValue": 1}, {"parameterName": "a", "parameterValue": True}],
    }  # fmt: skip
    original = call("POST", "/trainings", json={**body, **settings_of_all_kinds}).json()["training"]
    path = f"/trainings/{original['trainingId']}"
    copy = call("GET", f"{path}/copy-source").json()["copySource"]
    assert copy["hyperparameterList"] == [
        {"parameterName": "b", "parameterValue": "1"}, {"parameterName": "a", "parameterValue": "true"},
    ]  # fmt: skip
    second = call("POST", "/trainings", json=copy).json()["training"]
    assert second["trainingId"] != original["trainingId"]
    assert call("GET", f"/trainings/{second['trainingId']}/copy-source").json()["copySource"] == copy
    for training in (original, second):
        assert appliance.await_status(training["trainingId"])["trainingStatusCode"] == "COMPLETE"


def test_the_longest_list_of_hyperparameters(appliance: Appliance, call: Call, body: dict[str, Any]) -> None:
    """TR-12, EV-12: 100 keys of 255 and values of 1000 characters reach the entry point."""
    appliance.put("code", {"count.py": "import json, os, sys; print(len(json.loads(os.environ['EM_HPS'])), len(sys.argv))"})
    rows = [{"parameterName": f"{number:0255d}", "parameterValue": "v" * 1000} for number in range(100)]
    made = call("POST", "/trainings", json={**body, "entryPoint": "count.py", "hyperparameterList": rows}).json()["training"]
    appliance.await_status(made["trainingId"], "COMPLETE")
    assert appliance.log(made["trainingId"]) == "100 201\n"


def test_events_are_read_from_where_one_stopped(call: Call, ended: dict[str, Any]) -> None:
    path = f"/trainings/{ended['trainingId']}/events"
    everything = call("GET", path).json()["eventList"]
    for position, event in enumerate(everything):
        rest = call("GET", path, params={"after": event["eventId"]}).json()["eventList"]
        assert rest == everything[position + 1 :]


@pytest.mark.parametrize("limit", [4, 5, 7, 64])
def test_log_is_read_in_pieces_that_cut_no_character(appliance: Appliance, call: Call, limit: int) -> None:
    text = "한글 줄, 日本語, ünï, 😀😀\n" * 12
    appliance.put("code", {"letters.py": f"import sys; sys.stdout.buffer.write({text.encode()!r} + b'\\xff\\xf0\\x9f end')"})
    made = appliance.training(entryPoint="letters.py", trainingName="letters", experimentId=appliance.experiment("contract"))
    appliance.await_status(made["trainingId"], "COMPLETE")
    path, offset, read = f"/trainings/{made['trainingId']}/logs", 0, ""
    while True:
        piece = call("GET", path, params={"offset": offset, "limit": limit}).json()["log"]
        assert piece["nextOffset"] - piece["offset"] <= limit
        assert piece["offset"] == offset
        if piece["isComplete"]:
            break
        assert piece["nextOffset"] > offset, "whoever follows must get on"
        offset, read = piece["nextOffset"], read + piece["content"]
    assert read.startswith(text)
    assert read.endswith(" end")
    assert offset == len(text.encode()) + len(b"\xff\xf0\x9f end")
    raw = appliance.client()
    with raw:
        assert raw.get(f"{path}/raw").content == text.encode() + b"\xff\xf0\x9f end"


JSON_HEADERS = {"Content-Type": "application/json"}
TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "trainingName", "experimentName", "description", "imageId", "flavorId", "instanceCount", "modelUploadUri", "timeoutMinutes",
    "useLog", "useTorchrun", "nprocPerNode", "dataStorageSize", "algorithmId", "sourceDirUri", "entryPoint",
    "hyperparameterList", "datasetList", "checkPointInputUri", "checkPointUploadUri", "tagList", "experimentId",
)  # fmt: skip
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["parameterName", "parameterValue", "datasetName", "dataUri", "tagKey", "tagValue"]), JSON),
    max_size=4,
)
URIS = (
    TEXT.map("obs://h/v1/AUTH_a/{}".format) | TEXT.map("obs://h/v1/AUTH_a/data/{}".format) | TEXT.map("nas://team:/{}".format)
)


# A body may happen to be good: creating an experiment is fine, a training would need a name of an existing image.
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(FIELDS), JSON | ROWS | URIS, max_size=8) | JSON, path=st.sampled_from(
    ["/trainings", "/experiments", "/storage/containers"]
))  # fmt: skip
def test_any_json_gets_an_answer(call: Call, body: Any, path: str) -> None:
    answer = call("POST", path, content=_escaped(body), headers=JSON_HEADERS)
    assert answer.status_code in {200, 400, 409, 422}, answer.text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(FIELDS), value=JSON | ROWS | URIS)
def test_any_value_in_a_good_body_gets_an_answer(call: Call, body: dict[str, Any], field: str, value: Any) -> None:
    spoiled = {**body, "imageId": "nope", field: value}
    assert call("POST", "/trainings", content=_escaped(spoiled), headers=JSON_HEADERS).status_code in {400, 422}


def _escaped(body: Any) -> bytes:
    """Python's own JSON: NaN, infinities and lone surrogates go on the wire."""
    return json.dumps(body).encode()


def test_the_appliance_says_what_it_is(call: Call, appliance: Appliance) -> None:
    """What a page cannot know otherwise: addresses, places, the system account (OS-09)."""
    system = call("GET", "/system").json()["system"]
    assert system["home"] == str(appliance.home)
    assert system["tokenFile"] == str(appliance.home / "token")
    assert system["apiUrl"] == f"http://127.0.0.1:{appliance.port}"
    assert (system["appKey"], system["region"]) == ("local", "local")
    assert (system["tenantId"], system["userId"]) == ("local", "easymaker")
    assert "token" not in {key.lower() for key in system}


def test_nas_directories_are_listed_beside_containers(call: Call) -> None:
    """GN-L06."""
    found = call("GET", "/storage/containers").json()
    assert {"code", "data"} <= set(found["containerList"])
    assert [(nas["nasId"], nas["isReadOnly"]) for nas in found["nasList"]] == [("archive", True), ("team", False)]
