"""Services and stages in and out, and every status for real (GW-12…GW-18, GW-L01, GW-L03, EP-17, EP-32)."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import grpc
import httpx
import pytest

from easymaker_local.domain.gateway import Backend, GatewayService, GatewayStage, GatewayStatus
from easymaker_local.errors import Conflict, InvalidRequest, NotFound, QuotaExceeded, TransientError
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.gateway.resources import Layout
from easymaker_local.gateway.user_resources import UserResource
from easymaker_local.settings import Settings
from tests.gateway.conftest import IRIS, Pods, one_stage, until, until_active

pytestmark = pytest.mark.anyio

BAD = "/x\nfault"
"""A path to which Envoy will not rewrite. Ours are checked before; one that a user writes by hand is not."""


async def status(gateway: EnvoyGateway, stage_id: str = "s1") -> GatewayStatus:
    return (await gateway.status(stage_id)).status


async def test_a_stage_is_being_created_until_it_is_deployed(gateway: EnvoyGateway) -> None:
    """GW-12, GW-13, GW-14."""
    assert await status(gateway) is GatewayStatus.CREATE_IN_PROGRESS
    putting = asyncio.create_task(gateway.put_service(one_stage()))
    seen = []
    while not putting.done():
        seen.append(await status(gateway))
        await asyncio.sleep(0)
    assert [each for i, each in enumerate(seen) if i == 0 or seen[i - 1] is not each] == [
        GatewayStatus.CREATE_IN_PROGRESS,
        GatewayStatus.STAGE_DEPLOYING,
    ]
    deployed = (await putting)["s1"]
    assert (deployed.status, deployed.version, deployed.message) == (GatewayStatus.ACTIVE, 1, None)
    assert deployed.deployed_at is not None


async def test_what_has_not_changed_is_not_deployed_again(gateway: EnvoyGateway) -> None:
    await gateway.put_service(one_stage())
    assert (await gateway.put_service(one_stage()))["s1"].version == 1
    assert (await gateway.put_service(one_stage(log=True)))["s1"].version == 2
    assert (await gateway.deploy_stage("s1")).version == 3


async def test_refused_settings_leave_the_earlier_ones_in_force(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods, settings: Settings
) -> None:
    """GW-17, GW-L03, GW-04: the words are Envoy's, other stages go on, and the repaired stage is deployed by hand."""
    other = GatewayStage("s2", "b", (IRIS,))
    await gateway.put_service(replace(one_stage(), stages=(*one_stage().stages, other)))
    for stage_id in ("s1", "s2"):
        await gateway.set_backends(stage_id, "m1", [pods.start(stage_id).backend])
    file = Layout(settings.home).root / "resources" / "mine.json"
    file.write_text(json.dumps({"path": "/mine", "stage_id": "s1", "rewrite": BAD}))
    changed = GatewayService("e1", "flowers", (replace(one_stage().stages[0], log=True), replace(other, log=True)), "s2")
    found = await gateway.put_service(changed)
    assert (found["s1"].status, found["s1"].version) == (GatewayStatus.STAGE_DEPLOY_FAIL, 1)
    assert "prefix_rewrite" in str(found["s1"].message).lower() or "prefixrewrite" in str(found["s1"].message).lower()
    assert (found["s2"].status, found["s2"].version) == (GatewayStatus.ACTIVE, 2)
    assert (await client.get("/flowers/a/v2")).json()["pod"] == "s1"
    assert (await client.get("/flowers/v2")).json()["pod"] == "s2"
    assert (await client.get("/flowers/a/mine")).status_code == 404
    assert await status(gateway) is GatewayStatus.STAGE_DEPLOY_FAIL
    assert (await gateway.put_service(changed))["s1"].status is GatewayStatus.STAGE_DEPLOY_FAIL
    file.write_text("{")
    assert "mine" in str((await gateway.deploy_stage("s1")).message)
    file.write_text(json.dumps({"path": "/mine", "stage_id": "s1", "rewrite": "/v2", "methods": ["GET"]}))
    assert (await gateway.deploy_stage("s1")).status is GatewayStatus.ACTIVE
    assert (await client.get("/flowers/a/mine")).json()["path"] == "/v2"


async def test_a_stage_that_was_deleted_in_the_gateway_never_comes_back(
    gateway: EnvoyGateway, client: httpx.AsyncClient, settings: Settings
) -> None:
    """GW-15, GW-18: not even with a file of the same name and content."""
    await gateway.put_service(one_stage())
    file = Layout(settings.home).root / "stages" / "s1.json"
    content = file.read_bytes()
    file.unlink()
    assert await status(gateway) is GatewayStatus.NOT_FOUND_STAGE
    file.write_bytes(content)
    assert await status(gateway) is GatewayStatus.NOT_FOUND_STAGE
    assert (await gateway.put_service(one_stage(log=True)))["s1"].status is GatewayStatus.NOT_FOUND_STAGE
    with pytest.raises(Conflict, match="create it again"):
        await gateway.deploy_stage("s1")
    await gateway.remove_service("e1")
    assert await status(gateway) is GatewayStatus.CREATE_IN_PROGRESS
    assert (await gateway.put_service(one_stage()))["s1"].status is GatewayStatus.ACTIVE


async def test_a_stage_made_anew_by_hand_is_not_the_deleted_one(gateway: EnvoyGateway, settings: Settings) -> None:
    """GW-18, without anybody having looked between."""
    await gateway.put_service(one_stage())
    file = Layout(settings.home).root / "stages" / "s1.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "generation": "by hand"}))
    assert await status(gateway) is GatewayStatus.NOT_FOUND_STAGE


async def test_a_service_deleted_outside_takes_its_stages_along(gateway: EnvoyGateway, settings: Settings) -> None:
    """GW-07, GW-15."""
    await gateway.put_service(one_stage())
    (Layout(settings.home).root / "services" / "e1.json").unlink()
    assert await status(gateway) is GatewayStatus.NOT_FOUND_STAGE
    assert (await gateway.put_service(one_stage()))["s1"].status is GatewayStatus.NOT_FOUND_STAGE


async def test_a_lost_deployment_record_is_seen_and_made_anew(gateway: EnvoyGateway, settings: Settings) -> None:
    """GW-16, GW-04."""
    await gateway.put_service(one_stage())
    (Layout(settings.home).root / "deployments" / "s1.json").unlink()
    assert await status(gateway) is GatewayStatus.NOT_FOUND_DEPLOY_RESULT
    assert (await gateway.deploy_stage("s1")).status is GatewayStatus.ACTIVE


async def test_quotas_hold_until_they_are_raised(gateway: EnvoyGateway, settings: Settings) -> None:
    """GW-11, EP-17; the test's quota is three stages."""
    stages = tuple(GatewayStage(f"s{i}", f"a{i}", (IRIS,)) for i in range(4))
    await gateway.put_service(GatewayService("e1", "flowers", stages[:3], "s0"))
    with pytest.raises(QuotaExceeded, match="gateway_stage_quota"):
        await gateway.put_service(GatewayService("e1", "flowers", stages, "s0"))
    assert await status(gateway, "s3") is GatewayStatus.CREATE_IN_PROGRESS
    await gateway.remove_stage("s1")
    assert len(await gateway.put_service(GatewayService("e1", "flowers", (stages[0], stages[3]), "s0"))) == 2
    object.__setattr__(settings, "gateway_service_quota", 1)
    with pytest.raises(QuotaExceeded, match="gateway_service_quota"):
        await gateway.put_service(GatewayService("e2", "trees", (GatewayStage("t1", "a", (IRIS,)),), "t1"))


async def test_what_is_removed_answers_no_more_and_what_is_under_way_ends_well(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods
) -> None:
    """EP-37; requests that had begun are answered."""
    await gateway.put_service(replace(one_stage(), stages=(*one_stage().stages, GatewayStage("s2", "b", (IRIS,)))))
    pod = pods.start("p")
    for stage_id in ("s1", "s2"):
        await gateway.set_backends(stage_id, "m1", [pod.backend])
    begun = [asyncio.create_task(client.get(f"/flowers/{name}/v2?wait=1")) for name in ("a", "b")]
    for stage_id in ("s1", "s2"):
        await until_active(gateway, stage_id, 1)
    await gateway.remove_stage("s2")
    assert (await client.get("/flowers/b/v2")).status_code == 404
    await gateway.remove_service("e1")
    assert (await client.get("/flowers/a/v2")).status_code == 404
    assert [answer.status_code for answer in await asyncio.gather(*begun)] == [200, 200]
    await gateway.remove_stage("s2")
    await gateway.remove_service("e1")


@pytest.mark.parametrize("whole", [False, True], ids=["stage", "service"])
async def test_a_removal_that_has_failed_once_is_made_good(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods, monkeypatch: pytest.MonkeyPatch, *, whole: bool
) -> None:
    """EP-37: who asks again gets it done, though Envoy did not answer first; also where the store's files are gone already."""
    service = replace(one_stage(), stages=(*one_stage().stages, GatewayStage("s2", "b", (IRIS,))), api_key="k")
    await gateway.put_service(service)
    await gateway.set_backends("s2", "m1", [pods.start("p").backend])

    async def remove() -> None:
        await (gateway.remove_service("e1") if whole else gateway.remove_stage("s2"))

    async def fail(*_: object) -> None:
        raise TransientError("The gateway does not answer.")

    for lose in (False, True):
        with monkeypatch.context() as patched:
            patched.setattr(gateway._files, "put", fail)
            with pytest.raises(TransientError):
                await remove()
        assert (await client.get("/flowers/b/v2", headers={"x-nhn-apikey": "k"})).status_code == 200
        if lose:
            store = gateway._store
            record = store.service("e1")
            assert record is not None
            if whole:
                store.remove_service("e1")
            else:
                store.put_service(replace(record, stages={"s1": record.stages["s1"]}))
    await remove()
    assert (await client.get("/flowers/b/v2", headers={"x-nhn-apikey": "k"})).status_code == 404
    assert await status(gateway, "s2") is GatewayStatus.CREATE_IN_PROGRESS
    assert gateway._store.backends() == {}


async def test_the_default_stage_changes_without_a_failed_request(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods
) -> None:
    """EP-32, EP-33, EP-35: forty changes under load; pods of the stage that is no default any more are taken away at once."""
    stages = (GatewayStage("s1", "a", (IRIS,)), GatewayStage("s2", "b", (IRIS,)))
    await gateway.put_service(GatewayService("e1", "flowers", stages, "s1"))
    all_pods = {stage.id: pods.start(stage.id).backend for stage in stages}
    for stage in stages:
        await gateway.set_backends(stage.id, "m1", [all_pods[stage.id]])
    answers: Counter[tuple[int, str]] = Counter()
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            answer = await client.post("/flowers/iris/v1/models/iris/predict", json={"instances": [1]})
            answers[answer.status_code, answer.json().get("pod", answer.text)] += 1

    asking = [asyncio.create_task(ask()) for _ in range(8)]
    for number in range(40):
        new, old = ("s2", "s1") if number % 2 == 0 else ("s1", "s2")
        await gateway.set_backends(new, "m1", [all_pods[new]])
        await gateway.put_service(GatewayService("e1", "flowers", stages, new))
        before = answers[200, new]
        await gateway.set_backends(old, "m1", [])
        await until(lambda before=before, new=new: answers[200, new] > before)
    done.set()
    await asyncio.gather(*asking)
    assert set(answers) == {(200, "s1"), (200, "s2")}


async def test_pods_come_and_go_under_load(gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods) -> None:
    """EP-13: requests are shared; what runs at a pod that is taken away ends well, and one that is killed costs no answer."""
    await gateway.put_service(one_stage())
    a, b, c = (pods.start(name) for name in "abc")
    await gateway.set_backends("s1", "m1", [a.backend, b.backend, c.backend])
    answers: Counter[tuple[int, str]] = Counter()
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            answer = await client.post("/flowers/iris/v1/models/iris/predict?wait=0.01", json={"instances": [1]})
            answers[answer.status_code, answer.json().get("pod", answer.text)] += 1

    async def until_all(names: str) -> None:
        before = answers.copy()
        await until(lambda: all(answers[200, name] > before[200, name] + 20 for name in names))

    asking = [asyncio.create_task(ask()) for _ in range(8)]
    await until_all("abc")
    await gateway.set_backends("s1", "m1", [b.backend, c.backend])
    a.kill()
    await until_all("bc")
    c.kill()
    await until_all("b")
    await gateway.set_backends("s1", "m1", [b.backend])
    await until_all("b")
    done.set()
    await asyncio.gather(*asking)
    assert set(answers) == {(200, "a"), (200, "b"), (200, "c")}


async def test_pods_of_other_models_change_without_a_failed_request(
    gateway: EnvoyGateway, client: httpx.AsyncClient, settings: Settings, pods: Pods
) -> None:
    """EP-13, EP-35: every change brings all clusters anew; neither HTTP nor gRPC loses anything, nor what is under way."""
    await gateway.put_service(one_stage(IRIS, replace(IRIS, model_id="m2", model_name="rose")))
    a, b = pods.start("a").backend, pods.start("b").backend
    for model_id in ("m1", "m2"):
        await gateway.set_backends("s1", model_id, [a])
    answers: Counter[object] = Counter()
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            answer = await client.post("/flowers/v1/models/iris/predict?wait=0.01", json={"instances": [1]})
            answers[answer.status_code] += 1

    async def call(channel: grpc.aio.Channel) -> None:
        metadata = [("easymaker-endpoint", "flowers"), ("easymaker-model", "iris")]
        while not done.is_set():
            said = await channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(b"x", metadata=metadata)
            answers[said.partition(b":")[2]] += 1

    credentials = grpc.ssl_channel_credentials((settings.tls / "server.pem").read_bytes())
    async with grpc.aio.secure_channel(f"127.0.0.1:{settings.gateway_port}", credentials) as channel:
        asking = [asyncio.create_task(each) for each in (*(ask() for _ in range(8)), *(call(channel) for _ in range(4)))]
        slow = asyncio.create_task(client.get("/flowers/iris/v2?wait=2"))
        for number in range(40):
            before = answers.total()
            await gateway.set_backends("s1", "m2", [a, b] if number % 2 else [])
            await gateway.set_backends("s1", "m1", [b] if number % 4 < 2 else [a, b])
            await until(lambda before=before: answers.total() > before + 5)
        done.set()
        await asyncio.gather(*asking)
    assert set(answers) == {200, b"/inference.GRPCInferenceService/ModelInfer:x"}
    assert (await slow).status_code == 200


async def test_no_model_costs_a_watch(gateway: EnvoyGateway) -> None:
    """EP-17: a user has 128 inotify instances, and Envoy ends where it gets no more."""
    folder = Path(f"/proc/{gateway.epoch.partition('-')[0]}/fd")

    def watches() -> int:
        return sum(path.readlink() == Path("anon_inode:inotify") for path in folder.iterdir())

    before = watches()
    models = [replace(IRIS, model_id=f"m{i}", model_name=f"iris{i}") for i in range(70)]
    assert (await gateway.put_service(one_stage(*models)))["s1"].status is GatewayStatus.ACTIVE
    assert watches() == before


async def test_a_users_own_resource(gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods) -> None:
    """EP-15, GW-06, GW-09: generated paths are not for users, everything else is."""
    await gateway.put_service(one_stage())
    await gateway.set_backends("s1", "m1", [pods.start("p").backend])
    mine = UserResource(
        "mine", "/classify/it", ("POST", "GET"), service_id="e1", model_id="m1", rewrite="/v2/models/iris/infer"
    )
    await gateway.put_resource(mine)
    for base in ("/flowers", "/flowers/a"):
        assert (await client.post(f"{base}/classify/it", json={})).json()["path"] == mine.rewrite
    assert [r.path for r in gateway.settings("s1") if r.resource_name == "mine"] == ["/classify/it"]
    for path in ("/iris/more", "/v1/x", "/openai", "/", "no", "/a/../b", "/a?b"):
        with pytest.raises(InvalidRequest):
            await gateway.put_resource(replace(mine, path=path))
    with pytest.raises(InvalidRequest):
        await gateway.put_resource(replace(mine, model_id="m9"))
    with pytest.raises(NotFound):
        await gateway.put_resource(replace(mine, service_id="e9"))
    await gateway.remove_resource("mine")
    assert gateway.resources() == []
    assert (await client.get("/flowers/classify/it")).status_code == 404
    with pytest.raises(NotFound):
        await gateway.remove_resource("mine")


async def test_a_broken_resource_is_the_fault_of_its_own_stage_only(gateway: EnvoyGateway, settings: Settings) -> None:
    """GW-06, GW-17: whoever it names fails, and a file that names nobody keeps nobody from deployment."""
    other = GatewayService("e2", "trees", (GatewayStage("t1", "a", (IRIS,)),), "t1")
    folder = Layout(settings.home).root / "resources"
    (folder / "mine.json").write_text('{"path": "/mine", "stage_id": "s1", ')
    (folder / "empty.json").write_text("")
    found = await gateway.put_service(one_stage()) | await gateway.put_service(other)
    assert {stage_id: each.status for stage_id, each in found.items()} == {
        "s1": GatewayStatus.STAGE_DEPLOY_FAIL,
        "t1": GatewayStatus.ACTIVE,
    }
    assert "'mine'" in str(found["s1"].message)


async def test_a_resource_that_is_made_while_its_service_changes_undoes_nothing(
    gateway: EnvoyGateway, client: httpx.AsyncClient
) -> None:
    """EP-15, GW-L05: the key that came meanwhile is asked for."""
    await gateway.put_service(one_stage())
    await asyncio.gather(
        gateway.put_service(replace(one_stage(), api_key="k")),
        gateway.put_resource(UserResource("mine", "/mine", stage_id="s1")),
    )
    for path in ("/flowers/v2", "/flowers/mine"):
        assert (await client.post(path, json={})).status_code == 401
    record = gateway._store.service("e1")
    assert record is not None
    assert record.api_key == "k"


async def test_what_is_deployed_is_shown(gateway: EnvoyGateway) -> None:
    """GW-03: resource paths, methods, backend URLs."""
    with pytest.raises(NotFound):
        gateway.settings("s1")
    await gateway.put_service(one_stage())
    await gateway.set_backends("s1", "m1", [Backend("p", "127.0.0.1", 9999)])
    shown = {(r.path, r.methods, r.backends) for r in gateway.settings("s1")}
    assert ("/iris/v1/models/iris/predict", ("POST",), ("http://127.0.0.1:9999",)) in shown
    assert len(shown) == 12
