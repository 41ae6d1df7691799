"""Endpoints through the vendor's SDK 2.1.5, over https with nothing but the appliance's environment (SD-03, rest-api §6.10).

The models are classes in ``predict.py``, which both drivers serve on an image without large packages. Models of every
framework: ``test_sdk_frameworks.py``.
"""

from __future__ import annotations

import pytest

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.sdk import Script

PREDICT = """
class Model:
    inputs = [("x", "FP64", [-1])]
    outputs = [("y", "FP64", [-1])]

    def predict(self, rows):
        return [{answer} for row in rows]
"""

BEGIN = """
import easymaker
from easymaker.endpoint import ApiSpec
from easymaker.endpoint.endpoint import get_endpoint_model_list

easymaker.init(appkey="local", region="local")
model_id, other_id = sys.argv[2:4]
small = {"cpu": "0.4", "memory": "700Mi"}
sender = easymaker.easymaker_config.api_sender
def requests_of(call):
    seen = []
    hook = lambda response, **_: seen.append(response.url)
    sender.session.hooks["response"].append(hook)
    found = call()
    sender.session.hooks["response"].remove(hook)
    return found, len(seen)
def create(name, models=(model_id,), **more):
    return easymaker.Endpoint().create(
        endpoint_name=name, instance_type_name="m2.c2m4", instance_count=1,
        endpoint_model_resource_list=[dict(modelId=m, resourceOptionDetail=small) for m in models],
        wait=False, **more)
"""


@pytest.fixture(scope="module")
def models(appliance: Appliance) -> tuple[str, str]:
    """Two models: one adds 1, the other 100."""
    found = []
    for name, answer in (("adds one", "float(row) + 1"), ("hundred", "float(row) + 100")):
        appliance.put("models", {f"{name}/predict.py": PREDICT.format(answer=answer)})
        made = appliance.model(modelName=name, modelUploadUri=appliance.uri("models", name), parameterList=[])
        assert made["modelStatusCode"] == "ACTIVE", made["statusReason"]
        found.append(made["modelId"])
    return found[0], found[1]


WHOLE_LIFE = """
endpoint = create("whole life", (model_id, other_id))
answer(created=endpoint.status, id=endpoint.id)
endpoint.wait(wait_interval_seconds=0.3)
stage = easymaker.EndpointStage(easymaker.Endpoint(endpoint.id).default_stage.id)
stage.wait(wait_interval_seconds=0.3)
endpoint = easymaker.Endpoint(endpoint.id)
answer(active=endpoint.status, url=endpoint.default_stage.apigw_stage_url, stage=stage.status)
ask = endpoint.predict
answer(
    v1=ask(model_id, json={"instances": [1, 2]}), other=ask(other_id, json={"instances": [1]}),
    v2=ask(model_id, json={"inputs": [{"name": "x", "shape": [2], "datatype": "FP64", "data": [1, 2]}]}),
    forced=ask(model_id, json={"instances": [3]}, api_spec=ApiSpec.kserve_v1),
    by_stage=stage.predict(model_id, json={"instances": [5]}),
    prompt=ask(model_id, json={"model": "adds one", "prompt": "a"}),
    chat=ask(model_id, json={"model": "adds one", "messages": []}, api_spec=ApiSpec.openai_chat_completion_v1),
)
listed, requests = requests_of(easymaker.Endpoint.get_list)
answer(requests=requests, listed=[(e.endpoint_name, e.status) for e in listed if e.id == endpoint.id])
stages, stage_requests = requests_of(lambda: easymaker.EndpointStage.get_list(endpoint_id=endpoint.id))
answer(stage_requests=stage_requests, models=[m.model.model_name for m in stages[0].endpoint_model_list])
resources, resource_requests = requests_of(lambda: get_endpoint_model_list(stage.id))
answer(resource_requests=resource_requests, resources=[r.status for r in resources])
endpoint.print_info()
answer(in_use=refusal(easymaker.Model.delete_by_id, model_id), default=refusal(stage.delete))
endpoint.delete()
answer(deleted=endpoint.id)
"""


def test_an_endpoint_from_creation_to_deletion(sdk: Script, appliance: Appliance, models: tuple[str, str]) -> None:
    """SD-03, EP-14, EP-26, ST-19, SR-18, OI-03, OI-10…OI-12, OI-18, MD-37, ST-02: every way to ask, no list asks per row."""
    seen = sdk(BEGIN + WHOLE_LIFE, *models)
    assert seen["created"] in {"CREATE_REQUESTED", "CREATE_IN_PROGRESS"}
    assert (seen["active"], seen["stage"]) == ("ACTIVE", "ACTIVE")
    assert seen["url"] == f"127.0.0.1:{appliance.gateway_port}/whole%20life/default"
    assert seen["v1"] == {"predictions": [2.0, 3.0]}
    assert seen["other"] == {"predictions": [101.0]}
    assert seen["v2"]["outputs"][0]["data"] == [2.0, 3.0]
    assert (seen["forced"], seen["by_stage"]) == ({"predictions": [4.0]}, {"predictions": [6.0]})
    assert "error" in seen["prompt"], "no generative model (OI-18)"
    assert "error" in seen["chat"]
    assert seen["listed"] == [["whole life", "ACTIVE"]]
    assert seen["requests"] == 2, "the list, and the stages of each endpoint (rest-api §6.10)"
    assert (seen["stage_requests"], seen["resource_requests"]) == (1, 1)
    assert sorted(seen["models"]) == ["adds one", "hundred"]
    assert seen["resources"] == ["ACTIVE", "ACTIVE"]
    assert "whole life" in seen["in_use"]
    assert "which cannot be deleted" in seen["default"]
    assert seen["deleted"] is None
    appliance.until_gone(f"/endpoints/{seen['id']}")


STAGES = """
endpoint = create("stages")
endpoint.wait(wait_interval_seconds=0.3)
stage = easymaker.EndpointStage().create(
    stage_name="second", endpoint_id=endpoint.id, instance_type_name="m2.c2m4",
    endpoint_model_resource_list=[dict(modelId=other_id, resourceOptionDetail=small)], wait=False)
answer(requested=stage.status, kept=refusal(endpoint.delete), id=endpoint.id)
stage.wait(wait_interval_seconds=0.3)
answer(second=stage.predict(other_id, json={"instances": [1]}), default=stage.is_default_stage)
answer(first=easymaker.Endpoint(endpoint.id).predict(model_id, json={"instances": [1]}))
stage.delete()
endpoint.delete()
answer(deleted=[refusal(easymaker.Model.delete_by_id, other_id)])
"""


def test_a_stage_beside_the_default_one(sdk: Script, appliance: Appliance, models: tuple[str, str]) -> None:
    """ST-01, EP-36, rest-api §6.10: the samples delete stage, endpoint and model without a pause."""
    appliance.put("models", {"third/predict.py": PREDICT.format(answer="float(row) + 1000")})
    third = appliance.model(modelName="third", modelUploadUri=appliance.uri("models", "third"), parameterList=[])["modelId"]
    seen = sdk(BEGIN + STAGES, models[0], third)
    assert seen["requested"] in {"CREATE_REQUESTED", "CREATE_IN_PROGRESS", "DEPLOY_IN_PROGRESS"}
    assert "other stages" in seen["kept"]
    assert seen["second"] == {"predictions": [1001.0]}
    assert seen["first"] == {"predictions": [2.0]}
    assert seen["default"] is False
    assert seen["deleted"] == [None]
    appliance.until_gone(f"/endpoints/{seen['id']}")
    appliance.until_gone(f"/models/{third}")


REFUSED = """
answer(
    absent=refusal(create, "absent", ("none",)), large=refusal(create, "large", (model_id,) * 11),
    taken=[create("taken").status, refusal(create, "taken")],
)
answer(unknown=refusal(easymaker.Endpoint, "none"), unknown_stage=refusal(easymaker.EndpointStage, "none"))
for endpoint in easymaker.Endpoint.get_list():
    endpoint.delete()
"""


def test_refusals_are_readable(sdk: Script, models: tuple[str, str]) -> None:
    """SD-02, EP-04, EP-10, SR-01, GN-02."""
    seen = sdk(BEGIN + REFUSED, *models)
    assert "no model 'none'" in seen["absent"]
    assert "endpointModelResourceList" in seen["large"]
    assert "is taken" in seen["taken"][1]
    assert "no endpoint 'none'" in seen["unknown"]
    assert "no stage 'none'" in seen["unknown_stage"]


FAILS = """
endpoint = create("fails")
answer(said=refusal(endpoint.wait, wait_interval_seconds=0.3), status=endpoint.status, id=endpoint.id)
endpoint.delete()
"""


def test_wait_raises_when_a_model_does_not_load(sdk: Script, appliance: Appliance) -> None:
    """SD-03, EP-27, SR-22, EP-08: with the model server's own words."""
    appliance.put("models", {"broken/predict.py": "raise RuntimeError('no weights here')\n"})
    broken = appliance.model(modelName="broken", modelUploadUri=appliance.uri("models", "broken"), parameterList=[])["modelId"]
    seen = sdk(BEGIN + FAILS, broken, broken)
    assert seen["status"] == "CREATE_FAILED"
    assert "no weights here" in seen["said"] or "CREATE_FAILED" in seen["said"]
    appliance.until_gone(f"/endpoints/{seen['id']}")
