"""Stages from request to deletion, by real passes over fakes: every status, what serves meanwhile, and what fails why."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from easymaker_local.controllers import access_log, waking
from easymaker_local.controllers.endpoint_routes import EndpointRoutes
from easymaker_local.controllers.readiness import Answer
from easymaker_local.controllers.stage_view import work_folder
from easymaker_local.controllers.sweep import sweep_files, sweep_workloads
from easymaker_local.domain.endpoint import (
    STAGE_TRANSITIONS,
    EndpointStatus,
    PodState,
    ResourceStatus,
    StageStatus,
)
from easymaker_local.domain.gateway import Api, ApiCount, ApiKey, Deployed, GatewayService, GatewayStatus
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.log_entry import stage_source
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.usage import Usage
from easymaker_local.drivers.base import Workload
from easymaker_local.errors import Conflict, DatabaseUnavailable, EnvironmentFailed, PermanentError, TransientError
from easymaker_local.services.pod_logs import log_folder
from easymaker_local.store import api_statistics, ledger, log_shipping, model_loads, stages
from easymaker_local.store.api_statistics import EVER, Scope
from easymaker_local.testing.endpoints import DEMAND, IMAGE, EndpointBench, open_endpoint_bench, rebuilt

pytestmark = pytest.mark.anyio
E, S, R, P = EndpointStatus, StageStatus, ResourceStatus, PodState


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[EndpointBench]:
    async with open_endpoint_bench(tmp_path / "home") as opened:
        yield opened


async def states(bench: EndpointBench, stage_id: str) -> list[PodState]:
    return [pod.state for pod in await bench.pods(stage_id)]


# -- creation


async def test_from_request_to_serving(bench: EndpointBench) -> None:
    """ST-15…ST-17, ST-19, SR-15, SR-16, SR-18, SR-20…SR-22, ST-L01: nodes, gateway stage, pods, and the gateway knows the pod
    when all is ACTIVE."""
    model = await bench.model()
    endpoint_id, stage_id = await bench.endpoint(model, useLog=True)
    await bench.run()
    assert await bench.history("stage", stage_id) == ["CREATE_REQUESTED", "CREATE_IN_PROGRESS", "DEPLOY_IN_PROGRESS", "ACTIVE"]
    [resource] = await bench.resources(stage_id)
    assert await bench.history("stageresource", resource.id) == ["CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE"]
    [pod] = await bench.pods(stage_id)
    assert (pod.state, pod.node, pod.attempt, await bench.nodes(stage_id)) == (P.READY, "node-0", 1, ["node-0"])
    assert bench.backends(stage_id, model) == {pod.workload}
    service = bench.gateway.services[endpoint_id]
    assert (service.default_stage_id, service.stages[0].log) == (stage_id, True)
    assert bench.routed(endpoint_id, stage_id)["iris"].held is False
    workload = bench.driver.workloads[pod.workload]
    assert (workload.resources.cpus, workload.resources.memory_bytes) == (0.4, 512 << 20)
    assert workload.log_path == log_folder(bench.context.settings, stage_id) / f"{pod.id}.log"
    assert workload.labels["easymaker.id"] == stage_id


async def test_environments_come_before_nodes(bench: EndpointBench) -> None:
    """Architecture 6, EP-16: images and environments are prepared before anything is booked, for the first stage only."""
    model = await bench.model()
    bench.bench.environments.prepared.discard(IMAGE)
    _, stage_id = await bench.endpoint(model)
    await bench.stages.reconcile(stage_id)
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (S.CREATE_REQUESTED, Reason.PREPARING_ENVIRONMENT)
    assert [resource.cause for resource in await bench.resources(stage_id)] == [row.cause]  # ST-L01: each part tells
    assert await bench.context.store.read(ledger.queue) == []
    await bench.preparation.idle()
    await bench.run()
    assert (await bench.row(stage_id)).status is S.ACTIVE
    _, later_id = await bench.endpoint(model, name="later")
    await bench.run()
    assert [len(await bench.notes("stage", told)) for told in (stage_id, later_id)] == [1, 0]


async def test_nothing_is_held_for_an_environment_that_was_removed_again(bench: EndpointBench) -> None:
    """A stage that waits with its environment gone gives its place back until that is there again."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model, flavor_id="m2.c4m8", demand=DEMAND)
    await bench.round()
    assert await bench.nodes(stage_id) == ["node-0"]
    bench.bench.environments.prepared.discard(IMAGE)
    await bench.stages.reconcile(stage_id)
    assert await bench.nodes(stage_id) == []
    await bench.preparation.idle()
    await bench.run()
    assert (await bench.row(stage_id)).status is S.ACTIVE


async def test_an_environment_that_cannot_be_made(bench: EndpointBench) -> None:
    """ST-20: with the builder's words."""
    model = await bench.model()
    bench.bench.environments.prepared.discard(IMAGE)
    bench.bench.environments.error = EnvironmentFailed("pip says no")
    endpoint_id, stage_id = await bench.endpoint(model)
    await bench.round()
    await bench.preparation.idle()
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason, row.cause.message) == (S.CREATE_FAILED, Reason.ENVIRONMENT_FAILED, "pip says no")
    assert [r.status for r in await bench.resources(stage_id)] == [R.CREATE_FAILED]
    assert await bench.status(endpoint_id) is E.CREATE_FAILED


async def test_one_of_two_environments_that_cannot_be_made(bench: EndpointBench) -> None:
    """ST-21: what can be served is served."""
    good, bad = await bench.model("good"), await bench.model("bad")
    _, stage_id = await bench.endpoint(good, bad)
    await bench.context.store.write(lambda db: db.execute("DELETE FROM models WHERE id = ?", (bad.id,)))
    await bench.run()
    assert [resource.status for resource in await bench.resources(stage_id)] == [R.ACTIVE, R.CREATE_FAILED]
    assert ((await bench.row(stage_id)).status, len(bench.backends(stage_id, good))) == (S.DEPLOY_FAILED, 1)


async def test_more_than_the_machine_has(bench: EndpointBench) -> None:
    """IT-L03, ST-20, EP-27: what can never be met fails at once, with both amounts."""
    endpoint_id, stage_id = await bench.endpoint(await bench.model(), flavor_id="m2.c4m8", nodes=2)
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (S.CREATE_FAILED, Reason.NEVER_FITS)
    assert "Needs 8 vCPU and 16 GiB, but this machine offers 4 vCPU and 8 GiB" in row.cause.message
    assert await bench.status(endpoint_id) is E.CREATE_FAILED
    assert await bench.context.store.read(ledger.queue) == []
    assert bench.gateway.services.get(endpoint_id) is None


async def test_waits_for_room_and_says_for_what(bench: EndpointBench) -> None:
    """ST-L01, IT-L03: CREATE REQUESTED with the reason; served when room is given back."""
    model = await bench.model()
    first, first_stage = await bench.endpoint(model, flavor_id="m2.c4m8")
    await bench.run()
    second, stage_id = await bench.endpoint(model, name="second", flavor_id="m2.c2m4")
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (S.CREATE_REQUESTED, Reason.WAITING_FOR_RESOURCES)
    assert f"held by stage {first_stage}" in row.cause.message
    assert (await bench.status(second)) is E.CREATE_REQUESTED
    await bench.delete("endpoint", first)
    await bench.run()
    assert ((await bench.row(stage_id)).status, await bench.status(second)) == (S.ACTIVE, E.ACTIVE)


async def test_a_gateway_that_takes_no_more(bench: EndpointBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """EP-17: beyond the quota the endpoint cannot be created, and says so."""

    async def refuse(service: GatewayService) -> dict[str, Deployed]:
        raise Conflict("The gateway has 10 services, which is its quota.", hint="Raise gateway_service_quota.")

    monkeypatch.setattr(bench.gateway, "put_service", refuse)
    endpoint_id, stage_id = await bench.endpoint(await bench.model())
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (S.CREATE_FAILED, Reason.QUOTA_EXCEEDED)
    assert (await bench.status(endpoint_id), await bench.nodes(stage_id)) == (E.CREATE_FAILED, [])


async def test_a_deployment_that_fails_is_told_again(bench: EndpointBench) -> None:
    """GW-17: the stage is not ACTIVE before the gateway has it in force; it becomes so without another request."""
    bench.gateway.fail = "no space"
    _, stage_id = await bench.endpoint(await bench.model())
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.message) == (
        S.DEPLOY_IN_PROGRESS, "The API gateway has it as STAGE DEPLOY FAIL. no space",
    )  # fmt: skip
    bench.gateway.fail = None
    await bench.later(6)
    assert (await bench.row(stage_id)).status is S.ACTIVE


async def test_deployed_by_hand(bench: EndpointBench) -> None:
    """GW-04: what is recovered at the gateway is seen by the next look."""
    bench.gateway.fail = "no space"
    _, stage_id = await bench.endpoint(await bench.model())
    await bench.run()
    await bench.gateway.deploy_stage(stage_id)
    await bench.run()
    assert (await bench.row(stage_id)).status is S.ACTIVE


async def test_a_gateway_stage_that_was_removed_outside(bench: EndpointBench) -> None:
    """GW-15: it cannot be brought back, so the deployment has failed."""
    bench.gateway.fail = "no space"
    _, stage_id = await bench.endpoint(await bench.model())
    await bench.run()
    bench.gateway.deployed[stage_id] = Deployed(GatewayStatus.NOT_FOUND_STAGE)
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.message) == (S.DEPLOY_FAILED, "The API gateway has it as NOT FOUND: STAGE.")


async def test_an_engine_that_is_away_delays(bench: EndpointBench) -> None:
    """Unknown is no failure: the reason is shown, and it goes on when the engine answers."""
    _, stage_id = await bench.endpoint(await bench.model())
    bench.driver.fail_observe = TransientError("The engine is silent.")
    with pytest.raises(TransientError):
        await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (S.DEPLOY_IN_PROGRESS, Reason.WAITING_FOR_ENGINE)
    bench.driver.fail_observe = None
    await bench.run()
    row = await bench.row(stage_id)
    assert (row.status, row.cause) == (S.ACTIVE, None)


# -- what fails, while the rest serves


async def test_an_artifact_that_vanished(bench: EndpointBench) -> None:
    """SR-19, SR-22, ST-21: CREATE FAILED with words, and the other model of the stage serves."""
    good, bad = await bench.model("good"), await bench.model("bad")
    shutil.rmtree(bench.bench.stored("models/bad"))
    endpoint_id, stage_id = await bench.endpoint(good, bad)
    await bench.run()
    first, second = await bench.resources(stage_id)
    assert (first.status, second.status) == (R.ACTIVE, R.CREATE_FAILED)
    assert second.cause is not None
    assert second.cause.reason is Reason.INPUT_MISSING
    assert "models/bad" in second.cause.message
    row = await bench.row(stage_id)
    said = Cause(second.cause.reason, f"Model 'bad': {second.cause.message}")
    assert (row.status, row.cause, await bench.status(endpoint_id)) == (S.DEPLOY_FAILED, said, E.CREATE_FAILED)
    assert len(bench.backends(stage_id, good)) == 1
    assert bench.backends(stage_id, bad) == set()
    assert {pod.resource_id for pod in await bench.pods(stage_id)} == {first.id}
    assert set(bench.routed(endpoint_id, stage_id)) == {"good", "bad"}  # asked for "bad" the answer is 503, not 404 (OI-20)


async def test_a_model_that_crashes_at_its_start(bench: EndpointBench) -> None:
    """SR-22: three tries with pauses in between, then CREATE FAILED with its last words; nothing of it is left."""
    endpoint_id, stage_id = await bench.endpoint(await bench.model())
    bench.silent["iris"] = Answer.NOT_READY
    await bench.run()
    for attempt in range(1, 4):
        [pod] = await bench.pods(stage_id)
        assert (pod.state, pod.attempt) == (P.STARTING, attempt)
        workload = bench.driver.workloads[pod.workload]
        workload.log_path.parent.mkdir(parents=True, exist_ok=True)
        with workload.log_path.open("a") as written:
            written.write(f"Listening on http://127.0.0.1:8080\ntry {attempt}\nValueError: no weights\n")
        bench.driver.end(pod.workload, 1)
        await bench.run()
        await bench.later(60)
    [resource] = await bench.resources(stage_id)
    assert resource.cause is not None
    assert (resource.status, resource.cause.reason) == (R.CREATE_FAILED, Reason.EXIT_CODE)
    assert "exit code 1 before it was ready" in resource.cause.message
    assert resource.cause.message.endswith("The last that it wrote: try 3 | ValueError: no weights")
    row, endpoint = await bench.row(stage_id), await bench.endpoint_row(endpoint_id)
    assert (row.status, endpoint.status) == (S.DEPLOY_FAILED, E.CREATE_FAILED)
    assert [cause and cause.message for cause in (row.cause, endpoint.cause)] == [f"Model 'iris': {resource.cause.message}"] * 2
    assert (bench.driver.workloads, bench.driver.networks, await bench.pods(stage_id)) == ({}, {}, [])
    assert await bench.nodes(stage_id) == []  # nothing of it runs
    notes = [note for note in await bench.notes("stageresource", resource.id) if "Next start" in note]
    assert [note.rpartition("Next start in ")[2] for note in notes] == ["1 s.", "2 s.", "4 s."]


async def test_too_little_memory_is_told_as_such(bench: EndpointBench) -> None:
    """RI-05, RI-L02."""
    _, stage_id = await bench.endpoint(await bench.model())
    bench.silent["iris"] = Answer.NOT_READY
    await bench.run()
    for _ in range(3):
        [pod] = await bench.pods(stage_id)
        bench.driver.end(pod.workload, 137, signal=9, out_of_memory=True)
        await bench.run()
        await bench.later(60)
    [resource] = await bench.resources(stage_id)
    assert resource.cause is not None
    assert (resource.status, resource.cause.reason) == (R.CREATE_FAILED, Reason.OUT_OF_MEMORY)
    assert "the pod has 512 MiB. Allocated less than needed" in resource.cause.message


async def test_requirements_that_cannot_be_installed_fail_at_once(bench: EndpointBench) -> None:
    """FS-09: pip's own words, without more tries."""
    _, stage_id = await bench.endpoint(await bench.model())
    bench.silent["iris"] = Answer.NOT_READY
    await bench.run()
    [pod] = await bench.pods(stage_id)
    control = work_folder(bench.context.settings, stage_id) / pod.id / "control"
    (control / "failure.json").write_text('{"reason": "REQUIREMENTS", "message": "No matching distribution"}')
    bench.driver.end(pod.workload, 125)
    await bench.run()
    [resource] = await bench.resources(stage_id)
    assert resource.cause is not None
    assert (resource.status, resource.cause.reason) == (R.CREATE_FAILED, Reason.REQUIREMENTS_FAILED)
    assert resource.cause.message.startswith("No matching distribution")


async def test_a_creation_that_takes_too_long(bench: EndpointBench) -> None:
    """SR-22: the time limit is a setting."""
    _, stage_id = await bench.endpoint(await bench.model())
    bench.silent["iris"] = Answer.NOT_READY
    await bench.run()
    await bench.later(bench.context.settings.serving_start_seconds - 1)
    assert [r.status for r in await bench.resources(stage_id)] == [R.CREATE_IN_PROGRESS]
    await bench.later(1)
    [resource] = await bench.resources(stage_id)
    assert resource.cause is not None
    assert (resource.status, resource.cause.reason) == (R.CREATE_FAILED, Reason.TIME_LIMIT)


async def test_a_pod_larger_than_a_node(bench: EndpointBench) -> None:
    """SR-11, RI-04: it never has a place."""
    _, stage_id = await bench.endpoint(await bench.model(), demand=Amount(400, 1793))
    await bench.run()
    [resource] = await bench.resources(stage_id)
    assert resource.cause is not None
    assert (resource.status, resource.cause.reason) == (R.CREATE_FAILED, Reason.NEVER_FITS)
    assert (
        "needs 0.4 vCPU and 1.75 GiB; the node with most room, node-0, has 0.9 vCPU and 1.75 GiB free" in resource.cause.message
    )


async def test_a_pod_that_waits_for_room_of_others_for_too_long(bench: EndpointBench) -> None:
    """SR-21, SR-22: CREATE REQUESTED with the reason, then CREATE FAILED; the other resource serves all the while."""
    first, second = await bench.model("first"), await bench.model("second")
    _, stage_id = await bench.endpoint(first, resource={"podCount": 2})
    await bench.run()
    await bench.resource(stage_id, second)
    await bench.run()
    resource = (await bench.resources(stage_id))[1]
    assert resource.cause is not None
    assert (resource.status, resource.cause.reason) == (R.CREATE_REQUESTED, Reason.WAITING_FOR_RESOURCES)
    assert (await bench.row(stage_id)).status is S.DEPLOY_IN_PROGRESS
    await bench.later(bench.context.settings.serving_start_seconds)
    resource = (await bench.resources(stage_id))[1]
    assert resource.cause is not None
    assert (resource.status, resource.cause.reason) == (R.CREATE_FAILED, Reason.NEVER_FITS)
    assert ((await bench.row(stage_id)).status, len(bench.backends(stage_id, first))) == (S.DEPLOY_FAILED, 2)


async def test_a_start_that_the_driver_refuses(bench: EndpointBench) -> None:
    """SR-22: the driver's words."""
    bench.driver.fail_start = PermanentError("no such image")
    _, stage_id = await bench.endpoint(await bench.model())
    for _ in range(4):
        await bench.run()
        await bench.later(10)
    [resource] = await bench.resources(stage_id)
    assert resource.cause is not None
    assert (resource.status, resource.cause.reason) == (R.CREATE_FAILED, Reason.START_FAILED)
    assert resource.cause.message.startswith("no such image")


# -- pods that serve


async def test_a_crash_of_a_serving_pod(bench: EndpointBench) -> None:
    """SR-L03: out of balancing, started again after a pause for ever; the status stays, and the reason goes after a while."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model, resource={"podCount": 2})
    await bench.run()
    one, two = await bench.pods(stage_id)
    bench.driver.end(one.workload, 1)
    await bench.run()
    assert bench.backends(stage_id, model) == {two.workload}
    [resource] = await bench.resources(stage_id)
    assert resource.cause is not None
    assert (resource.status, resource.cause.message.split(". ")[0]) == (R.ACTIVE, "1 of 2 pods answer")
    assert (await bench.row(stage_id)).status is S.ACTIVE
    await bench.later(1)
    again = (await bench.pods(stage_id))[0]
    assert (again.state, again.attempt, again.restarts) == (P.READY, 2, 1)
    assert one.workload not in bench.driver.workloads
    assert bench.backends(stage_id, model) == {again.workload, two.workload}
    await bench.later(60)
    assert ((await bench.pods(stage_id))[0].failures, (await bench.resources(stage_id))[0].cause) == (0, None)


async def test_what_starts_after_an_upgrade_runs_on_the_new_images(bench: EndpointBench) -> None:
    """UP-09, UP-10: each pod knows on what it was started; one that starts anew leaves the old version."""
    _, stage_id = await bench.endpoint(await bench.model(), resource={"podCount": 2})
    old = bench.context.catalogue.runtime_version
    await bench.run()
    one, two = await bench.pods(stage_id)
    assert {one.runs_version, two.runs_version} == {old}
    bench.context.catalogue.__dict__["runtime_version"] = "newer"
    bench.driver.end(one.workload, 1)
    await bench.run()
    assert [pod.runs_version for pod in await bench.pods(stage_id)] == [None, old]
    await bench.later(1)
    assert [pod.runs_version for pod in await bench.pods(stage_id)] == ["newer", old]


async def test_pauses_grow_while_it_crashes_again_and_again(bench: EndpointBench) -> None:
    """SR-L03: 1, 2, 4, … 60 s; it is never given up."""
    _, stage_id = await bench.endpoint(await bench.model())
    await bench.run()
    pauses = []
    for _ in range(9):
        [pod] = await bench.pods(stage_id)
        bench.driver.end(pod.workload, 1)
        await bench.run()
        [pod] = await bench.pods(stage_id)
        pauses.append(pod.not_before - bench.context.clock.now())
        await bench.later(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert [r.status for r in await bench.resources(stage_id)] == [R.ACTIVE]


async def test_a_pod_that_stops_answering(bench: EndpointBench) -> None:
    """SR-L03: one slow answer changes nothing, more take it out of balancing; when it answers again it is back."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model)
    await bench.run()
    bench.silent["iris"] = Answer.SILENT
    await bench.later(5)
    assert await states(bench, stage_id) == [P.READY]
    await bench.later(1)
    assert (await states(bench, stage_id), bench.backends(stage_id, model)) == ([P.UNREADY], set())
    assert [r.status for r in await bench.resources(stage_id)] == [R.ACTIVE]
    bench.silent.clear()
    await bench.later(1)
    assert (await states(bench, stage_id), len(bench.backends(stage_id, model))) == ([P.READY], 1)


async def test_a_pod_that_never_answers_again_is_started_again(bench: EndpointBench) -> None:
    """SR-L03: stopped first, since it still runs."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model)
    await bench.run()
    [before] = await bench.pods(stage_id)
    bench.silent["iris"] = Answer.REFUSED
    await bench.later(5)
    assert await states(bench, stage_id) == [P.UNREADY]
    for _ in range(8):
        await bench.later(1)
    [pod] = await bench.pods(stage_id)
    assert (pod.state, pod.attempt) == (P.STARTING, 2)
    assert before.workload in bench.driver.stops
    bench.silent.clear()
    await bench.run()
    assert await states(bench, stage_id) == [P.READY]


async def test_nobody_waits_for_a_model_that_hangs(bench: EndpointBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """SR-L03: its stage's pass ends while it is asked, and counts its silence when that is known."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model)
    await bench.run()
    [pod] = await bench.pods(stage_id)
    silence = asyncio.Event()

    async def hang(host: str, port: int, name: str, seconds: float) -> Answer:
        await silence.wait()
        return Answer.SILENT

    monkeypatch.setattr(bench.stages.pods, "ask", hang)
    bench.bench.clock.advance(6)
    pause = await asyncio.wait_for(bench.stages.reconcile(stage_id), 5)
    assert pause is not None
    assert (await states(bench, stage_id), (await bench.row(stage_id)).status) == ([P.READY], S.ACTIVE)
    silence.set()
    for _ in range(2):
        await bench.later(6)
    assert await states(bench, stage_id) == [P.UNREADY]
    assert pod.workload in bench.driver.workloads


async def test_a_workload_that_vanished(bench: EndpointBench) -> None:
    """How it ended is not known, and it is started again."""
    _, stage_id = await bench.endpoint(await bench.model())
    await bench.run()
    [pod] = await bench.pods(stage_id)
    bench.driver.vanish(pod.workload)
    await bench.run()
    [pod] = await bench.pods(stage_id)
    assert (pod.state, pod.reason) == (P.WAITING, Reason.WORKLOAD_LOST)
    await bench.later(1)
    assert await states(bench, stage_id) == [P.READY]


async def test_what_a_start_took_is_kept(bench: EndpointBench) -> None:
    """EP-L02: load time and memory, for the preview of a change."""
    model = await bench.model()
    bench.silent["iris"] = Answer.NOT_READY
    _, stage_id = await bench.endpoint(model)
    await bench.run()
    [pod] = await bench.pods(stage_id)
    bench.driver.used[pod.workload] = Usage(1.0, 123 << 20)
    bench.silent.clear()
    await bench.later(7)
    load = await bench.context.store.read(lambda db: model_loads.get(db, model.id))
    assert load is not None
    assert (load.seconds, load.memory_bytes) == (7, 123 << 20)
    bench.driver.end(pod.workload, 1, peak_memory_bytes=200 << 20)
    await bench.run()
    load = await bench.context.store.read(lambda db: model_loads.get(db, model.id))
    assert load is not None
    assert load.memory_bytes == 200 << 20


async def test_one_model_on_two_resources_shares_its_requests(bench: EndpointBench) -> None:
    """EP-13, SR-L01."""
    model = await bench.model()
    endpoint_id, stage_id = await bench.endpoint(model, model)
    await bench.run()
    assert bench.backends(stage_id, model) == {pod.workload for pod in await bench.pods(stage_id)}
    assert len(bench.backends(stage_id, model)) == 2
    assert len(bench.gateway.services[endpoint_id].stages[0].models) == 1


# -- stage resources


async def test_adding_and_deleting_a_resource(bench: EndpointBench) -> None:
    """SR-17, SR-23, SR-25: the stage is in DEPLOY IN PROGRESS meanwhile, and the other resource serves all the time."""
    first, second = await bench.model("first"), await bench.model("second")
    endpoint_id, stage_id = await bench.endpoint(first)
    await bench.run()
    serving = bench.backends(stage_id, first)
    bench.silent["second"] = Answer.NOT_READY
    resource_id = await bench.resource(stage_id, second)
    await bench.run()
    assert ((await bench.row(stage_id)).status, await bench.status(endpoint_id)) == (S.DEPLOY_IN_PROGRESS, E.UPDATE_IN_PROGRESS)
    assert bench.backends(stage_id, first) == serving
    bench.silent.clear()
    await bench.run()
    assert ((await bench.row(stage_id)).status, await bench.status(endpoint_id)) == (S.ACTIVE, E.ACTIVE)
    bench.driver.stubborn = True
    await bench.delete("stageresource", resource_id)
    await bench.run()
    assert ((await bench.row(stage_id)).status, await bench.status(endpoint_id)) == (S.DEPLOY_IN_PROGRESS, E.UPDATE_IN_PROGRESS)
    assert (await bench.resources(stage_id))[1].status is R.DELETE_IN_PROGRESS
    assert set(bench.routed(endpoint_id, stage_id)) == {"first"}
    assert bench.backends(stage_id, first) == serving
    [pod] = [pod for pod in await bench.pods(stage_id) if pod.resource_id == resource_id]
    bench.driver.end(pod.workload, 0)
    await bench.run()
    assert ((await bench.row(stage_id)).status, await bench.status(endpoint_id)) == (S.ACTIVE, E.ACTIVE)
    assert [resource.model_id for resource in await bench.resources(stage_id)] == [first.id]
    assert await bench.history("stageresource", resource_id) == []
    assert bench.backends(stage_id, first) == serving


async def test_a_failed_resource_can_be_deleted(bench: EndpointBench) -> None:
    """SR-23 from CREATE FAILED; the stage stays DEPLOY FAILED, as its diagram has it (ST-22)."""
    good, bad = await bench.model("good"), await bench.model("bad")
    shutil.rmtree(bench.bench.stored("models/bad"))
    _, stage_id = await bench.endpoint(good, bad)
    await bench.run()
    await bench.delete("stageresource", (await bench.resources(stage_id))[1].id)
    await bench.run()
    assert [resource.model_id for resource in await bench.resources(stage_id)] == [good.id]
    assert ((await bench.row(stage_id)).status, len(bench.backends(stage_id, good))) == (S.DEPLOY_FAILED, 1)


# -- scaling


async def test_more_and_fewer_pods(bench: EndpointBench) -> None:
    """AS-12: pods follow what is wanted; one that leaves takes no new requests and ends by itself."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model)
    await bench.run()
    [resource] = await bench.resources(stage_id)
    await bench.want_pods(resource.id, 2)
    await bench.run()
    assert len(bench.backends(stage_id, model)) == 2
    bench.driver.stubborn = True
    await bench.want_pods(resource.id, 1)
    await bench.run()
    one, two = await bench.pods(stage_id)
    assert (one.state, two.state, bench.backends(stage_id, model)) == (P.READY, P.LEAVING, {one.workload})
    assert bench.driver.stops == [two.workload] * len(bench.driver.stops) != []
    bench.driver.end(two.workload, 0)
    await bench.run()
    assert [pod.id for pod in await bench.pods(stage_id)] == [one.id]
    assert not (work_folder(bench.context.settings, stage_id) / two.id).exists()
    assert (await bench.row(stage_id)).status is S.ACTIVE


async def test_an_unplaceable_pod_is_told_beside_active(bench: EndpointBench) -> None:
    """AS-10: what the node autoscaler acts on."""
    _, stage_id = await bench.endpoint(await bench.model(), resource={"podCount": 2})
    await bench.run()
    [resource] = await bench.resources(stage_id)
    await bench.want_pods(resource.id, 3)
    await bench.run()
    [resource] = await bench.resources(stage_id)
    assert resource.cause is not None
    assert (resource.status, resource.cause.reason) == (R.ACTIVE, Reason.WAITING_FOR_RESOURCES)
    assert [pod.node for pod in await bench.pods(stage_id)] == ["node-0", "node-0", None]
    await bench.want_nodes(stage_id, 2)
    await bench.run()
    assert [pod.node for pod in await bench.pods(stage_id)] == ["node-0", "node-0", "node-1"]
    assert (await bench.resources(stage_id))[0].cause is None


async def test_a_full_machine_blocks_scale_out_and_nothing_else(bench: EndpointBench) -> None:
    """AS-L01."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model)
    _, other_stage = await bench.endpoint(model, name="other", flavor_id="m2.c2m4")
    await bench.run()
    await bench.want_nodes(stage_id, 3)
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert row.cause.message.startswith("Scale-out blocked: machine full. Waits for 2 vCPU and 4 GiB")
    assert (row.status, len(bench.backends(stage_id, model)), await bench.nodes(stage_id)) == (S.ACTIVE, 1, ["node-0"])
    await bench.want_nodes(stage_id, 2)
    await bench.run()
    assert (await bench.nodes(stage_id), (await bench.row(stage_id)).cause) == (["node-0", "node-1"], None)
    await bench.want_nodes(stage_id, 3)
    await bench.run()
    await bench.want_nodes(stage_id, 2)
    await bench.run()
    assert await bench.context.store.read(ledger.queue) == []
    assert await bench.nodes(other_stage) == ["node-0"]


async def test_scale_in_moves_pods_first(bench: EndpointBench) -> None:
    """AS-11: the replacement answers before the pod on the node leaves, then the node is given back."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model, nodes=2, resource={"podCount": 2}, demand=Amount(800, 800))
    await bench.run()
    assert sorted(str(pod.node) for pod in await bench.pods(stage_id)) == ["node-0", "node-1"]
    [resource] = await bench.resources(stage_id)
    await bench.want_nodes(stage_id, 1)
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.cause.message, len(await bench.nodes(stage_id))) == (
        "No node can be given back: its pods would have no room on the others.", 2,
    )  # fmt: skip
    await bench.want_pods(resource.id, 1)
    await bench.run()
    assert ([pod.node for pod in await bench.pods(stage_id)], await bench.nodes(stage_id)) == (["node-0"], ["node-0"])


async def test_a_move_waits_for_the_replacement(bench: EndpointBench) -> None:
    """AS-11: as long as the new pod does not answer, the old one does."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model, nodes=2, resource={"podCount": 3})
    await bench.run()
    [resource] = await bench.resources(stage_id)
    before = {pod.node: pod for pod in await bench.pods(stage_id)}
    assert set(before) == {"node-0", "node-1"}
    [first, *_] = [pod for pod in await bench.pods(stage_id) if pod.node == "node-0"]
    await bench.want_pods(resource.id, 2)
    await bench.run()
    # Now both are on the first node; one of them goes to the second, which then is the one that stays behind.
    await bench.context.store.write(lambda db: stages.set_pod(db, first.id, node="node-1"))
    for pod in await bench.pods(stage_id):
        bench.silent[pod.id] = Answer.READY
    bench.silent["iris"] = Answer.NOT_READY
    answering = bench.backends(stage_id, model)
    await bench.want_nodes(stage_id, 1)
    await bench.run()
    assert bench.backends(stage_id, model) == answering
    assert sorted(await states(bench, stage_id)) == [P.READY, P.READY, P.STARTING]
    assert len(await bench.nodes(stage_id)) == 2
    del bench.silent["iris"]
    await bench.run()
    assert (await states(bench, stage_id), await bench.nodes(stage_id)) == ([P.READY, P.READY], ["node-0"])
    assert any("node-1 is given back" in note for note in await bench.notes("stage", stage_id))


async def test_nobody_leaves_while_the_gateway_is_away(bench: EndpointBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """ST-L02: a pod that may still be asked is not stopped; one that crashed is started again all the same."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model, resource={"podCount": 2})
    await bench.run()
    one, two = await bench.pods(stage_id)
    [resource] = await bench.resources(stage_id)
    await bench.want_pods(resource.id, 1)
    told = bench.gateway.set_backends

    async def away(stage_id: str, model_id: str, backends: object) -> None:
        raise TransientError("The gateway does not answer.")

    monkeypatch.setattr(bench.gateway, "set_backends", away)
    bench.driver.end(one.workload, 1)
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (S.ACTIVE, Reason.GATEWAY_FAILED)
    await bench.later(1)
    first, second = await bench.pods(stage_id)
    assert (first.state, first.attempt, second.state, bench.driver.stops) == (P.READY, 2, P.LEAVING, [])
    monkeypatch.setattr(bench.gateway, "set_backends", told)
    await bench.run()
    assert (bench.backends(stage_id, model), (await bench.row(stage_id)).cause) == ({first.workload}, None)
    assert two.workload not in bench.driver.workloads


async def test_nobody_leaves_while_a_deployment_fails(bench: EndpointBench) -> None:
    """GW-17, ST-L02: what is to sleep is not held yet, so its pod stays and answers, until the gateway takes the change."""
    model = await bench.model()
    endpoint_id, stage_id = await bench.endpoint(model, resource=SLEEPY)
    await bench.run()
    [pod] = await bench.pods(stage_id)
    bench.gateway.fail = "a resource cannot be read"
    await bench.want_pods((await bench.resources(stage_id))[0].id, 0)
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (S.ACTIVE, Reason.GATEWAY_FAILED)
    assert "STAGE DEPLOY FAIL. a resource cannot be read" in row.cause.message
    assert (bench.backends(stage_id, model), bench.driver.stops) == ({pod.workload}, [])
    bench.gateway.fail = None
    await bench.later(6)
    assert (bench.routed(endpoint_id, stage_id)["iris"].held, bench.backends(stage_id, model)) == (True, set())
    assert pod.workload not in bench.driver.workloads
    assert (await bench.row(stage_id)).cause is None


# -- scale to zero

SLEEPY = {"scaleToZeroIdleMinutes": 5}


async def test_sleep_and_wake(bench: EndpointBench) -> None:
    """Scale to zero: requests are held before the pod goes, the node is given back, and a request brings all of it back."""
    model = await bench.model()
    endpoint_id, stage_id = await bench.endpoint(model, resource=SLEEPY)
    await bench.run()
    [resource] = await bench.resources(stage_id)
    bench.driver.stubborn = True
    await bench.want_pods(resource.id, 0)
    await bench.run()
    assert (bench.routed(endpoint_id, stage_id)["iris"].held, bench.backends(stage_id, model)) == (True, set())
    [pod] = await bench.pods(stage_id)
    assert (pod.state, await bench.nodes(stage_id)) == (P.LEAVING, ["node-0"])
    bench.driver.end(pod.workload, 0)
    await bench.run()
    assert (await bench.pods(stage_id), await bench.nodes(stage_id)) == ([], [])
    row = await bench.row(stage_id)
    assert (row.status, row.wanted_nodes) == (S.ACTIVE, 1)
    bench.silent["iris"] = Answer.NOT_READY
    for _ in range(3):
        bench.gateway.held[0](stage_id, model.id)
    await bench.stages.waking.settled()
    await bench.run()
    assert bench.routed(endpoint_id, stage_id)["iris"].held  # it wakes, and requests go on waiting
    bench.silent.clear()
    await bench.run()
    assert (bench.routed(endpoint_id, stage_id)["iris"].held, len(bench.backends(stage_id, model))) == (False, 1)
    notes = await bench.notes("stageresource", resource.id)
    assert notes.count("A request waits: pods 0 → 1.") == 1


@pytest.mark.parametrize("is_new_daemon", [False, True])
async def test_a_model_that_wakes_is_held_until_its_pod_is_told(bench: EndpointBench, is_new_daemon: bool) -> None:
    """EP-L01: its pod is ready by its row and not told yet; a pass of another stage of the endpoint does not let go."""
    model = await bench.model()
    endpoint_id, stage_id = await bench.endpoint(model, resource=SLEEPY)
    other = await bench.stage(endpoint_id, model)
    await bench.run()
    [resource] = await bench.resources(stage_id)
    await bench.want_pods(resource.id, 0)
    await bench.run()
    await bench.want_pods(resource.id, 1)
    bench.silent["iris"] = Answer.NOT_READY
    await bench.run()
    await bench.context.store.write(lambda db: db.execute("UPDATE pods SET state = 'READY', ready_at = 1"))
    routes = EndpointRoutes(bench.context, bench.gateway) if is_new_daemon else bench.routes
    await routes.remove_stage(endpoint_id, other)
    await routes.put(endpoint_id)
    assert bench.backends(stage_id, model) == set()
    assert bench.routed(endpoint_id, stage_id)["iris"].held, "requests would come to no pod"
    bench.silent.clear()
    await bench.run()
    assert (bench.routed(endpoint_id, stage_id)["iris"].held, len(bench.backends(stage_id, model))) == (False, 1)


async def test_a_stage_that_sleeps_is_left_in_peace(bench: EndpointBench) -> None:
    """An idle appliance does next to nothing: the next pass comes by a hint."""
    _, stage_id = await bench.endpoint(await bench.model(), resource=SLEEPY)
    await bench.run()
    assert await bench.stages.reconcile(stage_id) is not None
    await bench.want_pods((await bench.resources(stage_id))[0].id, 0)
    await bench.run()
    assert await bench.stages.reconcile(stage_id) is None


async def test_waking_while_the_database_is_away(bench: EndpointBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway tells of each request once: what cannot be written then is written later."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model, resource=SLEEPY)
    await bench.run()
    [resource] = await bench.resources(stage_id)
    await bench.want_pods(resource.id, 0)
    await bench.run()
    monkeypatch.setattr(waking, "RETRY_SECONDS", 0)
    write, fails = bench.context.store.write, iter(range(3))

    async def away(act: Callable[[sqlite3.Connection], object]) -> object:
        if next(fails, None) is not None:
            raise DatabaseUnavailable("The disk is full.")
        return await write(act)

    monkeypatch.setattr(bench.context.store, "write", away)
    bench.gateway.held[0](stage_id, model.id)
    await bench.stages.waking.settled()
    assert (await bench.resources(stage_id))[0].wanted_pods == 1


async def test_waking_waits_for_room_in_the_queue(bench: EndpointBench) -> None:
    """What slept has no older rights: its GPU or memory may be somebody else's by now, and the reason says whose."""
    model = await bench.model()
    endpoint_id, stage_id = await bench.endpoint(model, flavor_id="m2.c2m4", resource=SLEEPY)
    await bench.run()
    [resource] = await bench.resources(stage_id)
    await bench.want_pods(resource.id, 0)
    await bench.run()
    other, other_stage = await bench.endpoint(model, name="other", flavor_id="m2.c4m8")
    await bench.run()
    assert await bench.nodes(other_stage) == ["node-0"]
    bench.gateway.held[0](stage_id, model.id)
    await bench.stages.waking.settled()
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (S.ACTIVE, Reason.WAITING_FOR_RESOURCES)
    assert f"held by stage {other_stage}" in row.cause.message
    assert bench.routed(endpoint_id, stage_id)["iris"].held
    await bench.delete("endpoint", other)
    await bench.run()
    assert (bench.routed(endpoint_id, stage_id)["iris"].held, len(bench.backends(stage_id, model))) == (False, 1)


async def test_one_of_two_models_sleeps(bench: EndpointBench) -> None:
    """The node stays as long as something runs on it."""
    one, two = await bench.model("one"), await bench.model("two")
    endpoint_id, stage_id = await bench.endpoint(one, two, resource=SLEEPY)
    await bench.run()
    await bench.want_pods((await bench.resources(stage_id))[0].id, 0)
    await bench.run()
    assert await bench.nodes(stage_id) == ["node-0"]
    assert {name: model.held for name, model in bench.routed(endpoint_id, stage_id).items()} == {"one": True, "two": False}


async def test_what_cannot_wake_lets_its_requests_go(bench: EndpointBench) -> None:
    """After some failed starts requests get 503 instead of waiting for nothing."""
    model = await bench.model()
    endpoint_id, stage_id = await bench.endpoint(model, resource=SLEEPY)
    await bench.run()
    await bench.want_pods((await bench.resources(stage_id))[0].id, 0)
    await bench.run()
    bench.silent["iris"] = Answer.NOT_READY
    bench.gateway.held[0](stage_id, model.id)
    await bench.stages.waking.settled()
    await bench.run()
    for failures in range(1, 4):
        assert bench.routed(endpoint_id, stage_id)["iris"].held, failures
        [pod] = await bench.pods(stage_id)
        bench.driver.end(pod.workload, 1)
        await bench.run()
        await bench.later(8)
    assert not bench.routed(endpoint_id, stage_id)["iris"].held


# -- GPUs


async def test_pods_have_whole_devices_of_their_node(bench: EndpointBench) -> None:
    """SR-L02: each device belongs to one pod, by the ledger's booking."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model, resource={"podCount": 2}, demand=Amount(400, 512, 1))
    await bench.round()
    bench_devices = '["GPU-a", "GPU-b"]'
    await bench.context.store.write(lambda db: db.execute("UPDATE bookings SET devices = ?", (bench_devices,)))
    await bench.run()
    found = {pod.devices: bench.driver.workloads[pod.workload].resources.gpus for pod in await bench.pods(stage_id)}
    assert found == {("GPU-a",): ("GPU-a",), ("GPU-b",): ("GPU-b",)}


# -- deletion


@pytest.mark.parametrize("rounds", range(8))
async def test_deletion_at_any_moment(bench: EndpointBench, rounds: int) -> None:
    """ST-22, ST-L02, EP-36: whatever was under way, only the diagram's transitions occur, and nothing is left."""
    model = await bench.model()
    endpoint_id, _ = await bench.endpoint(model)
    await bench.run()
    stage_id = await bench.stage(endpoint_id, model)
    seen = [(await bench.row(stage_id)).status]
    for _ in range(rounds):
        await bench.stages.reconcile(stage_id)
        await bench.queue.reconcile("all")
    await bench.delete("stage", stage_id)
    before = await bench.history("stage", stage_id)
    await bench.run()
    assert not await bench.exists("stage", stage_id)
    assert stage_id not in bench.gateway.deployed
    assert (await bench.nodes(stage_id), await bench.pods(stage_id)) == ([], [])
    assert not any(stage_id in name for name in (*bench.driver.workloads, *bench.driver.networks))
    assert not work_folder(bench.context.settings, stage_id).exists()
    assert not log_folder(bench.context.settings, stage_id).exists()
    assert await bench.status(endpoint_id) is E.ACTIVE
    steps = [S(status) for status in [*seen, *before[1:]]]
    assert all(after in STAGE_TRANSITIONS[now] for now, after in pairwise(steps))


async def test_routes_go_first_and_requests_under_way_end_by_themselves(bench: EndpointBench) -> None:
    """ST-L02: off the gateway, then SIGTERM with the drain time, and the booking only when all is over."""
    model = await bench.model()
    endpoint_id, _ = await bench.endpoint(model)
    await bench.run()
    stage_id = await bench.stage(endpoint_id, model)
    await bench.run()
    bench.driver.stubborn = True
    [pod] = await bench.pods(stage_id)
    await bench.delete("stage", stage_id)
    await bench.run()
    assert stage_id not in bench.gateway.deployed
    assert ((await bench.row(stage_id)).status, await bench.status(endpoint_id)) == (S.DELETE_IN_PROGRESS, E.UPDATE_IN_PROGRESS)
    assert ((await bench.pods(stage_id))[0].state, await bench.nodes(stage_id)) == (P.LEAVING, ["node-0"])
    assert pod.workload in bench.driver.stops
    bench.driver.end(pod.workload, 0)
    await bench.run()
    assert (await bench.exists("stage", stage_id), await bench.status(endpoint_id)) == (False, E.ACTIVE)


async def test_a_start_that_is_under_way_is_waited_for(bench: EndpointBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """ST-L02: a call of the engine that has begun ends later; what it makes is removed, and nothing appears afterwards."""
    model = await bench.model()
    endpoint_id, _ = await bench.endpoint(model)
    await bench.run()
    stage_id = await bench.stage(endpoint_id, model)
    start, begun, may_end = bench.driver.start, asyncio.Event(), asyncio.Event()

    async def slow(workload: Workload) -> None:
        begun.set()
        await asyncio.shield(asyncio.create_task(end(workload)))  # goes on when it is cancelled, as a thread does

    async def end(workload: Workload) -> None:
        await may_end.wait()
        await start(workload)

    monkeypatch.setattr(bench.driver, "start", slow)
    while not begun.is_set():
        await bench.stages.reconcile(stage_id)
        await bench.queue.reconcile("all")
        await asyncio.sleep(0)
    await bench.delete("stage", stage_id)
    for _ in range(10):
        await bench.stages.reconcile(stage_id)
    assert await states(bench, stage_id) == [P.LEAVING]
    may_end.set()
    await bench.run()
    assert not await bench.exists("stage", stage_id)
    assert not any(stage_id in name for name in (*bench.driver.workloads, *bench.driver.networks))


async def test_calls_of_a_stage_that_is_deleted_soon(bench: EndpointBench) -> None:
    """GW-L04: what was not collected before its row goes would be of no endpoint."""
    model = await bench.model()
    endpoint_id, _ = await bench.endpoint(model)
    stage_id = await bench.stage(endpoint_id, model)
    await bench.run()
    bench.gateway.counted = {ApiKey(stage_id, model.id, Api.PREDICT): ApiCount({"2xx": 3}, 30.0, {})}
    await bench.delete("stage", stage_id)
    await bench.run()
    assert not await bench.exists("stage", stage_id)
    found = await bench.context.statistics.read(lambda db: api_statistics.by_counter(db, Scope(EVER, 0.0, None, endpoint_id)))
    assert [(counter.stage_id, calls.classes) for counter, calls in found.items()] == [(stage_id, {"2xx": 3})]


async def test_the_first_stage_with_logs_is_told_of(bench: EndpointBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """LG-L04: what is asked of it is looked for at once, and not by the loop's next own look."""
    hints: list[tuple[str, str]] = []
    hinter = SimpleNamespace(hint=lambda kind, key: hints.append((kind, key)))
    monkeypatch.setattr(bench.stages, "_context", replace(bench.context, hinter=hinter))
    model = await bench.model()
    await bench.endpoint(model)
    await bench.run()
    assert (access_log.KIND, access_log.ALL) not in hints
    await bench.endpoint(model, name="logged", useLog=True)
    await bench.run()
    assert (access_log.KIND, access_log.ALL) in hints


async def test_a_deletion_that_fails_is_tried_again(bench: EndpointBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """EP-31: it stays in DELETE IN PROGRESS with the reason."""
    model = await bench.model()
    endpoint_id, _ = await bench.endpoint(model)
    await bench.run()
    stage_id = await bench.stage(endpoint_id, model)
    await bench.run()
    remove = bench.driver.remove

    async def refuse(name: str) -> None:
        raise PermanentError("The engine cannot remove it.")

    monkeypatch.setattr(bench.driver, "remove", refuse)
    await bench.delete("stage", stage_id)
    await bench.run()
    row = await bench.row(stage_id)
    assert row.cause is not None
    assert (row.status, row.cause.reason) == (S.DELETE_IN_PROGRESS, Reason.NOT_REMOVED)
    assert "The engine cannot remove it." in row.cause.message
    monkeypatch.setattr(bench.driver, "remove", remove)
    await bench.run()
    assert not await bench.exists("stage", stage_id)


async def test_a_broken_row_is_left_alone(bench: EndpointBench) -> None:
    """What cannot be read is neither served anew nor stopped, and the loop does not stumble over it."""
    _, stage_id = await bench.endpoint(await bench.model())
    await bench.run()
    workloads = dict(bench.driver.workloads)
    for table in ("pods", "stages"):
        column = "state" if table == "pods" else "status"
        await bench.context.store.write(lambda db: db.execute(f"UPDATE {table} SET {column} = 'nonsense'"))  # noqa: B023
        assert await bench.stages.reconcile(stage_id) is None
    assert bench.driver.workloads == workloads
    assert await bench.stages.reconcile("absent") is None


async def test_a_broken_row_of_a_resource_with_pods(bench: EndpointBench) -> None:
    """Quarantine: its pod runs on, on a node of its own; the other model goes on being looked after, up to the deletion."""
    good, bad = await bench.model("good"), await bench.model("bad")
    endpoint_id, _ = await bench.endpoint(good)
    stage_id = await bench.stage(endpoint_id, good, bad, nodes=2)
    await bench.run()
    first, second = await bench.resources(stage_id)
    await bench.context.store.write(
        lambda db: db.execute("UPDATE stage_resources SET demand = 'nonsense' WHERE id = ?", (second.id,))
    )
    before = {pod.resource_id: pod for pod in await bench.pods(stage_id)}
    await bench.want_pods(first.id, 2)
    await bench.run()
    pods = await bench.pods(stage_id)
    assert before[second.id] in pods
    assert before[second.id].workload in bench.driver.workloads
    alone = [pod.resource_id for pod in pods if pod.node == before[second.id].node and pod.id != before[first.id].id]
    assert alone == [second.id]
    assert before[first.id].workload in bench.backends(stage_id, good)
    await bench.delete("stage", stage_id)
    await bench.run()
    assert not await bench.exists("stage", stage_id)
    assert not any(stage_id in name for name in (*bench.driver.workloads, *bench.driver.networks))


async def test_what_a_crash_left_of_stages_and_pods_goes_away(bench: EndpointBench) -> None:
    """Architecture 7: workloads of gone pods and of earlier starts, folders of gone pods and stages; logs to ship stay."""
    _, stage_id = await bench.endpoint(await bench.model())
    await bench.run()
    [pod] = await bench.pods(stage_id)
    kept = bench.driver.workloads[pod.workload]
    for name in (f"stage-{stage_id}-0-{pod.id}", f"stage-{stage_id}-1-nobody", "stage-gone-1-nobody", "notebook-n1-1-main"):
        bench.driver.workloads[name] = kept
    settings = bench.context.settings
    for folder in (work_folder(settings, "gone"), work_folder(settings, stage_id) / "nobody", log_folder(settings, "gone"),
                   log_folder(settings, "shipping")):  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
    source = stage_source("local", "e", "shipping")
    await bench.context.store.write(lambda db: log_shipping.begin(db, "stage", "shipping", source))
    await sweep_files(bench.context)
    await sweep_workloads(bench.context)
    assert set(bench.driver.workloads) == {pod.workload, "notebook-n1-1-main"}
    assert [folder.name for folder in work_folder(settings, "").iterdir()] == [stage_id]
    assert [folder.name for folder in work_folder(settings, stage_id).iterdir()] == [pod.id]
    assert {folder.name for folder in log_folder(settings, "").iterdir()} == {stage_id, "shipping"}


async def test_logs_of_pods_that_are_gone_stay_for_a_while(bench: EndpointBench) -> None:
    """Scaling makes new pods for ever: the twenty newest logs of gone ones are kept."""
    _, stage_id = await bench.endpoint(await bench.model())
    await bench.run()
    [pod] = await bench.pods(stage_id)
    folder = log_folder(bench.context.settings, stage_id)
    for number in range(30):
        (folder / f"gone{number:02}.log").write_text("words")
        os.utime(folder / f"gone{number:02}.log", (number, number))
    [resource] = await bench.resources(stage_id)
    await bench.want_pods(resource.id, 2)
    await bench.run()
    await bench.want_pods(resource.id, 1)
    await bench.run()
    assert sorted(path.stem for path in folder.glob("gone*.log")) == [f"gone{number:02}" for number in range(10, 30)]
    assert [other.id for other in await bench.pods(stage_id)] == [pod.id]


async def test_a_restarted_daemon_goes_on_without_a_gap(bench: EndpointBench) -> None:
    """Architecture 7: a new daemon tells the gateway the same and touches no pod."""
    model = await bench.model()
    _, stage_id = await bench.endpoint(model, resource={"podCount": 2})
    await bench.run()
    before, workloads = await bench.pods(stage_id), dict(bench.driver.workloads)
    told = dict(bench.gateway.backends)
    again = rebuilt(bench.bench, bench.driver, bench.gateway)
    await again.run()
    assert (await again.pods(stage_id), again.driver.workloads, again.gateway.backends) == (before, workloads, told)
    assert (await again.row(stage_id)).status is S.ACTIVE
    assert replace(before[0], id="x").workload != before[0].workload
