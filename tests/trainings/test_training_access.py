"""A job speaks to the API with a token of its own, which says little and ends with the job (architecture 12, rest-api §11)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import docker
import httpx

from easymaker_local.testing.appliance import Appliance, clean_environment, until
from easymaker_local.testing.engine import docker_host
from easymaker_local.testing.sdk import run_sdk

# Asks the API and, with a token of the storage, the gateway, as the SDK does. Says what it sees at once, goes on until it is
# told to end, and asks once more.
JOB = """
import json, os, ssl, time, urllib.request
from pathlib import Path
model = Path(os.environ["EM_MODEL_DIR"])
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
first = urllib.request.Request(
    os.environ["EM_API_URL"] + "/v1.0/appkeys/x/experiments", headers={"X-EasyMaker-Token": os.environ["EM_TOKEN"]}
)
reached = direct.open(first, timeout=30).status
path = "/token/v1.0/appkeys/x/groups/" + os.environ["EM_GROUP_ID"] + "/iaas-token"
request = urllib.request.Request(os.environ["EM_API_URL"] + path, headers={"X-EasyMaker-Token": os.environ["EM_TOKEN"]})
storage_token = json.load(direct.open(request, timeout=30))["access"]["token"]["id"]
trusted = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
gateway = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
address = os.environ["EM_HP_GATEWAY"] + "/v1/AUTH_local/code?prefix=access"
request = urllib.request.Request(address, headers={"X-Auth-Token": storage_token})
listed = gateway.open(request, timeout=30).read().decode()
(model / "partial").write_text(json.dumps({"env": dict(os.environ), "reached": reached, "listed": listed}))
(model / "partial").rename(model / "seen.json")
while not (model / "end").exists():
    time.sleep(0.02)
(model / "again").write_text(str(direct.open(first, timeout=30).status))
"""

SDK = """
import easymaker, os
experiment = easymaker.Experiment().create("made by a job")
answer(experiment=experiment.id, mine=easymaker.Training(sys.argv[2]).status)
"""


def test_the_sdk_works_in_a_job_until_it_ends(appliance: Appliance, driver: str, tmp_path: Path) -> None:
    appliance.put("code", {"access/train.py": JOB})
    training = appliance.training(
        sourceDirUri=appliance.uri("code", "access"),
        modelUploadUri=appliance.uri("models", "access"),
        hyperparameterList=[{"parameterName": "gateway", "parameterValue": f"https://127.0.0.1:{appliance.gateway_port}"}],
    )
    training_id = training["trainingId"]
    model = appliance.home / "work" / "training" / training_id / "node-0" / "model"
    until(lambda: (model / "seen.json").exists() or appliance.shown(training_id)["isFinished"], what="the job's first word")
    seen = json.loads((model / "seen.json").read_text())
    env: dict[str, str] = seen["env"]

    # EV-14, EV-15, SD-04
    url = f"http://127.0.0.1:{appliance.port}"
    assert (env["EM_PROFILE"], env["EM_API_URL"], env["EM_GROUP_ID"]) == ("local", url, "local")
    assert {"127.0.0.1", "localhost"} <= set(env["NO_PROXY"].split(","))
    token = env["EM_TOKEN"]
    assert appliance.token not in json.dumps(env)
    # Also in a container, whose loopback is its own.
    assert (seen["reached"], seen["listed"]) == (200, "access/train.py\n")

    # The vendor's SDK, unmodified, with what the job has and nothing else: no init(), no other token.
    mine = {name: value for name, value in env.items() if name.startswith("EM_") or name.upper() == "NO_PROXY"}
    found = run_sdk(SDK, clean_environment(**mine), tmp_path, training_id)
    assert found["mine"] == "RUNNING"
    assert appliance.call("GET", f"/experiments/{found['experiment']}")["experiment"]["experimentName"] == "made by a job"

    with httpx.Client(base_url=f"{url}/v1.0/appkeys/x", headers={"X-EasyMaker-Token": token}, trust_env=False) as client:
        for method, path in (("PUT", "/system/stop"), ("PUT", "/system/token"), ("POST", "/system/login")):
            assert client.request(method, path).status_code == 403
        _assert_shown_nowhere(appliance, training_id, token)
        if driver == "docker":
            _assert_only_in_the_environment(training_id, token)
        # The daemon is another one, the job is the same.
        appliance.stop()
        appliance.start()
        assert client.get("/experiments").status_code == 200
        (model / "end").touch()
        assert appliance.await_status(training_id)["trainingStatusCode"] == "COMPLETE"
        assert client.get("/experiments").status_code == 401
    assert (appliance.home / "storage" / "models" / "access" / "again").read_text() == "200"


def _assert_shown_nowhere(appliance: Appliance, training_id: str, token: str) -> None:
    runs = appliance.call("GET", f"/trainings/{training_id}/runs")["runList"]
    assert runs[0]["environment"]["EM_TOKEN"] == "********"
    shown: list[Any] = [runs, appliance.shown(training_id), appliance.call("GET", f"/trainings/{training_id}/events")]
    files = [*(appliance.home / "logs").rglob("*.log"), appliance.home / "serve.log", appliance.home / "state.db"]
    files += [*appliance.home.glob("state.db-wal"), *(appliance.home / "work").rglob("run.json")]
    signature = token.rpartition(".")[2]
    assert signature not in json.dumps(shown)
    for file in files:
        assert signature.encode() not in file.read_bytes(), file


def _assert_only_in_the_environment(training_id: str, token: str) -> None:
    """The engine shows a container's environment to whoever may use it; that cannot be helped, the rest can."""
    client = docker.DockerClient(docker_host())
    try:
        [container] = client.containers.list(filters={"label": f"easymaker.id={training_id}"})
        found = container.attrs
        assert f"EM_TOKEN={token}" in found["Config"]["Env"]
        found["Config"].pop("Env")
        assert token not in json.dumps(found)
    finally:
        client.close()
