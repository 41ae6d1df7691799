"""endpoint and stage: every command, on models that a test makes, served by the real gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.cli import completion
from easymaker_local.cli.endpoint_views import print_endpoints
from easymaker_local.testing.appliance import Appliance
from tests.artifacts.models.made import write
from tests.cli.cli_runner import Cli, in_this_process

PREDICT = "class Model:\n    def predict(self, rows):\n        return [{answer} for row in rows]\n"
POD = ("--cpu", "0.2", "--memory", "300Mi")
ASK = '{"instances": [1, 2]}'


@pytest.fixture(scope="module")
def models(daemon: Appliance) -> None:
    """Two models: one doubles, the other negates."""
    for name, answer in (("doubles", "row * 2"), ("negates", "-row")):
        write(daemon.home / "storage/artifacts" / name, {"predict.py": PREDICT.format(answer=answer)})
        daemon.model(modelName=name, modelUploadUri=daemon.uri("artifacts", name), parameterList=[])


@pytest.fixture(scope="module")
def live(daemon: Appliance, models: None) -> Iterator[str]:
    """An endpoint in service, with a key, whose logs are stored."""
    cli = in_this_process(daemon.environment)
    made = cli(
        "endpoint", "create", "live", "-m", "doubles", "--flavor", "m2.c2m4", *POD, "--api-key", "--log", "--tag",
        "team=vision", "--description", "words", "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert "x-nhn-apikey: " in made.err
    assert made.json["endpointStatusCode"] == "ACTIVE"
    yield str(made.json["endpointId"])
    assert f"Endpoint 'live' ({made.json['endpointId']}) is deleted." in cli("endpoint", "delete", "live", "--follow").err


def test_show_list_and_wait(cli: Cli, live: str, daemon: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    """EP-18…EP-20, ST-04…ST-12, SR-12…SR-14, GN-13."""
    shown = cli("endpoint", "show", "live").out
    for words in (live, "ACTIVE", "https://127.0.0.1:", "words", "vision", "default*", "CREATE_IN_PROGRESS", "doubles"):
        assert words in shown, words
    assert "default*" in cli("endpoint", "list").out
    assert [e["endpointName"] for e in cli("endpoint", "list", "--status", "active", "--json").json] == ["live"]
    assert cli("endpoint", "list", "--status", "nonsense").code == 2
    assert cli("endpoint", "wait", "live", "--timeout", "60").code == 0
    stage = cli("stage", "show", "live/default").out
    for words in (
        "1 of 1",
        "m2.c2m4",
        "0.2 vCPU, 300Mi",
        "/live/default/doubles/v1/models/doubles/predict",
        "in the log store",
    ):
        assert words in stage, words
    assert "live/default*" in cli("stage", "list", "live").out
    pods = cli("stage", "pods", "live/default").out
    assert "READY" in pods
    assert "node-0" in pods
    assert "live" in cli("model", "show", "doubles").out
    for name, value in daemon.environment.items():
        if name.startswith("EASYMAKER_LOCAL_"):
            monkeypatch.setenv(name, value)
    assert ("live", f"{live} ACTIVE") in completion.endpoints("li")
    assert [offer[0] for offer in completion.stages("live/")] == ["live/default"]


def test_what_is_outdated_is_marked_with_its_expiry(cli: Cli, live: str, capsys: pytest.CaptureFixture[str]) -> None:
    """EP-21, UP-06, UP-L03: a date for people, and after it what is refused."""
    shown = cli("endpoint", "show", "live", "--json").json
    assert shown["isClusterLatest"]
    for moment, words in (
        ("2999-01-02T03:04:05+00:00", "expires on 2999-01-02 at 03:04."),
        ("2001-01-02T03:04:05+00:00", "expired on"),
    ):
        endpoint = {**shown, "isClusterLatest": False, "expiredDatetime": moment}
        print_endpoints([endpoint])
        output = capsys.readouterr()
        assert "! live" in output.out
        assert words in " ".join(output.err.split())
        assert moment not in output.err
    assert "neither more pods nor more models" in " ".join(output.err.split())


def test_logs_of_model_servers(cli: Cli, live: str, daemon: Appliance) -> None:
    """LG-L04: what a server wrote, chosen by model and pod; what is not there is said with what is."""
    pod = cli("stage", "pods", "live/default", "--json").json[0]["podId"]
    said = cli("stage", "logs", "live/default").out
    assert "doubles is ready" in said
    assert cli("stage", "logs", "live/default", "--model", "doubles", "--pod", pod[:8]).out.startswith(said[:40])
    for option, words in (("--model", "doubles"), ("--pod", pod[:8])):
        missed = cli("stage", "logs", "live/default", option, "none")
        assert missed.code == 3
        assert words in missed.err
    with daemon.client() as client:
        stage = f"/endpoint-stages/{cli('stage', 'show', 'live/default', '--json').json['endpointStageId']}"
        assert client.get(f"{stage}/pods/{pod}/log", params={"offset": 10, "limit": 5}).json()["log"]["nextOffset"] == 15
        for other in ("..%2F..%2Ftoken", "none"):
            assert client.get(f"{stage}/pods/{other}/log").status_code == 404


def test_predict_asks_as_users_do(cli: Cli, live: str, tmp_path: Path) -> None:
    """EP-38, EP-39, EP-40, GW-L05: over https with the local authority, with the key, from text, a file and stdin."""
    assert cli("endpoint", "predict", "live", ASK).json == {"predictions": [2, 4]}
    (tmp_path / "request.json").write_text(ASK)
    assert cli("endpoint", "predict", "live", str(tmp_path / "request.json"), "--model", "doubles").json["predictions"] == [
        2,
        4,
    ]
    assert cli("endpoint", "predict", "live", "-", "--stage", "default", stdin=ASK).json["predictions"] == [2, 4]
    tensors = '{"inputs": [{"name": "x", "shape": [1], "datatype": "INT64", "data": [4]}]}'
    assert cli("endpoint", "predict", "live", tensors).json["outputs"][0]["data"] == [8]
    chat = cli("endpoint", "predict", "live", '{"messages": []}', "--api", "chat")
    assert chat.code == 1
    assert "error" in chat.json
    assert "HTTP 501" in chat.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["no such file"], 5, "neither JSON nor a file"), (["{"], 5, "not JSON"),
        ([ASK, "--model", "none"], 3, "has no model 'none'"), ([ASK, "--stage", "none"], 3, "no stage 'none'"),
        ([ASK, "--api", "none"], 2, "--api"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(cli: Cli, live: str, arguments: list[str], code: int, words: str) -> None:
    done = cli("endpoint", "predict", "live", *arguments)
    assert done.code == code
    assert words in done.err


def test_urls_keys_and_the_gateways_settings(cli: Cli, live: str) -> None:
    """SR-13, OI-L01, GW-03, GW-04, GW-07…GW-10, GW-L05."""
    found = cli("endpoint", "url", "live", "--json").json
    assert found["url"].endswith("/live")
    assert found["modelList"][0]["url"].endswith("/live/doubles/v1/models/doubles/predict")
    assert "--cacert" in cli("endpoint", "url", "live", "--stage", "default").err
    gateway = cli("endpoint", "gateway", "live")
    assert "/doubles/v2/models/doubles/infer" in gateway.out
    assert "Do not add resources below" in gateway.err
    assert cli("stage", "gateway", "live/default", "--json").json["deployment"]["deployStatus"] == "ACTIVE"
    assert "ACTIVE, version" in cli("stage", "deploy", "live/default").err
    key = cli("endpoint", "key", "live").out.strip()
    renewed = cli("endpoint", "key", "live", "--renew", "--json").json["apiKey"]
    assert renewed not in {"", key}
    assert cli("endpoint", "key", "live", "--renew", "--off").code == 2


def test_changes(cli: Cli, live: str) -> None:
    """GN-13."""
    assert cli("endpoint", "change", "live", "--tag", "a=1", "--untag", "team", "--json").json["tagList"] == [
        {"tagKey": "a", "tagValue": "1"}
    ]
    assert cli("stage", "change", "live/default", "--description", "new", "--json").json["description"] == "new"
    assert cli("endpoint", "change", "live").code == 5


def test_paths_of_ones_own(cli: Cli, live: str) -> None:
    """EP-15, GW-06, GW-09: in force at once, gone at once; generated paths are kept."""
    own = ["live/default", "mine", "/classify", "--model", "doubles", "--rewrite", "/v2/models/doubles/infer"]
    made = cli("stage", "path", "add", *own, "--json")
    assert made.code == 0, made.err
    assert made.json["methodList"] == ["POST"]
    assert "/classify" in cli("stage", "gateway", "live/default").out
    listed = cli("stage", "path", "list", "live/default")
    assert all(word in listed.out for word in ("mine", "POST", "/classify", "doubles", "/v2/models/doubles/infer"))
    assert [each["resourceName"] for each in cli("stage", "path", "list", "live/default", "--json").json] == ["mine"]
    for name, path in (("mine", "/other"), ("other", "/doubles/more")):
        assert cli("stage", "path", "add", "live/default", name, path).code == 5
    assert cli("stage", "path", "delete", "live/default", "mine").code == 0
    assert cli("stage", "path", "delete", "live/default", "mine").code == 3
    assert "/classify" not in cli("stage", "gateway", "live/default").out


def test_previews(cli: Cli, live: str) -> None:
    """RI-02, SR-09, EP-L02, RI-L02."""
    shown = cli("stage", "preview", "-m", "doubles", "--flavor", "m2.c2m4", "--endpoint", "live", "--memory", "64Mi")
    for words in ("1 x m2.c2m4", "1.9 vCPU, 3840Mi", "Beside the default stage", "Fits now"):
        assert words in shown.out, words
    assert "64 MiB is less" in shown.err
    assert "that python usually needs" in shown.err
    found = cli("stage", "preview", "-m", "doubles,percentage=25", "-m", "negates", "--flavor", "m2.c2m4", "--json").json
    assert [m["percentageOfUsable"] for m in found["modelList"]] == [25.0, 75.0]
    assert found["modelList"][0]["loadSeconds"] > 0, "measured when it was served"
    assert cli("stage", "preview", "-m", "doubles", "--flavor", "m2.c2m4", "--gpu", "1").code == 5


def test_a_new_stage_becomes_the_default_one(cli: Cli, models: None) -> None:
    """EP-32…EP-36, ST-01…ST-03, SR-20…SR-26, UP-08: try a model beside the one in service, then change over."""
    assert cli("endpoint", "create", "moves", "-m", "doubles", "--flavor", "m2.c1m2", *POD).code == 0
    made = cli("stage", "create", "moves", "second", "-m", "negates,path=/inference", "--flavor", "m2.c1m2", *POD)
    assert made.code == 0, made.err
    assert cli("endpoint", "predict", "moves", ASK, "--stage", "second").json == {"predictions": [-1, -2]}
    assert cli("endpoint", "predict", "moves", ASK).json == {"predictions": [2, 4]}
    refused = cli("endpoint", "delete", "moves")
    assert (refused.code, "has other stages" in refused.err, "stage delete moves/second" in refused.err) == (4, True, True)
    assert cli("stage", "delete", "moves/default").code == 4
    added = cli("stage", "add-resource", "moves/second", "-m", "doubles", *POD, "--json").json
    assert cli("stage", "wait", "moves/second", "--timeout", "120").code == 0
    assert cli("endpoint", "predict", "moves", ASK, "--stage", "second", "-m", "doubles").json == {"predictions": [2, 4]}
    assert cli("endpoint", "predict", "moves", ASK, "--stage", "second").code == 5, "which of the two?"
    assert cli("stage", "delete-resource", "moves/second", added["endpointModelId"]).code == 0
    assert cli("stage", "delete-resource", "moves/second", "negates").code == 4
    assert cli("stage", "wait", "moves/second", "--timeout", "120").code == 0
    preview = cli("endpoint", "default-stage", "moves", "second", "--preview")
    assert "default with its resources" in preview.out
    changed = cli("endpoint", "default-stage", "moves", "second")
    assert changed.code == 0, changed.err
    said = changed.err.splitlines()
    assert said[0] == "Stage second is becoming the default one; default will be deleted."
    assert said[-1].startswith("Stage second is the default one; default is ")
    assert cli("endpoint", "predict", "moves", ASK).json == {"predictions": [-1, -2]}
    assert cli("endpoint", "wait", "moves", "--timeout", "120").code == 0
    assert cli("endpoint", "delete", "moves", "--follow").code == 0
    assert cli("endpoint", "show", "moves").code == 3


def test_what_fails_is_exit_code_1_with_the_reason(cli: Cli, daemon: Appliance) -> None:
    """EP-27, SR-22, GN-21, EP-31: the model server's words; the deletion needs no second try."""
    write(daemon.home / "storage/artifacts/broken", {"predict.py": "raise RuntimeError('no weights here')\n"})
    daemon.model(modelName="broken", modelUploadUri=daemon.uri("artifacts", "broken"), parameterList=[])
    done = cli("endpoint", "create", "fails", "-m", "broken", "--flavor", "m2.c1m2", *POD)
    assert done.code == 1
    assert "no weights here" in done.err + cli("endpoint", "show", "fails").out
    assert "no weights here" in cli("stage", "logs", "fails/default", "--follow").out, "of a pod that is gone: this ends"
    assert cli("endpoint", "retry", "fails").code == 4
    assert cli("endpoint", "delete", "fails", "--follow").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-m", "none", "--flavor", "m2.c1m2"], 3, "no model 'none'"), (["-m", "doubles", "--flavor", "none"], 3, "no flavor"),
        (["-m", "doubles", "--flavor", "m2.c1m2", "--gpu", "0.5"], 5, "whole devices"),
        (["-m", "doubles", "--flavor", "m2.c1m2", "--autoscale", "cpu"], 2, "cpu:50"),
        (["-m", "doubles", "--flavor", "m2.c1m2", "--autoscale", "disk:5"], 2, "disk:5"),
        (["-m", "doubles", "--flavor", "m2.c1m2", "--node-autoscale", "2"], 2, "1-3"),
        (["-m", "doubles", "--flavor", "m2.c1m2", "--node-autoscale", "3-1"], 2, "--node-autoscale"),
        (["-m", "doubles,foo=1", "--flavor", "m2.c1m2"], 2, "scale-to-zero"),
        (["-m", "doubles", "--flavor", "m2.c1m2", "--nodes", "1", "--node-autoscale", "2-3"], 5, "caMinNodeCount"),
        (["-m", "doubles", "--flavor", "m2.c1m2", "--percentage", "101"], 5, "percentage"),
    ],
)  # fmt: skip
def test_what_an_endpoint_cannot_be_made_of(cli: Cli, models: None, arguments: list[str], code: int, words: str) -> None:
    """AS-09, AS-14, SR-02, SR-10, GN-02. A check says so, too."""
    for more in ([], ["--check"]):
        done = cli("endpoint", "create", "never", *arguments, *more)
        assert done.code == code, done.err
        assert words in done.err


def test_endpoints_and_stages_can_be_checked_before_they_are_made(cli: Cli, models: None, live: str) -> None:
    options = ("-m", "doubles", "--flavor", "m2.c1m2", "--check")
    for command in (("endpoint", "create", "checked"), ("stage", "create", live, "checked")):
        done = cli(*command, *options)
        assert (done.code, done.out) == (0, ""), done.err
        assert "It could be created." in done.err
    assert cli("endpoint", "show", "checked").code == 3
    assert cli("stage", "show", f"{live}/checked").code == 3
    assert cli("endpoint", "create", "live", *options).code == 5, "EP-04: the name is taken"


def test_what_may_not_go_well_is_told_at_creation(cli: Cli, models: None) -> None:
    """RI-L02: as the preview does; `status` counts what there is."""
    made = cli("endpoint", "create", "tight", "-m", "doubles", "--flavor", "m2.c1m2", "--memory", "64Mi", "--detach")
    assert made.code == 0, made.err
    assert "doubles: 64 MiB is less" in made.err
    assert cli("status", "--json").json["endpointCount"] == len(cli("endpoint", "list", "--json").json)
    assert "model servers" in cli("status").out
    assert cli("endpoint", "delete", "tight", "--follow").code == 0


def test_options_become_the_form(cli: Cli, models: None) -> None:
    """AS-02…AS-08, AS-13…AS-15, SR-06: what is asked for is what is stored."""
    made = cli(
        "endpoint", "create", "form", "-m", "doubles,pods=2", "--flavor", "m2.c2m4", *POD, "--autoscale", "requests:4",
        "--scale-to-zero", "5", "--node-autoscale", "1-3", "--no-node-scale-in", "--node-threshold", "40", "--detach", "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    stage = made.json["endpointStageList"][0]
    scaler = stage["autoScaler"]
    assert (scaler["enable"], scaler["maxNodeCount"], scaler["scaleDownEnable"]) == (True, 3, False)
    assert scaler["scaleDownUtilThreshPercentage"] == 40
    resource = stage["endpointModelList"][0]
    assert resource["podCount"] == 2
    assert resource["podAutoScaler"] == {
        "podAutoScaleEnable": True, "scaleMetricCode": "REQUESTS", "scaleMetricTarget": 4, "scaleToZeroIdleMinutes": 5.0,
    }  # fmt: skip
    assert json.dumps(resource["resourceOptionDetail"]) == '{"cpu": "0.2", "memory": "300Mi", "gpu": "0"}'
    assert cli("endpoint", "delete", "form", "--follow").code == 0
