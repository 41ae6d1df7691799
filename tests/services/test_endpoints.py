"""Endpoints, stages and stage resources as they are asked for: what becomes of them, and every refusal (EP, ST, SR)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from easymaker_local.api import create_app
from easymaker_local.domain.endpoint import (
    DefaultChange,
    EndpointStatus,
    Pod,
    PodState,
    ResourceStatus,
    Stage,
    StageResource,
    StageStatus,
    Wish,
)
from easymaker_local.domain.endpoint_spec import EndpointChange, StagePreview, StageResourceSpec
from easymaker_local.domain.gateway import GatewayService, GatewayStage, GatewayStatus, RoutedModel
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.model_record import Model, ModelStatus
from easymaker_local.domain.model_spec import ModelChange
from easymaker_local.domain.page import EVERYTHING, Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.drivers.base import Resources, Workload
from easymaker_local.errors import Conflict, InvalidRequest, NotFound
from easymaker_local.services.endpoint_views import ShownEndpoint, ShownStage
from easymaker_local.services.endpoints import Created
from easymaker_local.services.services import Services
from easymaker_local.services.stage_checks import request_of
from easymaker_local.store import endpoints, events, ledger, runtime_versions, stages
from easymaker_local.store.endpoints import Wanted
from easymaker_local.store.stages import WantedResources
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import make_endpoint_spec, make_stage_spec

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        for name in ("iris", "rose"):
            folder = made.context.settings.storage / "models" / name
            folder.mkdir()
            (folder / "predict.py").write_text(f"class Model: ...  # {name}\n")
        yield made


@pytest.fixture
async def rest(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """Calls paths below ``/appkeys/{appkey}``."""
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    transport, url = httpx.ASGITransport(app=app), "http://127.0.0.1/v1.0/appkeys/key"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers={"X-EasyMaker-Token": "token"}) as client:
        yield client


async def model(bench: Bench, name: str = "iris") -> Model:
    return await bench.model(modelName=name, modelUploadUri=f"obs://local/v1/AUTH_local/models/{name}")


async def create(bench: Bench, *models: Model, **fields: Any) -> Created:
    used = models or (await model(bench),)
    return await bench.services.endpoints.create(make_endpoint_spec(*(m.id for m in used), **fields))


async def to(bench: Bench, shown: ShownEndpoint | ShownStage, *path: Any) -> None:
    """Let the controllers' part be done: the statuses that a row goes through."""

    def write(db: Any) -> None:
        for status in path:
            if isinstance(shown, ShownEndpoint):
                endpoints.transition(db, endpoints.get(db, shown.endpoint.id), status, None, bench.clock.now())
            else:
                stages.transition(db, stages.get(db, shown.stage.id), status, None, bench.clock.now())

    await bench.context.store.write(write)


async def active(bench: Bench, *models: Model, **fields: Any) -> ShownEndpoint:
    """An endpoint in service."""
    shown = (await create(bench, *models, **fields)).shown
    await to(bench, shown, EndpointStatus.CREATE_IN_PROGRESS, EndpointStatus.ACTIVE)
    await to(bench, shown.stages[0], StageStatus.CREATE_IN_PROGRESS, StageStatus.DEPLOY_IN_PROGRESS, StageStatus.ACTIVE)
    found = await bench.services.endpoints.find(shown.endpoint.id)
    assert isinstance(found, ShownEndpoint)
    return found


async def second(bench: Bench, shown: ShownEndpoint, *models: Model, is_active: bool = True, **fields: Any) -> ShownStage:
    """One more stage, a moment later."""
    bench.clock.advance(1)
    ids = [m.id for m in models] or [shown.stages[0].resources[0].resource.model_id]
    made = await bench.services.stages.create(make_stage_spec(shown.endpoint.id, *ids, **fields))
    if is_active:
        await to(bench, made, StageStatus.CREATE_IN_PROGRESS, StageStatus.DEPLOY_IN_PROGRESS, StageStatus.ACTIVE)
    return made


async def refused(call: Any) -> Conflict:
    with pytest.raises(Conflict) as caught:
        await call
    return caught.value


async def faults(call: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        await call
    return {fault.field: fault.message for fault in caught.value.fields}


async def history(bench: Bench, kind: str, resource_id: str) -> list[str | None]:
    found = await bench.context.store.read(lambda db: events.of_resource(db, kind, resource_id))
    return [event.status or event.message for event in found]


# -- creation


async def test_an_endpoint_is_made_with_its_default_stage_at_once(bench: Bench) -> None:
    """EP-01, EP-03, EP-06…EP-12, GN-17, UP-09, UP-L02, AS-03…AS-08: everything is in the rows, requested and wanted."""
    used = await model(bench)
    made = await create(bench, used, description="words", tagList=[{"tagKey": "k", "tagValue": "v"}], useLog=True, nodeCount=2)
    endpoint, stage = made.shown.endpoint, made.shown.stages[0].stage
    assert (endpoint.status, endpoint.wish, endpoint.description) == (EndpointStatus.CREATE_REQUESTED, Wish.SERVE, "words")
    assert endpoint.default_stage_id == stage.id
    assert endpoint.tags == ({"tagKey": "k", "tagValue": "v"},)
    assert (stage.name, stage.status, stage.wish, stage.wanted_nodes) == (
        "default",
        StageStatus.CREATE_REQUESTED,
        Wish.SERVE,
        2,
    )
    assert stage.spec.use_log
    assert (stage.flavor.name, stage.runtime_version) == ("m2.c1m2", bench.context.catalogue.runtime_version)
    resource = made.shown.stages[0].resources[0].resource
    assert (resource.model_id, resource.status, resource.wanted_pods) == (used.id, ResourceStatus.CREATE_REQUESTED, 1)
    assert resource.demand == Amount(900, 1792), "all that can be used of an instance"
    assert made.api_key is None
    assert await history(bench, endpoints.KIND, endpoint.id) == ["CREATE_REQUESTED"]


async def test_several_models_in_the_order_in_which_they_were_given(bench: Bench) -> None:
    """EP-10, EP-13: one model twice is allowed."""
    iris, rose = await model(bench), await model(bench, "rose")
    made = await create(bench, iris, rose, iris)
    resources = made.shown.stages[0].resources
    assert [r.resource.model_id for r in resources] == [iris.id, rose.id, iris.id]
    assert [r.resource.demand for r in resources] == [Amount(300, 597)] * 3


async def test_without_a_gateway_there_are_no_endpoints(tmp_path: Path, bench: Bench) -> None:
    """EP-02, DP-18."""
    services = Services.of(replace(bench.context, gateway=None))
    used = await model(bench)
    error = await refused(services.endpoints.create(make_endpoint_spec(used.id)))
    assert "not activated" in error.message
    assert await bench.context.store.read(endpoints.newest) == []


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"flavorId": "none"}, "flavorId", "no flavor 'none'"),
        ({"flavorId": "m2.c8m16"}, "flavorId", "to jobs. Choose a smaller flavor."),
        ({"nodeCount": 10}, "flavorId", "times 10 nodes"),
        ({"endpointModelResourceList": [{"modelId": "none"}]}, "endpointModelResourceList.0.modelId", "no model 'none'"),
        ({"resource": {"cpu": "1", "memory": "1Gi"}}, "endpointModelResourceList.0.resourceOptionDetail", "only 0.9 vCPU"),
        ({"resource": {"gpu": "0.5"}}, "endpointModelResourceList.0.resourceOptionDetail.gpu", "whole devices"),
        ({"resource": {"percentage": 60}, "pods": 2}, "endpointModelResourceList.0.resourceOptionDetail", "altogether"),
    ],
)  # fmt: skip
async def test_what_an_endpoint_cannot_be_made_of(bench: Bench, fields: dict[str, Any], field: str, words: str) -> None:
    """EP-07, EP-08, IT-L03, SR-01, SR-11, RI-04, GN-02: the field at fault is named, and nothing is made."""
    used = await model(bench)
    if "resource" in fields:
        one = {"modelId": used.id, "resourceOptionDetail": fields["resource"], "podCount": fields.get("pods", 1)}
        fields = {"endpointModelResourceList": [one]}
    found = await faults(bench.services.endpoints.create(make_endpoint_spec(used.id, **fields)))
    assert words in found[field]
    assert await bench.context.store.read(endpoints.newest) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"endpointName": ""}, "endpointName"), ({"endpointName": "a/b"}, "endpointName"),
        ({"endpointName": "v1"}, "endpointName"), ({"endpointName": "x" * 51}, "endpointName"), ({"nodeCount": 0}, "nodeCount"),
        ({"nodeCount": 11}, "nodeCount"), ({"endpointModelResourceList": []}, "endpointModelResourceList"),
        ({"endpointModelResourceList": [{"modelId": "m"}] * 11}, "endpointModelResourceList"),
        ({"caEnable": True, "nodeCount": 1, "caMinNodeCount": 2}, "caMinNodeCount"),
        ({"caEnable": True, "nodeCount": 3, "caMaxNodeCount": 2}, "caMaxNodeCount"),
        ({"caMaxNodeCount": 11}, "caMaxNodeCount"), ({"caMinNodeCount": 0}, "caMinNodeCount"),
        ({"tagList": [{"tagKey": "a"}, {"tagKey": "a"}]}, "tagList"),
        ({"endpointModelResourceList": [{"modelId": "m", "scaleMetricTarget": 0}]}, "scaleMetricTarget"),
        ({"endpointModelResourceList": [{"modelId": "m", "apigwResourceUri": "/v1/x"}]}, "apigwResourceUri"),
        ({"endpointModelResourceList": [{"modelId": "m", "description": "x" * 256}]}, "description"),
    ],
)  # fmt: skip
def test_what_is_no_form_of_an_endpoint(fields: dict[str, Any], field: str) -> None:
    """EP-04, EP-08, EP-10, AS-09, AS-15, SR-07, GN-04, GN-09."""
    with pytest.raises(ValueError, match=field):
        make_endpoint_spec(**fields)


async def test_a_fault_inside_a_list_is_told_once(rest: httpx.AsyncClient) -> None:
    """GN-02: a list whose only item is at fault is not too short; an empty one is."""
    body = {"endpointName": "shop", "flavorId": "m2.c1m2"}
    for items, fields in (
        ([{"modelId": "m", "podCount": 0}], ["endpointModelResourceList.0.podCount"]),
        ([], ["endpointModelResourceList"]),
    ):
        answer = await rest.post("/endpoints", json={**body, "endpointModelResourceList": items})
        assert [fault["field"] for fault in answer.json()["fieldErrors"]] == fields


def test_both_ends_of_a_node_autoscaler_are_told_at_once() -> None:
    """AS-09, GN-02."""
    with pytest.raises(ValidationError) as caught:
        make_endpoint_spec(caEnable=True, nodeCount=3, caMinNodeCount=4, caMaxNodeCount=2)
    told = {fault["loc"]: fault["msg"] for fault in caught.value.errors()}
    assert set(told) == {("caMinNodeCount",), ("caMaxNodeCount",)}
    assert all("nodeCount" in words and "AS-09" not in words for words in told.values())


@pytest.mark.parametrize("name", ["", "Upper", "with-dash", "x" * 31, "v1", "openai", "a b", "가"])
def test_what_is_no_name_of_a_stage(name: str) -> None:
    """EP-05."""
    with pytest.raises(ValueError, match="apigwStageName"):
        make_stage_spec("e", apigwStageName=name)


async def test_a_name_is_taken_until_its_endpoint_is_gone(bench: Bench) -> None:
    """EP-04."""
    used = await model(bench)
    made = (await create(bench, used)).shown.endpoint
    found = await faults(create(bench, used))
    assert made.id in found["endpointName"]
    await bench.services.endpoints.delete(made.id)
    assert "just being deleted" in (await faults(create(bench, used)))["endpointName"]


async def test_only_an_active_model_is_deployed(bench: Bench) -> None:
    """SR-01."""
    absent = await bench.model(modelUploadUri="obs://local/v1/AUTH_local/models/absent")
    assert absent.status is ModelStatus.CREATE_FAILED
    found = await faults(create(bench, absent))
    assert "is CREATE_FAILED, not ACTIVE" in found["endpointModelResourceList.0.modelId"]


async def test_what_would_share_a_path_is_refused(bench: Bench) -> None:
    """EP-13, OP-08: models of one name, one path of two models, a stage named as a model."""
    iris, other, rose = await model(bench), await model(bench), await model(bench, "rose")
    assert "same path" in (await faults(create(bench, iris, other)))["endpointModelResourceList.1.modelId"]
    same = [{"modelId": m.id, "apigwResourceUri": "/inference"} for m in (iris, rose)]
    found = await faults(create(bench, endpointModelResourceList=same))
    assert "endpointModelResourceList.1.apigwResourceUri" in found
    shown = await active(bench, iris)
    clash = await faults(second(bench, shown, rose, apigwStageName="iris"))
    assert "'iris'" in clash["endpointModelResourceList"]
    named = await bench.model(modelName="default", modelUploadUri="obs://local/v1/AUTH_local/models/rose")
    assert "'default'" in (await faults(create(bench, named, endpointName="x")))["endpointModelResourceList"]


async def test_the_form_of_sdk_1_0(bench: Bench) -> None:
    """rest-api §13.3: one model at the top."""
    used = await model(bench)
    made = await create(bench, used, endpointModelResourceList=None, modelId=used.id, apigwResourceUri="/inference")
    assert made.shown.stages[0].resources[0].resource.spec.apigw_resource_uri == "/inference"


# -- stages


async def test_a_stage_is_added(bench: Bench) -> None:
    """ST-01, EP-03, EP-05, UP-09."""
    shown = await active(bench)
    made = await second(bench, shown, is_active=False)
    assert (made.stage.name, made.is_default, made.stage.status) == ("second", False, StageStatus.CREATE_REQUESTED)
    page: Page[ShownStage | Quarantined] = await bench.services.stages.page(stages.Wanted(shown.endpoint.id), EVERYTHING)
    assert [row.stage.name for row in page.rows if isinstance(row, ShownStage)] == ["second", "default"]


async def test_when_an_endpoint_takes_no_stage(bench: Bench) -> None:
    """EP-29, GN-27, EP-05."""
    used = await model(bench)
    made = (await create(bench, used)).shown
    assert "CREATE_REQUESTED" in (await refused(second(bench, made, used))).message
    await to(bench, made, EndpointStatus.CREATE_FAILED)
    assert "CREATE_FAILED" in (await refused(second(bench, made, used))).message
    shown = await active(bench, used, endpointName="other")
    await second(bench, shown, is_active=False)
    assert "is taken" in (await faults(second(bench, shown)))["apigwStageName"]
    assert "no endpoint" in (await faults(bench.services.stages.create(make_stage_spec("none", used.id))))["endpointId"]
    await bench.context.store.write(
        lambda db: endpoints.set_change(db, shown.endpoint.id, DefaultChange("s"), bench.clock.now(), "begins")
    )
    assert "is being changed" in (await refused(second(bench, shown, apigwStageName="third"))).message


async def test_the_default_stage_stays(bench: Bench) -> None:
    """ST-02, DP-07."""
    shown = await active(bench)
    error = await refused(bench.services.stages.delete(shown.stages[0].stage.id))
    assert "which cannot be deleted" in error.message


async def test_a_stage_is_deleted_by_a_wish(bench: Bench) -> None:
    """ST-03: a status is the controller's; twice is once."""
    shown = await active(bench)
    made = await second(bench, shown)
    for _ in range(2):
        await bench.services.stages.delete(made.stage.id)
    found = await bench.services.stages.find(made.stage.id)
    assert isinstance(found, ShownStage)
    assert (found.stage.wish, found.stage.status) == (Wish.DELETE, StageStatus.ACTIVE)
    assert (await history(bench, stages.KIND, made.stage.id))[-1] == "Its deletion was asked for."


# -- stage resources


async def add(bench: Bench, stage: Stage, used: Model, **fields: Any) -> Any:
    body = {"endpointStageId": stage.id, "modelId": used.id, **fields}
    return await bench.services.stage_resources.create(StageResourceSpec.model_validate(body))


async def test_a_resource_is_added_into_what_is_left(bench: Bench) -> None:
    """SR-20, SR-25, SR-06, SR-11."""
    iris, rose = await model(bench), await model(bench, "rose")
    half = {"modelId": iris.id, "resourceOptionDetail": {"percentage": 60}}
    shown = await active(bench, endpointModelResourceList=[half])
    stage = shown.stages[0].stage
    made = await add(bench, stage, rose, description="words")
    assert (made.resource.status, made.resource.demand) == (ResourceStatus.CREATE_REQUESTED, Amount(360, 717))
    found = await bench.services.stages.find(stage.id)
    assert isinstance(found, ShownStage)
    assert found.stage.generation == stage.generation + 1, "the gateway has to know"
    full = await faults(add(bench, stage, iris, resourceOptionDetail={"percentage": 10}))
    assert "altogether" in full["resourceOptionDetail"]


async def test_pods_stay_on_their_nodes_when_room_is_looked_for(bench: Bench) -> None:
    """SR-11: two half-empty nodes have no room for a pod that takes more than a half."""
    iris, rose = await model(bench), await model(bench, "rose")
    half = {"modelId": iris.id, "resourceOptionDetail": {"percentage": 40}, "podCount": 2}
    shown = await active(bench, endpointModelResourceList=[half], nodeCount=2)
    stage, resource = shown.stages[0].stage, shown.stages[0].resources[0].resource

    def place(db: Any) -> None:
        for number in range(2):
            stages.add_pod(db, Pod(f"p{number}", stage.id, resource.id, number, PodState.PENDING, 0.0))
            stages.set_pod(db, f"p{number}", node=f"node-{number}", state=PodState.READY)

    await bench.context.store.write(place)
    assert (
        "find no place"
        in (await faults(add(bench, stage, rose, resourceOptionDetail={"percentage": 70})))["resourceOptionDetail"]
    )
    assert (await add(bench, stage, rose, resourceOptionDetail={"percentage": 60})).resource.demand == Amount(540, 1075)


async def test_when_a_stage_takes_no_resource(bench: Bench) -> None:
    """SR-25, GN-27, EP-10, SR-01."""
    iris, rose = await model(bench), await model(bench, "rose")
    waiting = (await create(bench, iris)).shown.stages[0].stage
    assert "CREATE_REQUESTED" in (await refused(add(bench, waiting, rose))).message
    tiny = [{"modelId": iris.id, "resourceOptionDetail": {"percentage": 1}}] * 10
    shown = await active(bench, endpointName="full", endpointModelResourceList=tiny)
    assert "the most" in (await refused(add(bench, shown.stages[0].stage, iris))).message
    assert "endpointStageId" in await faults(add(bench, _named(shown.stages[0].stage, "none"), iris))
    one = {"modelId": iris.id, "resourceOptionDetail": {"percentage": 1}}
    free = (await active(bench, endpointName="free", endpointModelResourceList=[one])).stages[0].stage
    namesake = await model(bench)
    assert "same path" in (await faults(add(bench, free, namesake)))["modelId"]
    assert "modelId" in await faults(add(bench, free, _model(iris, "none")))


async def test_a_model_that_could_not_be_deployed_can_be_taken_off(bench: Bench, rest: httpx.AsyncClient) -> None:
    """SR-23 as REST has it; nothing is added to such a stage, and it stays DEPLOY FAILED (ST-22)."""
    iris, rose = await model(bench), await model(bench, "rose")
    stage = (shown := (await create(bench, iris, rose)).shown).stages[0]
    await to(bench, shown, EndpointStatus.CREATE_IN_PROGRESS)
    await to(bench, stage, StageStatus.CREATE_IN_PROGRESS, StageStatus.DEPLOY_IN_PROGRESS, StageStatus.DEPLOY_FAILED)
    answer = await rest.post("/endpoint-models", json={"endpointStageId": stage.stage.id, "modelId": iris.id})
    assert (answer.status_code, "DEPLOY_FAILED" in answer.text) == (409, True)
    answer = await rest.delete(f"/endpoint-models/{stage.resources[1].resource.id}")
    assert answer.status_code == 200, answer.text
    found = await bench.services.stages.find(stage.stage.id)
    assert isinstance(found, ShownStage)
    assert [resource.resource.wish for resource in found.resources] == [Wish.SERVE, Wish.DELETE]
    assert found.stage.status is StageStatus.DEPLOY_FAILED


async def test_the_last_resource_stays(bench: Bench) -> None:
    """SR-26, DP-06: also the last one that is not on its way out."""
    iris, rose = await model(bench), await model(bench, "rose")
    shown = await active(bench, iris, rose)
    first, last = (r.resource for r in shown.stages[0].resources)
    for _ in range(2):
        await bench.services.stage_resources.delete(first.id)
    error = await refused(bench.services.stage_resources.delete(last.id))
    assert "is the last one" in error.message
    assert f"stage delete {last.stage_id}" in (error.hint or "")


# -- deletion of endpoints


async def test_other_stages_keep_an_endpoint(bench: Bench) -> None:
    """EP-36, DP-08, DP-19: they are named; one that is on its way out keeps nothing."""
    shown = await active(bench)
    other = await second(bench, shown)
    error = await refused(bench.services.endpoints.delete(shown.endpoint.id))
    assert other.stage.id in error.message
    await bench.services.stages.delete(other.stage.id)
    await bench.services.endpoints.delete(shown.endpoint.id)
    found = await bench.services.endpoints.find(shown.endpoint.id)
    assert isinstance(found, ShownEndpoint)
    assert (found.endpoint.wish, found.endpoint.status) == (Wish.DELETE, EndpointStatus.ACTIVE)


async def test_an_endpoint_that_waits_can_be_deleted(bench: Bench) -> None:
    """A wish at any time: what waits for room for days is not waited for."""
    made = (await create(bench)).shown.endpoint
    await bench.services.endpoints.delete(made.id)
    await bench.services.endpoints.delete(made.id)
    assert (await history(bench, endpoints.KIND, made.id)).count("Its deletion was asked for.") == 1


async def test_a_deletion_is_tried_again(bench: Bench) -> None:
    """EP-31."""
    shown = await active(bench)
    assert "nobody has asked" in (await refused(bench.services.endpoints.retry_deletion(shown.endpoint.id))).message
    await bench.services.endpoints.delete(shown.endpoint.id)
    await bench.services.endpoints.retry_deletion(shown.endpoint.id)
    assert (await history(bench, endpoints.KIND, shown.endpoint.id))[-1] == "Its deletion shall be tried again."


async def test_nothing_changes_in_what_is_to_be_deleted(bench: Bench) -> None:
    """GN-16, GN-27."""
    iris = await model(bench)
    shown = await active(bench, iris)
    other = await second(bench, shown)
    await bench.services.stages.delete(other.stage.id)
    assert "is being deleted" in (await refused(add(bench, other.stage, iris))).message
    await bench.services.endpoints.delete(shown.endpoint.id)
    calls: list[Callable[[], Any]] = [
        lambda: second(bench, shown, apigwStageName="third"),
        lambda: add(bench, shown.stages[0].stage, iris),
        lambda: bench.services.endpoints.change_default(shown.endpoint.id, other.stage.id, stop_first=False),
        lambda: bench.services.endpoints.set_api_key(shown.endpoint.id, enable=True),
    ]
    for call in calls:
        assert "is being deleted" in (await refused(call())).message


# -- the default stage


async def test_a_change_of_the_default_stage_is_asked_for(bench: Bench) -> None:
    """EP-32: nothing else goes meanwhile; it cannot be cancelled."""
    iris, rose = await model(bench), await model(bench, "rose")
    shown = await active(bench, iris)
    other = await second(bench, shown, rose)
    changed = await bench.services.endpoints.change_default(shown.endpoint.id, other.stage.id, stop_first=True)
    assert changed.endpoint.change == DefaultChange(other.stage.id), "one that is ACTIVE needs no room"
    assert [stage.is_changing for stage in changed.stages] == [False, True]
    assert (changed.default_stage or other).stage.name == "default", "the controller makes the change"
    for call in (
        bench.services.endpoints.delete(shown.endpoint.id),
        bench.services.endpoints.change_default(shown.endpoint.id, other.stage.id, stop_first=False),
        bench.services.stages.delete(other.stage.id),
        add(bench, shown.stages[0].stage, rose),
        bench.services.stage_resources.delete(other.resources[0].resource.id),
    ):
        assert "default stage" in (await refused(call)).message


async def test_which_stages_can_become_the_default_one(bench: Bench) -> None:
    """EP-34, GN-27."""
    shown = await active(bench)
    services, endpoint_id = bench.services.endpoints, shown.endpoint.id
    already = await refused(services.change_default(endpoint_id, shown.stages[0].stage.id, stop_first=False))
    assert "already" in already.message
    waits = await second(bench, shown, is_active=False)
    error = await refused(services.change_default(endpoint_id, waits.stage.id, stop_first=True))
    assert "it can become the default stage in ACTIVE" in error.message
    assert error.hint is None, "it does not wait for room, as far as anybody knows"
    cause = Cause(Reason.WAITING_FOR_RESOURCES, "Waits.")
    await bench.context.store.write(lambda db: stages.explain(db, stages.get(db, waits.stage.id), cause, bench.clock.now()))
    error = await refused(services.change_default(endpoint_id, waits.stage.id, stop_first=False))
    assert "--stop-first (REST: stopFirst)" in (error.hint or "")
    changed = await services.change_default(endpoint_id, waits.stage.id, stop_first=True)
    assert changed.endpoint.change == DefaultChange(waits.stage.id, stop_first=True)
    elsewhere = await active(bench, endpointName="elsewhere")
    found = await faults(services.change_default(elsewhere.endpoint.id, waits.stage.id, stop_first=False))
    assert "has no stage" in found["endpointStageId"]
    assert "endpointStageId" in await faults(services.change_default(elsewhere.endpoint.id, "none", stop_first=False))
    gone = await second(bench, elsewhere)
    await bench.services.stages.delete(gone.stage.id)
    assert (
        "is being deleted"
        in (await refused(services.change_default(elsewhere.endpoint.id, gone.stage.id, stop_first=False))).message
    )


# -- keys, changes, lists


async def test_the_api_key_is_sealed_shown_renewed_and_switched_off(bench: Bench) -> None:
    """GW-L05, architecture 12."""
    made = await create(bench, apiKeyEnable=True)
    services, endpoint_id = bench.services.endpoints, made.shown.endpoint.id
    assert made.api_key is not None
    assert made.api_key not in repr(made.shown)
    assert made.api_key not in str(made.shown.endpoint.sealed_api_key)
    assert await services.api_key(endpoint_id) == made.api_key
    renewed = await services.set_api_key(endpoint_id, enable=True)
    assert renewed not in {None, made.api_key}
    assert await services.api_key(endpoint_id) == renewed
    assert await services.set_api_key(endpoint_id, enable=False) is None
    assert await services.api_key(endpoint_id) is None
    found = await services.find(endpoint_id)
    assert isinstance(found, ShownEndpoint)
    assert found.stages[0].stage.generation == 3, "the gateway has to know each time"


async def test_description_and_tags_change(bench: Bench) -> None:
    """GN-13: what is absent stays."""
    shown = await active(bench, description="old", tagList=[{"tagKey": "k", "tagValue": "v"}])
    changed = await bench.services.endpoints.change(shown.endpoint.id, EndpointChange.model_validate({"description": "new"}))
    assert (changed.endpoint.description, changed.endpoint.tags) == ("new", ({"tagKey": "k", "tagValue": "v"},))
    stage = await bench.services.stages.change(shown.stages[0].stage.id, EndpointChange.model_validate({"tagList": []}))
    assert (stage.stage.spec.description, stage.stage.spec.tag_list) == ("old", ())
    for call in (
        bench.services.endpoints.change(shown.endpoint.id, EndpointChange()),
        bench.services.stages.change("s", EndpointChange()),
    ):
        assert "description" in await faults(call)


async def test_lists_by_name_status_and_id(bench: Bench) -> None:
    """GN-13."""
    used = await model(bench)
    made = [(await create(bench, used, endpointName=name)).shown.endpoint for name in ("one", "two", "three")]
    services = bench.services

    async def names(wanted: Wanted, count: int = 10) -> list[str]:
        page = await services.endpoints.page(wanted, PageRequest(count=count))
        return [row.endpoint.name for row in page.rows if isinstance(row, ShownEndpoint)]

    assert set(await names(Wanted())) == {"one", "two", "three"}
    assert len(await names(Wanted(), 2)) == 2
    assert await names(Wanted(name="two")) == ["two"]
    assert await names(Wanted(id_prefix=made[0].id[:10])) == ["one"]
    assert await names(Wanted(statuses=[EndpointStatus.ACTIVE])) == []
    page = await services.stage_resources.page(WantedResources(model_id=used.id), EVERYTHING)
    assert len(page.rows) == 3
    for call in (services.endpoints.find("none"), services.stages.find("none"), services.stage_resources.find("none")):
        with pytest.raises(NotFound):
            await call


async def test_rows_that_cannot_be_read_are_shown_and_spoil_no_list(bench: Bench) -> None:
    shown = await active(bench)
    ids = [shown.endpoint.id, shown.stages[0].stage.id, shown.stages[0].resources[0].resource.id]

    def spoil(db: Any) -> None:
        db.execute("UPDATE endpoints SET tags = '{'")
        db.execute("UPDATE stages SET spec = '{'")
        db.execute("UPDATE stage_resources SET demand = 'x'")

    await bench.context.store.write(spoil)
    services = bench.services
    for found in (
        await services.endpoints.find(ids[0]), await services.stages.find(ids[1]), await services.stage_resources.find(ids[2]),
        (await services.endpoints.page(Wanted(), EVERYTHING)).rows[0],
        (await services.stages.page(stages.Wanted(), EVERYTHING)).rows[0],
        (await services.stage_resources.page(WantedResources(), EVERYTHING)).rows[0],
    ):  # fmt: skip
        assert isinstance(found, Quarantined)


@pytest.mark.parametrize("table", ["endpoints", "stages", "stage_resources"])
async def test_what_cannot_be_read_can_be_deleted(bench: Bench, table: str) -> None:
    """With all that it runs and holds; what can be read goes the way of the controllers."""
    iris, rose = await model(bench), await model(bench, "rose")
    shown = await active(bench, iris)
    other = await second(bench, shown, iris, rose)
    await book(bench, other.stage)
    resource_id = other.resources[0].resource.id
    broken = {"endpoints": shown.endpoint.id, "stages": other.stage.id, "stage_resources": resource_id}[table]
    column = {"endpoints": "tags", "stages": "spec", "stage_resources": "demand"}[table]
    pod = Pod("p0", other.stage.id, resource_id, 0, PodState.READY, 0.0, attempt=1)
    await bench.driver.start(_workload(pod.workload))
    await bench.driver.open_network(pod.network, ["pod"], ["http"])

    def spoil(db: Any) -> None:
        stages.add_pod(db, pod)
        db.execute(f"UPDATE {table} SET {column} = '{{' WHERE id = ?", (broken,))

    await bench.context.store.write(spoil)
    services = getattr(bench.services, table)
    await services.delete(broken)
    with pytest.raises(NotFound):
        await services.find(broken)
    assert await bench.driver.owned() == []
    assert bench.driver.networks == {}
    left = await bench.context.store.read(lambda db: (stages.pod_ids(db, other.stage.id), ledger.booked(db)))
    assert left[0] == []
    assert (left[1] == []) == (table != "stage_resources"), "a stage that goes on keeps its nodes"


async def test_a_broken_part_hinders_no_deletion(bench: Bench) -> None:
    """EP-36: the default stage, and resources that cannot be read, go with what they belong to; other stages are named."""
    iris, rose = await model(bench), await model(bench, "rose")
    shown = await active(bench, iris)
    other = await second(bench, shown, iris, rose)

    def spoil(db: Any) -> None:
        db.execute("UPDATE stage_resources SET demand = '{' WHERE model_id = ?", (iris.id,))
        db.execute("UPDATE stages SET spec = '{' WHERE id = ?", (shown.stages[0].stage.id,))

    await bench.context.store.write(spoil)
    assert other.stage.id in (await refused(bench.services.endpoints.delete(shown.endpoint.id))).message
    assert "which cannot be deleted" in (await refused(bench.services.stages.delete(shown.stages[0].stage.id))).message
    await bench.services.stages.delete(other.stage.id)
    left = await bench.context.store.read(lambda db: stages.newest_resources(db, stage_id=other.stage.id))
    assert [resource.model_id for resource in left if isinstance(resource, StageResource)] == [rose.id]
    await bench.services.endpoints.delete(shown.endpoint.id)
    assert await bench.context.store.read(lambda db: stages.ids_of(db, shown.endpoint.id)) == [other.stage.id]


# -- models


async def test_a_deployed_model_is_kept(bench: Bench) -> None:
    """MD-37, MD-17, DP-05, DP-19: neither deleted nor renamed; where it is deployed is named, and shown with it."""
    used = await model(bench)
    shown = await active(bench, used)
    error = await refused(bench.services.models.delete(used.id))
    assert shown.endpoint.id in error.message
    renamed = await refused(bench.services.models.change(used.id, ModelChange(model_name="other")))
    assert "its name is a part of their URLs" in renamed.message
    changed = await bench.services.models.change(used.id, ModelChange(model_name="iris", description="words"))
    assert [use.endpoint_name for use in changed.uses] == ["iris"]


@pytest.mark.parametrize("wish", ["endpoint", "stage", "resource"])
async def test_a_wish_to_delete_releases_the_model_at_once(bench: Bench, wish: str) -> None:
    """rest-api §6.10: the samples delete the model right after the endpoint. Its copy stays until its pods are gone."""
    iris, rose = await model(bench), await model(bench, "rose")
    shown = await active(bench, rose, *([iris] if wish != "stage" else []))
    other = await second(bench, shown, iris) if wish == "stage" else None
    if wish == "endpoint":
        await bench.services.endpoints.delete(shown.endpoint.id)
    elif other is not None:
        await bench.services.stages.delete(other.stage.id)
    else:
        await bench.services.stage_resources.delete(shown.stages[0].resources[1].resource.id)
    assert iris.checksum is not None
    copy = bench.context.model_copies.path(iris.checksum)
    copy.mkdir(parents=True)
    await bench.services.models.delete(iris.id)
    await bench.models.reconcile(iris.id)
    kept = await bench.services.models.get(iris.id)
    assert (kept.status, copy.is_dir()) == (ModelStatus.DELETE_IN_PROGRESS, True)
    assert iris.id in await bench.models.unfinished(), "whoever looks later goes on from there"

    def end(db: Any) -> None:
        for resource in stages.page_of_resources(db, WantedResources(model_id=iris.id)).rows:
            assert isinstance(resource, StageResource)
            stages.delete_resource(db, resource)

    await bench.context.store.write(end)
    await bench.models.reconcile(iris.id)
    with pytest.raises(NotFound):
        await bench.services.models.get(iris.id)
    assert not copy.is_dir()


async def test_of_a_deletion_and_a_creation_at_once_one_passes(bench: Bench) -> None:
    """DP-20: never an endpoint of a model that is gone."""
    outcomes = set()
    for number in range(10):
        used = await model(bench)
        calls = [bench.services.models.delete(used.id), create(bench, used, endpointName=f"e{number}")]
        results = await asyncio.gather(*(calls if number % 2 else reversed(calls)), return_exceptions=True)
        failed = [result for result in results if isinstance(result, Exception)]
        assert len(failed) == 1
        assert isinstance(failed[0], Conflict | InvalidRequest)
        outcomes.add(type(failed[0]))
        kept = await bench.context.store.read(
            lambda db, id_=used.id: stages.page_of_resources(db, WantedResources(model_id=id_)).rows
        )
        assert bool(kept) == isinstance(failed[0], Conflict)
    assert outcomes == {Conflict, InvalidRequest}, "both orders were tried"


async def test_what_is_on_its_way_out_is_shown_without_its_model(bench: Bench) -> None:
    """rest-api §2.2: never a reference without a status, whatever became of the model."""
    used = await model(bench)
    shown = await active(bench, used)
    await bench.services.endpoints.delete(shown.endpoint.id)
    await bench.context.store.write(lambda db: db.execute("DELETE FROM models"))
    found = await bench.services.stage_resources.find(shown.stages[0].resources[0].resource.id)
    assert not isinstance(found, Quarantined)
    assert found.model is None


# -- the gateway, runtime versions


async def put(bench: Bench, shown: ShownEndpoint) -> None:
    stage = GatewayStage(shown.stages[0].stage.id, "default", ())
    await bench.gateway.put_service(GatewayService(shown.endpoint.id, "iris", (stage,), stage.id))


async def test_what_the_gateway_says_is_what_is_shown(bench: Bench) -> None:
    """EP-20, ST-05, GW-18, GW-04: also after a failed deployment, which is repeated by hand."""
    shown = await active(bench)
    stage_id = shown.stages[0].stage.id
    bench.gateway.fail = "Rejected."
    await put(bench, shown)
    found = await bench.services.endpoints.find(shown.endpoint.id)
    assert isinstance(found, ShownEndpoint)
    deployed = found.stages[0].deployed
    assert deployed is not None
    assert (deployed.status, deployed.message) == (GatewayStatus.STAGE_DEPLOY_FAIL, "Rejected.")
    assert (await bench.services.stages.deploy(stage_id)).status is GatewayStatus.ACTIVE
    assert "Deployed by hand" in str((await history(bench, stages.KIND, stage_id))[-1])
    with pytest.raises(NotFound):
        await bench.services.stages.deploy("none")


async def test_the_gateways_settings(bench: Bench) -> None:
    """GW-03, SR-13, OI-01…OI-12, VX-06: what the gateway has, nothing before it was told."""
    used = await model(bench)
    one = {"modelId": used.id, "resourceOptionDetail": {"percentage": 40}, "apigwResourceUri": "/inference"}
    shown = await active(bench, endpointModelResourceList=[one, one])
    stage_id = shown.stages[0].stage.id
    assert (await bench.services.stages.gateway_settings(stage_id)).resources == ()
    stage = GatewayStage(stage_id, "default", (RoutedModel(used.id, "iris", "/inference"),))
    await bench.gateway.put_service(GatewayService(shown.endpoint.id, "iris", (stage,), stage_id))
    found = (await bench.services.stages.gateway_settings(stage_id)).resources
    assert (found[0].methods, found[0].path) == (("POST",), "/inference")
    assert "/iris/v1/models/iris/predict" in {resource.path for resource in found}
    assert len(found) == 13


async def run_pod(bench: Bench, stage: Stage, **columns: Any) -> None:
    """Let a stage have one pod, on the present runtime version unless ``columns`` say otherwise."""

    def write(db: Any) -> None:
        [resource] = stages.resources_of(db, stage.id)
        if "p0" not in stages.pod_ids(db, stage.id):
            stages.add_pod(db, Pod("p0", stage.id, resource.id, 0, PodState.PENDING, 0.0))
        version = bench.context.catalogue.runtime_version
        stages.set_pod(db, "p0", **{"state": PodState.READY, "attempt": 1, "runtime_version": version, **columns})

    await bench.context.store.write(write)


async def test_paths_of_users_own_at_the_gateway(bench: Bench, rest: httpx.AsyncClient) -> None:
    """EP-15, GW-06, GW-09, GN-02: added, shown and taken away; each field at fault is named, and no path is replaced."""
    shown = await active(bench)
    path = f"/endpoint-stages/{shown.stages[0].stage.id}/gateway-resources"
    body = {"resourceName": "mine", "resourcePath": "/classify", "rewritePath": "/v2/models/iris/infer"}
    early = await rest.post(path, json=body)
    assert early.status_code == 404, "nothing is deployed yet"
    stage = GatewayStage(shown.stages[0].stage.id, "default", (RoutedModel("m1", "iris", ""),))
    await bench.gateway.put_service(GatewayService(shown.endpoint.id, "iris", (stage,), stage.id))
    answer = await rest.post(path, json=body)
    assert answer.json()["gatewayResource"] == {**body, "methodList": ["POST"], "modelId": None}
    assert (await rest.get(path)).json()["gatewayResourceList"] == [answer.json()["gatewayResource"]]
    for change, field in (
        ({}, "resourceName"),
        ({"resourceName": "a b"}, "resourceName"),
        ({"resourceName": "x", "resourcePath": "/iris/more"}, "resourcePath"),
        ({"resourceName": "x", "rewritePath": "none"}, "rewritePath"),
        ({"resourceName": "x", "methodList": ["BREW"]}, "methodList"),
        ({"resourceName": "x", "modelId": "none"}, "modelId"),
    ):
        refusal = await rest.post(path, json={**body, **change})
        assert refusal.status_code == 422
        assert [fault["field"] for fault in refusal.json()["fieldErrors"]] == [field]
    other = await second(bench, shown)
    elsewhere = f"/endpoint-stages/{other.stage.id}/gateway-resources"
    assert (await rest.delete(f"{elsewhere}/mine")).status_code == 404, "it is another stage's"
    assert (await rest.delete(f"{path}/mine")).status_code == 200
    assert (await rest.get(path)).json()["gatewayResourceList"] == []
    assert (await history(bench, stages.KIND, shown.stages[0].stage.id))[-2:] == [
        "Path /classify was added to the gateway as 'mine'.", "The path named 'mine' was taken from the gateway."
    ]  # fmt: skip
    await bench.services.stages.delete(other.stage.id)
    assert (await rest.post(elsewhere, json=body)).status_code == 409


async def test_stages_on_outdated_images_are_marked(bench: Bench) -> None:
    """UP-06, UP-10, EP-21, UP-L02: until when they may stay; new stages are on the newest (UP-09)."""
    shown = await active(bench)
    await run_pod(bench, shown.stages[0].stage)
    assert shown.is_latest
    bench.clock.advance(3600)
    bench.context.catalogue.__dict__["runtime_version"] = "newer"
    other = await second(bench, shown)
    changed = bench.clock.now()
    assert (other.is_latest, other.stage.runtime_version) == (True, "newer")
    found = await bench.services.endpoints.find(shown.endpoint.id)
    assert isinstance(found, ShownEndpoint)
    assert not found.is_latest
    assert found.stages[0].expires_at == changed + bench.context.settings.runtime_expiry_days * 86400


async def test_the_marker_goes_when_no_pod_runs_on_the_old_images(bench: Bench) -> None:
    """UP-10: neither one that pauses nor one that was started since; how old the stage is does not matter."""
    shown = await active(bench)
    stage, old = shown.stages[0].stage, bench.context.catalogue.runtime_version
    bench.context.catalogue.__dict__["runtime_version"] = "newer"
    await second(bench, shown)
    for columns, is_latest in (
        ({"runtime_version": old}, False), ({"runtime_version": old, "state": PodState.LEAVING}, False),
        ({"runtime_version": old, "state": PodState.WAITING}, True), ({}, True),
    ):  # fmt: skip
        await run_pod(bench, stage, **columns)
        found = await bench.services.endpoints.find(shown.endpoint.id)
        assert isinstance(found, ShownEndpoint)
        assert (found.is_latest, found.stages[0].expires_at is None) == (is_latest, is_latest), columns


async def test_an_expired_stage_takes_no_more_models(bench: Bench) -> None:
    """UP-L03: not added to while a pod runs on what has expired; a moment before, and on new images, it is."""
    iris, rose = await model(bench), await model(bench, "rose")
    shown = await active(bench, endpointModelResourceList=[{"modelId": iris.id, "resourceOptionDetail": {"percentage": 30}}])
    stage, some = shown.stages[0].stage, {"resourceOptionDetail": {"percentage": 20}}
    await run_pod(bench, stage)
    bench.context.catalogue.__dict__["runtime_version"] = "newer"
    await bench.context.store.write(lambda db: runtime_versions.note(db, "newer", bench.clock.now()))
    bench.clock.advance(bench.context.settings.runtime_expiry_days * 86400)
    error = await refused(add(bench, stage, rose, **some))
    assert "expired on" in error.message
    bench.clock.advance(-1)
    await add(bench, stage, rose, **some)


# -- previews


def preview(*models: Model, **fields: Any) -> StagePreview:
    body = {"flavorId": "m2.c1m2", "endpointModelResourceList": [{"modelId": m.id} for m in models], **fields}
    return StagePreview.model_validate(body)


async def book(bench: Bench, stage: Stage) -> None:
    """Let a stage have its nodes."""

    def write(db: Any) -> None:
        ledger.enqueue(db, request_of(stage.flavor, stage.wanted_nodes, stage.id))
        assert ledger.admit(db, bench.context.machine, now=bench.clock.now(), backfill_seconds=0).grants

    await bench.context.store.write(write)


async def test_a_preview_of_a_stage_on_an_empty_machine(bench: Bench) -> None:
    """RI-02, SR-09, RI-L02, RI-05: demand, usable, measured need, warnings; nothing is made."""
    used = await model(bench)
    await bench.context.store.write(lambda db: db.execute("INSERT INTO model_loads VALUES (?, 2.5, 1000, 0)", (used.id,)))
    small = {"modelId": used.id, "resourceOptionDetail": {"cpu": "0.5", "memory": "64Mi"}}
    found = await bench.services.stage_previews.stage(preview(endpointModelResourceList=[small]))
    assert (found.plan.usable, found.base) == (Amount(900, 1792), Amount(100, 256))
    assert found.plan.resources[0].demand == Amount(500, 64)
    assert "64 MiB" in found.plan.resources[0].warnings[0]
    assert found.loads[used.id].load_seconds == 2.5
    assert (found.fit.is_now, found.fits_beside) == (True, None)
    assert await bench.context.store.read(endpoints.newest) == []


async def test_a_preview_of_what_does_not_fit_now(bench: Bench) -> None:
    """EP-L02: what is missing, and who has it."""
    used = await model(bench)
    shown = await active(bench, used, flavorId="m2.c2m4")
    await book(bench, shown.stages[0].stage)
    previews = bench.services.stage_previews
    beside = await previews.stage(preview(used, endpointId=shown.endpoint.id, flavorId="m2.c2m4"))
    assert (beside.fit.is_now, beside.fits_beside) == (True, True)
    large = await previews.stage(preview(used, endpointId=shown.endpoint.id, flavorId="m2.c4m8"))
    assert (large.fit.is_now, large.fits_beside, large.fit.missing) == (False, False, Amount(2000, 4096))
    assert large.fit.names[large.fit.holders[0]] == "iris/default"
    assert "no endpoint" in (await faults(previews.stage(preview(used, endpointId="none"))))["endpointId"]
    taken = preview(used, endpointId=shown.endpoint.id, apigwStageName="default")
    assert "apigwStageName" in await faults(previews.stage(taken))
    assert "flavorId" in await faults(previews.stage(preview(used, flavorId="m2.c8m16")))


async def test_a_preview_of_a_change_of_the_default_stage(bench: Bench) -> None:
    """EP-L02, EP-32, EP-34."""
    used = await model(bench)
    shown = await active(bench, used, flavorId="m2.c2m4")
    await book(bench, shown.stages[0].stage)
    other = await second(bench, shown, used, is_active=False, flavorId="m2.c4m8")
    previews, endpoint_id = bench.services.stage_previews, shown.endpoint.id
    early = await previews.default_change(endpoint_id, other.stage.id)
    assert "in ACTIVE" in (early.refusal or "")
    cause = Cause(Reason.WAITING_FOR_RESOURCES, "Waits.")
    await bench.context.store.write(lambda db: stages.explain(db, stages.get(db, other.stage.id), cause, bench.clock.now()))
    await bench.context.store.write(lambda db: db.execute("INSERT INTO model_loads VALUES (?, 2.5, NULL, 0)", (used.id,)))
    waits = await previews.default_change(endpoint_id, other.stage.id)
    assert (waits.refusal, waits.needs_stop_first, waits.fits_beside, waits.wait_seconds) == (None, True, False, 2.5)
    assert waits.fit is not None
    assert waits.fit.missing == Amount(2000, 4096)
    small = await second(bench, shown, used, apigwStageName="small", flavorId="m2.c1m2")
    await book(bench, small.stage)
    ready = await previews.default_change(endpoint_id, small.stage.id)
    assert (ready.refusal, ready.needs_stop_first, ready.fit) == (None, False, None)
    assert (ready.present, ready.target.name) == (shown.stages[0].stage, "small")


async def test_a_preview_says_of_a_failed_stage_that_it_has_its_room(bench: Bench) -> None:
    """EP-L02: a stage keeps its nodes in DEPLOY FAILED, and nobody holds them against it."""
    used = await model(bench)
    shown = await active(bench, used, flavorId="m2.c2m4")
    other = await second(bench, shown, used, is_active=False, flavorId="m2.c2m4")
    for stage in (shown.stages[0].stage, other.stage):
        await book(bench, stage)
    await to(bench, other, StageStatus.CREATE_IN_PROGRESS, StageStatus.DEPLOY_IN_PROGRESS, StageStatus.DEPLOY_FAILED)
    found = await bench.services.stage_previews.default_change(shown.endpoint.id, other.stage.id)
    assert (found.fit, found.fits_beside, found.needs_stop_first) == (None, True, False)
    assert "DEPLOY_FAILED" in (found.refusal or "")


async def test_a_stage_that_waits_needs_stop_first_however_large_the_machine_is(bench: Bench) -> None:
    """EP-L02: both would fit, if nothing else ran; what the preview says of the room is what it says of the change."""
    used = await model(bench)
    shown = await active(bench, used)
    elsewhere = await active(bench, used, endpointName="elsewhere", flavorId="m2.c2m4")
    other = await second(bench, shown, used, is_active=False, flavorId="m2.c2m4")
    for stage in (shown.stages[0].stage, elsewhere.stages[0].stage):
        await book(bench, stage)
    cause = Cause(Reason.WAITING_FOR_RESOURCES, "Waits.")
    await bench.context.store.write(lambda db: stages.explain(db, stages.get(db, other.stage.id), cause, bench.clock.now()))
    found = await bench.services.stage_previews.default_change(shown.endpoint.id, other.stage.id)
    assert (found.refusal, found.needs_stop_first, found.fits_beside) == (None, True, False)


async def test_what_pods_may_use_of_a_flavor(bench: Bench) -> None:
    """RI-01, RI-L01."""
    found = bench.services.stage_previews.usable("m2.c2m4")
    assert (found.base, found.usable) == (Amount(100, 256), Amount(1900, 3840))
    with pytest.raises(NotFound):
        bench.services.stage_previews.usable("none")


def _workload(name: str) -> Workload:
    return Workload(name, "environment", ("serve",), Path("log"), Resources(1.0, 1024), Path())


def _named(stage: Stage, stage_id: str) -> Stage:
    return replace(stage, id=stage_id)


def _model(found: Model, model_id: str) -> Model:
    return replace(found, id=model_id)
