"""The sampler on a fake driver: rates, peaks, what is left when a training goes; and what answers show of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from easymaker_local.api import create_app
from easymaker_local.controllers.sampler import Sampler
from easymaker_local.domain.endpoint import Pod, PodState
from easymaker_local.domain.gpu import Gpu, Inventory
from easymaker_local.domain.usage import Usage
from easymaker_local.errors import TransientError
from easymaker_local.kit.clock import to_iso
from easymaker_local.store import models, stages
from easymaker_local.testing.context import Bench, open_bench
from tests.controllers.stage_rows import insert_stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@pytest.fixture
def sampler(bench: Bench) -> Sampler:
    machine = Usage(cpu_seconds=5, memory_bytes=4 << 30)
    return Sampler(bench.context, machine=lambda: machine, ticks=bench.clock.now)


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    headers = {"X-EasyMaker-Token": "token"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers) as made:
        yield made


async def monitoring(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/v1.0/appkeys/a/{path}", params=query)).json()["monitoring"]
    return found


async def _look(bench: Bench, sampler: Sampler, name: str, *, cpu_seconds: float, memory: int) -> None:
    bench.driver.used[name] = Usage(cpu_seconds=cpu_seconds, memory_bytes=memory)
    await sampler.look()
    bench.clock.advance(10)


async def test_use_of_each_node_over_time(bench: Bench, sampler: Sampler, client: httpx.AsyncClient) -> None:
    """GN-19, GN-L09, TR-37: nodes with their samples, average cores from counted seconds, and peaks."""
    training = await bench.pass_(await bench.create(instanceCount=2))
    await _look(bench, sampler, training.workload(0), cpu_seconds=100, memory=300)
    await _look(bench, sampler, training.workload(0), cpu_seconds=115, memory=900)
    await _look(bench, sampler, training.workload(1), cpu_seconds=1, memory=100)
    found = await monitoring(client, f"trainings/{training.id}/monitoring")
    assert found["stepSeconds"] == 10
    assert [member["member"] for member in found["memberList"]] == ["node-0", "node-1"]
    first = found["memberList"][0]["sampleList"]
    assert [(s["cpu"], s["memoryBytes"]) for s in first] == [(None, 300), (1.5, 900), (0.0, 900)]
    assert found["peakList"] == [
        {"member": "node-0", "memoryBytes": 900, "cpu": 1.5}, {"member": "node-1", "memoryBytes": 100, "cpu": None},
    ]  # fmt: skip


async def test_a_new_sampler_goes_on_and_never_lowers_a_peak(bench: Bench, sampler: Sampler) -> None:
    training = await bench.pass_(await bench.create())
    await _look(bench, sampler, training.workload(0), cpu_seconds=1, memory=900)
    restarted = Sampler(bench.context, machine=lambda: Usage(0, 0), ticks=bench.clock.now)
    await _look(bench, restarted, training.workload(0), cpu_seconds=2, memory=100)
    (peak,) = await bench.services.monitoring.peaks(training.id)
    assert peak.memory_bytes == 900


async def test_the_drivers_own_peak_counts_for_jobs_shorter_than_a_look(bench: Bench) -> None:
    training = await bench.pass_(await bench.create())
    bench.driver.end(training.workload(0), 0, peak_memory_bytes=12345)
    await bench.pass_(training)
    (peak,) = await bench.services.monitoring.peaks(training.id)
    assert (peak.member, peak.memory_bytes, peak.cpu) == ("node-0", 12345, None)


async def test_a_deleted_training_leaves_no_samples(bench: Bench, sampler: Sampler, client: httpx.AsyncClient) -> None:
    training = await bench.pass_(await bench.create())
    await _look(bench, sampler, training.workload(0), cpu_seconds=1, memory=900)
    bench.driver.end(training.workload(0), 0)
    await bench.pass_(training)
    bench.driver.used.clear()
    await bench.services.trainings.delete(training.id)
    assert (await client.get(f"/v1.0/appkeys/a/trainings/{training.id}/monitoring")).status_code == 404
    assert await bench.services.monitoring.peaks(training.id) == []
    rows = await bench.context.metrics.read(lambda db: db.execute("SELECT kind FROM series").fetchall())
    assert [row["kind"] for row in rows] == ["machine"]


async def test_the_machine_and_what_runs_now(bench: Bench, sampler: Sampler, client: httpx.AsyncClient) -> None:
    training = await bench.pass_(await bench.create())
    await _look(bench, sampler, training.workload(0), cpu_seconds=1, memory=900)
    current = (await client.get("/v1.0/appkeys/a/monitoring/current")).json()["currentList"]
    assert {(entry["kind"], entry["resourceId"]) for entry in current} == {("machine", ""), ("training", training.id)}
    assert {entry["name"] for entry in current} == {None, training.name}, "no list has to be asked for names"
    machine = await monitoring(client, "monitoring")
    assert machine["memberList"][0]["sampleList"][0]["memoryBytes"] == 4 << 30
    bench.clock.advance(3600)
    assert (await client.get("/v1.0/appkeys/a/monitoring/current")).json()["currentList"] == []


async def _pods(bench: Bench, *pods: Pod) -> None:
    """Insert a stage with the models ``iris`` (r1) and ``rose`` (r2), and pods of it that were started."""

    def insert(db: sqlite3.Connection) -> None:
        insert_stage(db, [{}, {}])
        for pod in pods:
            stages.add_pod(db, pod)
            stages.set_pod(db, pod.id, attempt=1, state=PodState.READY, devices=pod.devices)

    await bench.context.store.write(insert)
    for model_id, name in (("m1", "iris"), ("m2", "rose")):
        made = replace(await bench.model(modelName=name), id=model_id)
        await bench.context.store.write(partial(models.add, model=made))


IRIS, SECOND, ROSE = (
    Pod("p1", "s1", "r1", 0, PodState.READY, 0.0), Pod("p2", "s1", "r1", 1, PodState.READY, 0.0),
    Pod("p3", "s1", "r2", 0, PodState.READY, 0.0),
)  # fmt: skip


async def test_use_of_a_stages_pods_over_time_now_and_at_most(
    bench: Bench, sampler: Sampler, client: httpx.AsyncClient
) -> None:
    """GN-19, ST-13: by pod and of the whole stage; a pod that takes the place of another one goes on with its course."""
    await _pods(bench, IRIS, SECOND, ROSE)
    bench.driver.used["stage-s1-1-p3"] = Usage(cpu_seconds=7, memory_bytes=50)
    await _look(bench, sampler, "stage-s1-1-p1", cpu_seconds=100, memory=300)
    await _look(bench, sampler, "stage-s1-1-p1", cpu_seconds=105, memory=900)
    del bench.driver.used["stage-s1-1-p1"]
    await bench.context.store.write(partial(stages.delete_pod, pod_id="p1"))
    await bench.context.store.write(partial(stages.add_pod, pod=replace(IRIS, id="p9")))
    await bench.context.store.write(partial(stages.set_pod, pod_id="p9", attempt=1))
    await _look(bench, sampler, "stage-s1-1-p9", cpu_seconds=1, memory=500)
    found = await monitoring(client, "endpoint-stages/s1/monitoring", **{"from": to_iso(bench.clock.now() - 60)})
    assert found["stepSeconds"] == 10
    iris, rose = found["podList"]
    assert [(pod["modelName"], pod["resourceId"], pod["number"]) for pod in (iris, rose)] == [
        ("iris", "r1", 0), ("rose", "r2", 0),
    ]  # fmt: skip
    assert [(s["cpu"], s["memoryBytes"]) for s in iris["sampleList"]] == [(None, 300), (0.5, 900), (0.0, 500)]
    assert (iris["peakCpu"], iris["peakMemoryBytes"], iris["current"]["memoryBytes"]) == (0.5, 900, 500)
    totals = [(total["podCount"], total["sample"]["cpu"], total["sample"]["memoryBytes"]) for total in found["totalList"]]
    assert totals == [(2, None, 350), (2, 0.5, 950), (2, 0.0, 550)]
    bench.clock.advance(3600)
    found = await monitoring(client, "endpoint-stages/s1/monitoring")
    assert [pod["current"] for pod in found["podList"]] == [None, None], "nothing runs"
    assert found["stepSeconds"] > 10, "all of its time"
    assert (await client.get("/v1.0/appkeys/a/endpoint-stages/none/monitoring")).status_code == 404


async def test_of_a_stage_resource_that_is_gone_samples_are_left(
    bench: Bench, sampler: Sampler, client: httpx.AsyncClient
) -> None:
    """ST-13: its course stays as long as there are samples, its highest use is of no interest any more."""
    await _pods(bench, IRIS, ROSE)
    await _look(bench, sampler, "stage-s1-1-p3", cpu_seconds=1, memory=300)
    await bench.context.store.write(partial(stages.delete_pod, pod_id="p3"))
    await bench.context.store.write(lambda db: db.execute("DELETE FROM stage_resources WHERE id = 'r2'"))
    bench.driver.used.clear()
    (rose,) = (await monitoring(client, "endpoint-stages/s1/monitoring", **{"from": to_iso(bench.clock.now() - 60)}))["podList"]
    assert (rose["modelName"], rose["resourceId"], rose["sampleList"][0]["memoryBytes"]) == (None, "r2", 300)
    bench.clock.advance(3600)
    found = await monitoring(client, "endpoint-stages/s1/monitoring", **{"from": to_iso(bench.clock.now() - 60)})
    assert found["podList"] == []


async def test_a_stage_without_pods_has_no_use(bench: Bench, client: httpx.AsyncClient) -> None:
    await _pods(bench)
    found = await monitoring(client, "endpoint-stages/s1/monitoring")
    assert (found["podList"], found["totalList"]) == ([], [])


async def test_a_pod_that_cannot_be_read_costs_its_own_samples_only(bench: Bench, sampler: Sampler) -> None:
    await _pods(bench, IRIS, SECOND)
    await bench.context.store.write(lambda db: db.execute("UPDATE pods SET devices = '[' WHERE id = 'p2'"))
    bench.driver.used["stage-s1-1-p2"] = Usage(cpu_seconds=7, memory_bytes=50)
    await _look(bench, sampler, "stage-s1-1-p1", cpu_seconds=100, memory=300)
    assert set(await bench.services.monitoring.latest()) == {("machine", "", ""), ("stage", "s1", "r1-0")}


async def test_a_range_that_ends_before_it_begins_is_refused(client: httpx.AsyncClient) -> None:
    query = {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00"}
    answer = await client.get("/v1.0/appkeys/a/monitoring", params=query)
    assert answer.status_code == 422
    assert answer.json()["fieldErrors"] == [{"field": "to", "message": "must not be before from"}]


async def test_prometheus_reads_the_same_figures(bench: Bench, sampler: Sampler, client: httpx.AsyncClient) -> None:
    training = await bench.pass_(await bench.create())
    await _look(bench, sampler, training.workload(0), cpu_seconds=1, memory=900)
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    found = {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}
    assert found["easymaker_trainings", "RUNNING"] == 1
    assert found["easymaker_trainings", "COMPLETE"] == 0
    assert found["easymaker_workload_memory_bytes", *sorted((training.id, "training", "node-0"))] == 900
    assert found[("easymaker_machine_memory_bytes",)] == 4 << 30
    assert ("easymaker_machine_gpu_utilization",) not in found, "what is not known is not 0"
    assert found[("easymaker_booked_vcpus",)] == 1
    assert (await client.get("/metrics", headers={"X-EasyMaker-Token": "wrong"})).status_code == 401


async def test_a_silent_engine_costs_the_samples_only(bench: Bench, sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    training = await bench.pass_(await bench.create())

    async def silent(_: object) -> dict[str, Usage]:
        raise TransientError("The engine does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(bench.driver, "usage", silent)
        with pytest.raises(TransientError):
            await sampler.look()
    await _look(bench, sampler, training.workload(0), cpu_seconds=1, memory=900)
    assert len(await bench.services.monitoring.peaks(training.id)) == 1


async def test_gpus_count_for_the_node_that_holds_them(
    bench: Bench, sampler: Sampler, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GN-L09: by the devices that are booked; on average how busy they are, in sum what they hold."""
    seen = Inventory((
        Gpu("GPU-1", "0", "A100", 40960, used_mib=1000, utilization=0.5),
        Gpu("GPU-2", "1", "A100", 40960, used_mib=3000, utilization=1.0),
        Gpu("GPU-3", "2", "A100", 40960, used_mib=500, utilization=0.0),
        Gpu("GPU-4", "3", "A100", 40960, unavailable="lost", utilization=1.0),
    ))  # fmt: skip

    async def look() -> Inventory:
        return seen

    monkeypatch.setattr(bench.context.gpus, "last", seen)
    monkeypatch.setattr(bench.context.gpus, "look", look)
    training = await bench.pass_(await bench.create())
    devices = json.dumps(["GPU-1", "GPU-2", "GPU-4"])
    await bench.context.store.write(lambda db: db.execute("UPDATE bookings SET devices = ?", (devices,)))
    await _look(bench, sampler, training.workload(0), cpu_seconds=1, memory=900)
    current = (await client.get("/v1.0/appkeys/a/monitoring/current")).json()["currentList"]
    found = {entry["kind"]: (entry["sample"]["gpu"], entry["sample"]["gpuMemoryBytes"]) for entry in current}
    assert found == {"machine": (0.5, 4500 << 20), "training": (0.75, 4000 << 20)}
    (peak,) = await bench.services.monitoring.peaks(training.id)
    assert peak.gpu == 0.75, "DB-L02"
    # A pod has one of the devices of its node.
    await _pods(bench, replace(IRIS, devices=("GPU-2",)))
    await _look(bench, sampler, "stage-s1-1-p1", cpu_seconds=1, memory=900)
    sample = (await bench.services.monitoring.latest())["stage", "s1", "r1-0"].sample
    assert (sample.gpu, sample.gpu_memory_bytes) == (1.0, 3000 << 20)
