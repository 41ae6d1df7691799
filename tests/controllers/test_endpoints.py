"""Endpoints by their stages, the change of the default stage, deletion, and what a daemon killed in between leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.controllers.readiness import Answer
from easymaker_local.controllers.stage_view import work_folder
from easymaker_local.domain.endpoint import (
    ENDPOINT_TRANSITIONS,
    RESOURCE_TRANSITIONS,
    STAGE_TRANSITIONS,
    Endpoint,
    EndpointStatus,
    PodState,
    StageStatus,
)
from easymaker_local.domain.gateway import GatewayService, GatewayStatus
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.reason import Reason
from easymaker_local.errors import PermanentError, TransientError
from easymaker_local.services.api_keys import seal_api_key
from easymaker_local.services.pod_logs import log_folder
from easymaker_local.store import endpoints, stages
from easymaker_local.testing.context import open_bench
from easymaker_local.testing.endpoints import EndpointBench, ServingDriver, open_endpoint_bench, rebuilt
from easymaker_local.testing.fakes import FakeGateway

pytestmark = pytest.mark.anyio
E, S, P = EndpointStatus, StageStatus, PodState


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[EndpointBench]:
    async with open_endpoint_bench(tmp_path / "home") as opened:
        yield opened


async def serving(bench: EndpointBench) -> tuple[Model, str, str]:
    """Return a model, an endpoint that serves it, and its default stage."""
    model = await bench.model()
    endpoint_id, stage_id = await bench.endpoint(model)
    await bench.run()
    return model, endpoint_id, stage_id


# -- statuses


async def test_creation_follows_the_default_stage(bench: EndpointBench) -> None:
    """EP-22, EP-23, EP-26, with the reason of what it waits for."""
    bench.silent["iris"] = Answer.NOT_READY
    endpoint_id, _ = await bench.endpoint(await bench.model())
    await bench.run()
    assert await bench.status(endpoint_id) is E.CREATE_IN_PROGRESS
    bench.silent.clear()
    await bench.run()
    assert await bench.history("endpoint", endpoint_id) == ["CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE"]


async def test_another_stage_that_fails(bench: EndpointBench) -> None:
    """EP-24, EP-28, EP-30: UPDATE FAILED names the stage; deleting it is an operation again, and ACTIVE its end."""
    model, endpoint_id, default = await serving(bench)
    stage_id = await bench.stage(endpoint_id, model, flavor_id="m2.c4m8", nodes=2)
    await bench.run()
    row = await bench.endpoint_row(endpoint_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (E.UPDATE_FAILED, Reason.STAGE_FAILED)
    assert row.cause.message.startswith("Stage 'canary' is CREATE_FAILED. Needs 8 vCPU")
    assert len(bench.backends(default, model)) == 1
    await bench.delete("stage", stage_id)
    await bench.run()
    assert await bench.history("endpoint", endpoint_id) == [
        "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE", "UPDATE_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_IN_PROGRESS",
        "ACTIVE",
    ]  # fmt: skip
    assert (await bench.endpoint_row(endpoint_id)).cause is None


async def test_the_api_key_is_told(bench: EndpointBench) -> None:
    """GW-L05; a key that cannot be opened is no reason to serve without one."""
    endpoint_id, _ = await bench.endpoint(await bench.model())
    sealed = seal_api_key(bench.context, endpoint_id, "secret")
    await bench.context.store.write(lambda db: db.execute("UPDATE endpoints SET sealed_api_key = ?", (sealed,)))
    await bench.run()
    assert bench.gateway.services[endpoint_id].api_key == "secret"
    await bench.context.store.write(lambda db: db.execute("UPDATE endpoints SET sealed_api_key = 'AAAA'"))
    with pytest.raises(PermanentError, match="cannot be opened"):
        await bench.routes.put(endpoint_id)
    assert bench.gateway.services[endpoint_id].api_key == "secret"


async def test_a_broken_endpoint_is_left_alone(bench: EndpointBench) -> None:
    """Neither the endpoint nor its stages are touched."""
    _, endpoint_id, stage_id = await serving(bench)
    await bench.context.store.write(lambda db: db.execute("UPDATE endpoints SET tags = 'nonsense'"))
    assert await bench.endpoints.reconcile(endpoint_id) is None
    assert await bench.stages.reconcile(stage_id) is None
    assert await bench.endpoints.reconcile("absent") is None


async def test_a_default_stage_that_cannot_be_read_stays_the_default_one(bench: EndpointBench) -> None:
    """Quarantine: the default URL goes on to what serves there, whatever another stage has to tell the gateway."""
    model, endpoint_id, stage_id = await serving(bench)
    await bench.context.store.write(lambda db: db.execute("UPDATE stages SET status = 'nonsense'"))
    other = await bench.stage(endpoint_id, model)
    await bench.run()
    told = bench.gateway.services[endpoint_id]
    assert (told.default_stage_id, [stage.id for stage in told.stages]) == (stage_id, [other])


# -- change of the default stage


async def test_change_of_the_default_stage(bench: EndpointBench) -> None:
    """EP-32, EP-35: the URL answers with the new stage, then the old one is deleted through DELETE IN PROGRESS (ST-22)."""
    model, endpoint_id, old = await serving(bench)
    new = await bench.stage(endpoint_id, model)
    await bench.run()
    told: list[str | None] = []
    put = bench.gateway.put_service

    async def noted(service: GatewayService) -> Any:
        told.append(service.default_stage_id)
        # As long as requests may come to the old stage its pods run.
        assert bench.backends(old, model), "the old stage lost its pods before the default URL had another stage"
        return await put(service)

    bench.gateway.put_service = noted  # type: ignore[method-assign]
    await bench.change_default(endpoint_id, new)
    await bench.run()
    row = await bench.endpoint_row(endpoint_id)
    assert (row.status, row.default_stage_id, row.change) == (E.ACTIVE, new, None)
    assert (await bench.exists("stage", old), bench.gateway.services[endpoint_id].default_stage_id) == (False, new)
    assert told[0] == new
    assert set(told) == {new}
    assert len(bench.backends(new, model)) == 1
    told_of = [note for note in await bench.notes("endpoint", endpoint_id) if "default stage" in note]
    assert told_of == [f"The default stage is 'canary' ({new}) now."]


async def test_it_waits_until_the_stage_is_active(bench: EndpointBench) -> None:
    """EP-34; meanwhile UPDATE IN PROGRESS says why."""
    model, endpoint_id, old = await serving(bench)
    new = await bench.stage(endpoint_id, model)
    bench.silent["iris"] = Answer.NOT_READY
    for pod in await bench.pods(old):
        bench.silent[pod.id] = Answer.READY
    await bench.change_default(endpoint_id, new)
    await bench.run()
    row = await bench.endpoint_row(endpoint_id)
    assert row.cause is not None
    assert (row.status, row.default_stage_id) == (E.UPDATE_IN_PROGRESS, old)
    assert row.cause.message == "Stage 'canary' is DEPLOY_IN_PROGRESS; it can be the default stage in ACTIVE."
    bench.silent.clear()
    await bench.run()
    assert (await bench.endpoint_row(endpoint_id)).default_stage_id == new


async def test_it_asks_the_pods_right_before(bench: EndpointBench) -> None:
    """EP-32: a stage is ACTIVE and its pod does not answer at this moment: the old one stays until it does."""
    model, endpoint_id, old = await serving(bench)
    new = await bench.stage(endpoint_id, model)
    await bench.run()
    [pod] = await bench.pods(new)
    bench.silent[pod.id] = Answer.SILENT
    await bench.change_default(endpoint_id, new)
    await bench.run()
    row = await bench.endpoint_row(endpoint_id)
    assert row.cause is not None
    assert (row.default_stage_id, row.cause.message) == (old, "No pod of model 'iris' answers on stage 'canary'.")
    bench.silent.clear()
    await bench.run()
    assert (await bench.endpoint_row(endpoint_id)).default_stage_id == new


async def test_a_gateway_that_does_not_take_it(bench: EndpointBench) -> None:
    """GW-L03: the earlier version stays in force, so the old stage stays too."""
    model, endpoint_id, old = await serving(bench)
    new = await bench.stage(endpoint_id, model)
    await bench.run()
    bench.gateway.fail = "rejected"
    await bench.change_default(endpoint_id, new)
    with pytest.raises(TransientError, match="rejected"):
        await bench.run()
    assert ((await bench.endpoint_row(endpoint_id)).default_stage_id, await bench.exists("stage", old)) == (old, True)
    bench.gateway.fail = None
    bench.bench.clock.advance(6)
    await bench.run()
    assert ((await bench.endpoint_row(endpoint_id)).default_stage_id, await bench.exists("stage", old)) == (new, False)


async def test_a_gateway_stage_that_is_not_active(bench: EndpointBench) -> None:
    """EP-32, GW-15: no change to what the gateway does not have."""
    model, endpoint_id, old = await serving(bench)
    new = await bench.stage(endpoint_id, model)
    await bench.run()
    status = bench.gateway.status

    async def gone(stage_id: str) -> Any:
        found = await status(stage_id)
        return found if stage_id == old else type(found)(GatewayStatus.NOT_FOUND_STAGE)

    bench.gateway.status = gone  # type: ignore[method-assign]
    await bench.change_default(endpoint_id, new)
    await bench.run()
    row = await bench.endpoint_row(endpoint_id)
    assert row.cause is not None
    assert (row.default_stage_id, row.cause.reason) == (old, Reason.GATEWAY_FAILED)


@pytest.mark.parametrize("how", ["fails", "is deleted"])
async def test_a_change_is_given_up_with_its_stage(bench: EndpointBench, how: str) -> None:
    """The default stage stays, and the history says why."""
    model, endpoint_id, old = await serving(bench)
    new = await bench.stage(endpoint_id, model, nodes=2 if how == "fails" else 1, flavor_id="m2.c4m8")
    await bench.change_default(endpoint_id, new)
    if how == "is deleted":
        await bench.round()
        await bench.delete("stage", new)
    await bench.run()
    row = await bench.endpoint_row(endpoint_id)
    assert (row.default_stage_id, row.change, len(bench.backends(old, model))) == (old, None, 1)
    assert any("the default stage stays" in note for note in await bench.notes("endpoint", endpoint_id))


async def two_that_do_not_fit(bench: EndpointBench, model: Model | None = None) -> tuple[Model, str, str, str]:
    model = model or await bench.model()
    endpoint_id, old = await bench.endpoint(model, flavor_id="m2.c4m8")
    await bench.run()
    new = await bench.stage(endpoint_id, model, flavor_id="m2.c4m8")
    await bench.run()
    assert (await bench.row(new)).status is S.CREATE_REQUESTED
    return model, endpoint_id, old, new


async def test_stop_first_where_two_do_not_fit(bench: EndpointBench) -> None:
    """EP-L02: requests to the default URL wait for the new stage, which gets the room of the old one."""
    model, endpoint_id, old, new = await two_that_do_not_fit(bench)
    bench.silent["iris"] = Answer.NOT_READY
    for pod in await bench.pods(old):
        bench.silent[pod.id] = Answer.READY
    await bench.change_default(endpoint_id, new, stop_first=True)
    await bench.run()
    row = await bench.endpoint_row(endpoint_id)
    assert row.cause is not None
    assert (row.status, row.default_stage_id) == (E.UPDATE_IN_PROGRESS, new)
    assert row.cause.message == "Requests wait for stage 'canary': DEPLOY_IN_PROGRESS."
    assert bench.gateway.services[endpoint_id].default_stage_id == new
    assert bench.routed(endpoint_id, new)["iris"].held
    assert not await bench.exists("stage", old)
    bench.silent.clear()
    await bench.run()
    row = await bench.endpoint_row(endpoint_id)
    assert (row.status, row.change, row.cause) == (E.ACTIVE, None, None)
    assert (bench.routed(endpoint_id, new)["iris"].held, len(bench.backends(new, model))) == (False, 1)


async def test_stop_first_and_the_new_one_fails(bench: EndpointBench) -> None:
    """EP-L02: requests are let go, to a 503, and the endpoint says which stage failed and why."""
    model, endpoint_id, _, new = await two_that_do_not_fit(bench)
    await bench.change_default(endpoint_id, new, stop_first=True)
    bench.driver.fail_start = PermanentError("no such image")
    for _ in range(4):
        await bench.run()
        await bench.later(8)
    row = await bench.endpoint_row(endpoint_id)
    assert row.cause is not None
    assert (row.status, row.change, row.default_stage_id) == (E.UPDATE_FAILED, None, new)
    assert "no such image" in row.cause.message
    assert bench.gateway.services[endpoint_id].default_stage_id == new
    assert bench.routed(endpoint_id, new)["iris"].held is False
    assert bench.backends(new, model) == set()


async def test_stop_first_and_the_new_one_never_gets_its_environment(bench: EndpointBench) -> None:
    """As before, for a stage that fails before it has nodes: its URL answers 503 and not 404."""
    _, endpoint_id, _, new = await two_that_do_not_fit(bench)
    await bench.change_default(endpoint_id, new, stop_first=True)
    await bench.endpoints.reconcile(endpoint_id)
    await bench.endpoints.reconcile(endpoint_id)
    assert bench.routed(endpoint_id, new)["iris"].held
    await bench.context.store.write(lambda db: db.execute("DELETE FROM models"))
    await bench.run()
    assert ((await bench.row(new)).status, await bench.status(endpoint_id)) == (S.CREATE_FAILED, E.UPDATE_FAILED)
    assert bench.gateway.services[endpoint_id].default_stage_id == new


# -- deletion


async def test_deletion(bench: EndpointBench) -> None:
    """EP-25, EP-37: stage, gateway service, row, history."""
    _, endpoint_id, stage_id = await serving(bench)
    bench.driver.stubborn = True
    await bench.delete("endpoint", endpoint_id)
    await bench.run()
    assert (await bench.status(endpoint_id), (await bench.row(stage_id)).status) == (E.DELETE_IN_PROGRESS, S.DELETE_IN_PROGRESS)
    for pod in await bench.pods(stage_id):
        bench.driver.end(pod.workload, 0)
    await bench.run()
    assert not await bench.exists("endpoint", endpoint_id)
    assert (bench.gateway.services, bench.gateway.deployed) == ({}, {})
    assert await bench.history("endpoint", endpoint_id) == []


async def test_a_gateway_that_does_not_let_go(bench: EndpointBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """EP-31: DELETE IN PROGRESS with a visible reason, and tried again."""
    _, endpoint_id, _ = await serving(bench)
    remove = bench.gateway.remove_service

    async def refuse(service_id: str) -> None:
        raise PermanentError("Its files cannot be removed.")

    monkeypatch.setattr(bench.gateway, "remove_service", refuse)
    await bench.delete("endpoint", endpoint_id)
    await bench.run()
    row = await bench.endpoint_row(endpoint_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (E.DELETE_IN_PROGRESS, Reason.NOT_REMOVED)
    monkeypatch.setattr(bench.gateway, "remove_service", remove)
    await bench.run()
    assert not await bench.exists("endpoint", endpoint_id)


@pytest.mark.parametrize("rounds", range(5))
async def test_deletion_at_any_moment_of_its_life(bench: EndpointBench, rounds: int) -> None:
    """EP-29: whatever was under way, also a change of the default stage."""
    model, endpoint_id, _ = await serving(bench)
    new = await bench.stage(endpoint_id, model)
    await bench.change_default(endpoint_id, new)
    for _ in range(rounds):
        await bench.round()
    await bench.delete("endpoint", endpoint_id)
    await bench.run()
    assert not await bench.exists("endpoint", endpoint_id)
    assert (bench.gateway.services, bench.driver.workloads, bench.driver.networks) == ({}, {}, {})


# -- killed anywhere


class Killed(BaseException):
    """The daemon is gone."""


class Kills:
    """Counts acts and commits, and lets nothing happen any more after the first ``left`` of them."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.has_killed = False

    def around(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*arguments: Any, **keywords: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                self.has_killed = True
                raise Killed
            return await call(*arguments, **keywords)

        return counted

    def watch(self, bench: EndpointBench, patch: pytest.MonkeyPatch) -> None:
        for verb in ("start", "stop", "remove", "open_network", "close_network"):
            patch.setattr(bench.driver, verb, self.around(getattr(bench.driver, verb)))
        for verb in ("put_service", "remove_stage", "remove_service", "set_backends"):
            patch.setattr(bench.gateway, verb, self.around(getattr(bench.gateway, verb)))
        patch.setattr(bench.context.store, "write", self.around(bench.context.store.write))


async def _created(bench: EndpointBench, model: Model) -> None:
    await bench.endpoint(model)


async def _changing(bench: EndpointBench, model: Model) -> None:
    endpoint_id, _ = await bench.endpoint(model)
    new = await bench.stage(endpoint_id, model)
    await bench.run()
    await bench.change_default(endpoint_id, new)


async def _stopping_first(bench: EndpointBench, model: Model) -> None:
    _, endpoint_id, _, new = await two_that_do_not_fit(bench, model)
    await bench.change_default(endpoint_id, new, stop_first=True)


async def _deleting(bench: EndpointBench, model: Model) -> None:
    endpoint_id, _ = await bench.endpoint(model)
    await bench.run()
    await bench.delete("endpoint", endpoint_id)


async def _serves(bench: EndpointBench, model: Model) -> None:
    [endpoint] = await bench.context.store.read(lambda db: endpoints.newest(db))
    assert isinstance(endpoint, Endpoint)
    assert (endpoint.status, endpoint.change) == (E.ACTIVE, None)
    [stage] = await bench.context.store.read(lambda db: stages.of_endpoint(db, endpoint.id))
    [pod] = await bench.pods(stage.id)
    assert endpoint.default_stage_id == stage.id == bench.gateway.services[endpoint.id].default_stage_id
    assert bench.backends(stage.id, model) == {pod.workload} == set(bench.driver.workloads)
    assert set(bench.driver.networks) == {pod.network}
    assert not bench.routed(endpoint.id, stage.id)["iris"].held


async def _nothing_is_left(bench: EndpointBench, model: Model) -> None:
    for table in ("endpoints", "stages", "stage_resources", "pods", "bookings", "queue"):
        assert await bench.context.store.read(lambda db: db.execute(f"SELECT * FROM {table}").fetchall()) == []  # noqa: B023
    assert (bench.gateway.services, bench.gateway.deployed) == ({}, {})
    assert (bench.driver.workloads, bench.driver.networks) == ({}, {})
    settings = bench.context.settings
    assert [*work_folder(settings, "").glob("*"), *log_folder(settings, "").glob("*")] == []


@pytest.mark.parametrize(
    ("request_", "is_right"),
    [(_created, _serves), (_changing, _serves), (_stopping_first, _serves), (_deleting, _nothing_is_left)],
)  # fmt: skip
async def test_killed_at_every_act_and_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: Callable[..., Any], is_right: Callable[..., Any]
) -> None:
    """Architecture 2 and 7: it ends as ever, whatever act or commit a daemon did not live to see."""
    point, has_killed = 0, True
    while has_killed:
        async with open_bench(tmp_path / str(point)) as opened:
            bench = rebuilt(opened, ServingDriver(), FakeGateway())
            model = await bench.model()
            await request_(bench, model)
            kills = Kills(point)
            with monkeypatch.context() as patch:
                kills.watch(bench, patch)
                with suppress(Killed):
                    await bench.run()
                await bench.stages.close()
            has_killed = kills.has_killed
            bench = rebuilt(opened, bench.driver, bench.gateway)
            await bench.run()
            await is_right(bench, model)
            await bench.stages.close()
        point += 1
    assert point > 10


async def test_what_happened_follows_the_diagrams(bench: EndpointBench) -> None:
    """EP-29, ST-22: every transition that histories have is one of the diagrams'."""
    model, endpoint_id, old = await serving(bench)
    new = await bench.stage(endpoint_id, model)
    await bench.change_default(endpoint_id, new)
    bench.driver.stubborn = True
    await bench.run()
    ways: list[tuple[list[str], dict[Any, Any], type]] = [
        (await bench.history("endpoint", endpoint_id), ENDPOINT_TRANSITIONS, E),
        (await bench.history("stage", old), STAGE_TRANSITIONS, S),
        (await bench.history("stage", new), STAGE_TRANSITIONS, S),
    ]
    for resource in await bench.resources(new):
        kind = type(resource.status)
        ways.append((await bench.history("stageresource", resource.id), RESOURCE_TRANSITIONS, kind))
    for way, table, kind in ways:
        assert len(way) > 1
        assert all(kind(after) in table[kind(before)] for before, after in pairwise(way)), way
