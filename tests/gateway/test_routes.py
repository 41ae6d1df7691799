"""Which path leads where, through a real Envoy (OI-01…OI-12, OI-16, OI-20, EP-L01, VX-06, rest-api §6.13)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import quote

import grpc
import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from easymaker_local.domain.gateway import Api, ApiKey, GatewayService, GatewayStage, RoutedModel
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.settings import Settings
from tests.gateway.conftest import IRIS, Pods, one_stage

pytestmark = pytest.mark.anyio

INSTANCES = {"instances": [[6.8, 2.8, 4.8, 1.4]]}
SINGLE = [
    ("GET", "/iris/v1/models", "/iris/v1/models"),
    ("GET", "/iris/v1/models/iris", "/iris/v1/models/iris"),
    ("POST", "/iris/v1/models/iris/predict", "/iris/v1/models/iris/predict"),
    ("POST", "/iris/v1/models/iris:predict", "/iris/v1/models/iris:predict"),
    ("POST", "/iris/v1/models/iris/explain", "/iris/v1/models/iris/explain"),
    ("GET", "/iris/v2", "/iris/v2"),
    ("GET", "/iris/v2/health/live", "/iris/v2/health/live"),
    ("GET", "/iris/v2/health/ready", "/iris/v2/health/ready"),
    ("GET", "/iris/v2/models/iris", "/iris/v2/models/iris"),
    ("GET", "/iris/v2/models/iris/ready", "/iris/v2/models/iris/ready"),
    ("POST", "/iris/v2/models/iris/infer", "/iris/v2/models/iris/infer"),
    ("POST", "/iris/openai/v1/completions", "/iris/openai/v1/completions"),
    ("POST", "/iris/openai/v1/chat/completions", "/iris/openai/v1/chat/completions"),
    ("POST", "/v1/models/iris/predict", "/v1/models/iris/predict"),
    ("POST", "/v2/models/iris/infer", "/v2/models/iris/infer"),
    ("GET", "/v2/models/iris/versions/3/ready", "/v2/models/iris/versions/3/ready"),
    ("POST", "/v1/completions", "/v1/completions"),
    ("POST", "/openai/v1/chat/completions", "/openai/v1/chat/completions"),
    ("GET", "/v1/models", "/v1/models"),
    ("GET", "/v2", "/v2"),
    ("GET", "/v2/health/ready", "/v2/health/ready"),
    ("POST", "", "/"),
    ("POST", "/", "/"),
    ("POST", "/inference", "/"),
]


async def test_every_path_of_a_model_leads_to_its_pod_at_the_stage_and_at_the_default(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods
) -> None:
    await gateway.put_service(one_stage(replace(IRIS, path="/inference")))
    await gateway.set_backends("s1", "m1", [pods.start("p").backend])
    for method, path, expected in SINGLE:
        for base in ("/flowers/a", "/flowers"):
            answer = await client.request(method, f"{base}{path}?x=1", json=INSTANCES if method == "POST" else None)
            assert answer.status_code == 200, (base, path, answer.text)
            assert answer.json()["path"] == f"{expected}?x=1", path
            assert answer.json()["method"] == method


async def test_an_answer_has_its_id_and_may_not_act_as_a_page(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods
) -> None:
    """LG-15: the id is the gateway's own, whatever the asker says; what the asker says to us is not said to the model."""
    await gateway.put_service(one_stage())
    await gateway.set_backends("s1", "m1", [pods.start("p").backend])
    secret = {"x-request-id": "mine", "cookie": "a=b", "x-easymaker-token": "t", "x-envoy-retry-on": "5xx"}
    answer = await client.get("/flowers/v2", headers=secret)
    seen = answer.json()["headers"]
    assert answer.headers["x-easymaker-inference-id"] == seen["x-request-id"]
    assert len(seen["x-request-id"]) == 36
    assert not {"cookie", "x-easymaker-token", "x-envoy-retry-on"} & set(seen)
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nowhere/v2", 404, "no such endpoint"),
        ("/flowers2", 404, "no such endpoint"),
        ("/flowers/c/v2", 404, "the models of stage 'a' are: iris"),
        ("/flowers/a/rose/v2", 404, "the models of stage 'a' are: iris"),
        ("/flowers/a/v1/models/rose", 404, "the models of stage 'a' are: iris"),
        ("/flowers/a/iris/metrics", 404, "the models of stage 'a' are: iris"),
        ("/flowers/a/iris/v2", 503, "no pod of this model"),
        ("/flowers/empty/v2", 404, "the models of stage 'empty' are: (none)"),
    ],
)
async def test_what_is_not_there_is_said_as_an_error(
    gateway: EnvoyGateway, client: httpx.AsyncClient, path: str, status: int, said: str
) -> None:
    """OI-20, OI-17: an OIP error that says what there is."""
    service = one_stage()
    await gateway.put_service(replace(service, stages=(*service.stages, GatewayStage("s2", "empty", ()))))
    answer = await client.post(path, json=INSTANCES)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.headers["x-easymaker-inference-id"]) == 36


async def test_a_stage_may_be_named_like_the_beginning_of_a_models_path(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods
) -> None:
    """EP-05 allows it; each has its URL and its backend (GW-01, GW-02), and the default stage's are there, too."""
    service = one_stage()
    await gateway.put_service(replace(service, stages=(*service.stages, GatewayStage("s2", "v1", (IRIS,)))))
    for stage_id in ("s1", "s2"):
        await gateway.set_backends(stage_id, "m1", [pods.start(stage_id).backend])
    assert (await client.post("/flowers/v1/models/iris/predict", json=INSTANCES)).json()["pod"] == "s1"
    assert (await client.post("/flowers/v1/iris/v1/models/iris/predict", json=INSTANCES)).json()["pod"] == "s2"
    assert (await client.post("/flowers/v1", json=INSTANCES)).json()["pod"] == "s2"


async def test_several_models_are_told_apart_by_the_body_where_the_path_names_none(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods
) -> None:
    await gateway.put_service(one_stage(IRIS, RoutedModel("m2", "ein Hund ü/%")))
    for model in ("m1", "m2"):
        await gateway.set_backends("s1", model, [pods.start(model).backend])
    for path in ("/v1/completions", "/openai/v1/chat/completions", ""):
        for model, name in (("m1", "iris"), ("m2", "ein Hund ü/%")):
            answer = await client.post(f"/flowers{path}", json={"prompt": "x" * 100_000, "model": name})
            assert answer.json()["pod"] == model
        answer = await client.post(f"/flowers{path}", json={"model": "rose"})
        assert (answer.status_code, "iris, ein Hund ü/%" in answer.json()["error"]) == (404, True)
        answer = await client.post(f"/flowers{path}", content=b"no json")
        assert answer.status_code == 404
    listed = await client.get("/flowers/v1/models")
    assert listed.json() == {"models": ["iris", "ein Hund ü/%"]}
    assert (await client.get("/flowers/v2/health/live")).status_code == 404
    assert (await client.get("/flowers/v2/models/iris")).json()["pod"] == "m1"


names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=50).filter(lambda n: n not in {".", ".."})


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=names, safe=st.sampled_from(["", "-._~", "!$&'()*+,;=:@-._~"]), lower=st.booleans())
async def test_any_name_is_found_however_it_is_escaped(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods, name: str, safe: str, lower: bool
) -> None:
    """Names of models are any text of up to 50 characters."""
    if not hasattr(pods, "one"):
        pods.one = pods.start("p")  # type: ignore[attr-defined]
    await gateway.put_service(one_stage(RoutedModel("m1", name)))
    await gateway.set_backends("s1", "m1", [pods.one.backend])  # type: ignore[attr-defined]
    spelled = quote(name, safe=safe)
    if lower:
        spelled = re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), spelled)
    url = httpx.URL(f"{client.base_url}", raw_path=f"/flowers/a/{spelled}/v1/models/{spelled}/predict".encode())
    answer = await client.post(url, json=INSTANCES)
    assert answer.status_code == 200, answer.text
    assert answer.json()["path"] == f"/{spelled}/v1/models/{spelled}/predict"


async def test_grpc_is_found_by_metadata_and_by_path(gateway: EnvoyGateway, settings: Settings, pods: Pods) -> None:
    await gateway.put_service(one_stage(IRIS))
    stage = GatewayStage("s2", "b", (IRIS, RoutedModel("m2", "rose")))
    await gateway.put_service(GatewayService("e1", "flowers", (stage,), "s1"))
    for stage_id, model in (("s1", "m1"), ("s2", "m1"), ("s2", "m2")):
        await gateway.set_backends(stage_id, model, [pods.start(f"{stage_id}{model}").backend])
    credentials = grpc.ssl_channel_credentials((settings.tls / "server.pem").read_bytes())
    method = "/inference.GRPCInferenceService/ModelInfer"
    async with grpc.aio.secure_channel(f"127.0.0.1:{settings.gateway_port}", credentials) as channel:

        async def call(path: str = method, **metadata: str) -> bytes:
            said = [(f"easymaker-{key}", value) for key, value in metadata.items()]
            answer: bytes = await channel.unary_unary(path)(b"x", metadata=said)
            return answer.partition(b":")[0]

        assert await call(endpoint="flowers") == b"s1m1"
        assert await call(endpoint="flowers", stage="a", model="iris") == b"s1m1"
        assert await call(endpoint="flowers", stage="b", model="iris") == b"s2m1"
        assert await call(endpoint="flowers", stage="b", model="rose") == b"s2m2"
        assert await call(f"/flowers/b/rose{method}") == b"s2m2"
        assert await call(f"/flowers/iris{method}") == b"s1m1"
        for wrong in ({}, {"endpoint": "x"}, {"endpoint": "flowers", "stage": "b"}, {"endpoint": "flowers", "model": "rose"}):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(**wrong)
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
            assert refused.value.details().startswith("say which ")
    counted = await gateway.counts()
    assert counted[ApiKey("s2", "m2", Api.GRPC)].classes == {"2xx": 2}


async def test_a_foreign_name_is_refused(gateway: EnvoyGateway, client: httpx.AsyncClient, settings: Settings) -> None:
    """Architecture 12: a page that has rebound its name to this machine gets nothing."""
    for path in ("/flowers", "/v1/AUTH_local", "/tensorboard/", "/"):
        answer = await client.get(path, headers={"host": f"evil.example:{settings.gateway_port}"})
        assert answer.status_code == 421
        assert "allowed_hosts" in json.loads(answer.text)["error"]


async def test_plain_http_is_a_setting(gateway: EnvoyGateway, settings: Settings, pods: Pods) -> None:
    await gateway.put_service(one_stage())
    await gateway.set_backends("s1", "m1", [pods.start("p").backend])
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{settings.gateway_http_port}/flowers/v2")
    assert answer.json()["headers"]["x-forwarded-proto"] == "http"
