"""The autoscaler on a fake clock over hours: what it decides, when, and that nothing is decided early or twice (AS)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.controllers.autoscaler import Autoscaler
from easymaker_local.domain.endpoint import Pod, PodState, Stage, StageResource, Wish
from easymaker_local.domain.gateway import ModelLoad
from easymaker_local.domain.ledger import Amount, Waiting
from easymaker_local.domain.usage import Usage
from easymaker_local.errors import TransientError
from easymaker_local.store import events, ledger, runtime_versions, stages
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.fakes import FakeGateway
from tests.controllers.stage_rows import DEMAND, FLAVOR, insert_stage

pytestmark = pytest.mark.anyio

PERIOD = 15
MIB = 1 << 20


class Hints:
    """Remembers what was hinted."""

    def __init__(self) -> None:
        self.hinted: list[tuple[str, str]] = []

    def hint(self, kind: str, resource_id: str) -> bool:
        self.hinted.append((kind, resource_id))
        return True


@dataclass
class Site:
    """A stage whose pods and nodes are made as they are wanted, at once; the load is in cores and shared by the ready pods.

    ``nodes``: as many are to be had of the machine. ``slow``: new pods stay on their way. ``version``: the runtime version
    on which pods start.
    """

    bench: Bench
    gateway: FakeGateway
    hints: Hints
    autoscaler: Autoscaler
    nodes: int = 10
    load: dict[str, float] = field(default_factory=dict)
    memory_mib: int = 100
    slow: bool = False
    made: int = 0
    version: str | None = None

    async def write(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        return await self.bench.context.store.write(work)

    async def stage(self) -> Stage:
        return await self.bench.context.store.read(lambda db: stages.get(db, "s1"))

    async def resource(self, resource_id: str = "r1") -> StageResource:
        return await self.bench.context.store.read(lambda db: stages.get_resource(db, resource_id))

    async def words(self, kind: str = stages.RESOURCE_KIND, resource_id: str = "r1") -> list[str]:
        """Return what the history says beside statuses and requests."""
        found = await self.bench.context.store.read(lambda db: events.of_resource(db, kind, resource_id))
        return [event.message or "" for event in found if event.type == "NOTE"]

    async def follow(self) -> None:
        """Make pods and nodes as they are wanted."""
        await self.write(self._follow)

    def _follow(self, db: sqlite3.Connection) -> None:
        stage = stages.get(db, "s1")
        held = sorted(ledger.holdings(db, stages.KIND, "s1"))
        wanted_nodes = min(stage.wanted_nodes, self.nodes)
        ledger.leave_queue(db, stages.KIND, "s1")
        if stage.wanted_nodes > wanted_nodes:
            ledger.enqueue(db, Waiting(stages.KIND, "s1", (Amount(4000, 8192),)))
        for number in range(len(held), wanted_nodes):
            db.execute("INSERT INTO bookings VALUES ('stage', 's1', ?, 4000, 8192, '[]', 0, NULL, NULL)", (f"node-{number}",))
        for member in held[wanted_nodes:]:
            ledger.release(db, stages.KIND, "s1", 0, member)
            db.execute("UPDATE pods SET node = NULL, state = 'PENDING' WHERE node = ?", (member,))
        for one in stages.resources_of(db, "s1"):
            mine = [pod for pod in stages.pods_of(db, "s1") if pod.resource_id == one.id]
            for pod in mine[one.wanted_pods :]:
                stages.delete_pod(db, pod.id)
            for _ in range(len(mine), one.wanted_pods):
                self.made += 1
                stages.add_pod(db, Pod(f"p{self.made}", "s1", one.id, self.made, PodState.PENDING, self.made))
        self._place(db)

    def _place(self, db: sqlite3.Connection) -> None:
        held = ledger.holdings(db, stages.KIND, "s1")
        room = dict.fromkeys(sorted(held), 3)
        for pod in (pods := stages.pods_of(db, "s1")):
            if pod.node is not None:
                room[pod.node] -= 1
        for pod in pods:
            node = next((name for name, free in room.items() if free > 0), None)
            if pod.node is None and node is not None:
                room[node] -= 1
                state = PodState.STARTING if self.slow else PodState.READY
                devices = held[node][room[node] : room[node] + 1]
                stages.set_pod(db, pod.id, node=node, attempt=1, state=state, devices=devices, runtime_version=self.version)

    async def run(self, seconds: float, *, restart_every: float | None = None) -> dict[float, tuple[int, int]]:
        """Let time pass, with a look every 15 seconds; return (pods of r1, nodes) wanted at each change, by seconds."""
        found: dict[float, tuple[int, int]] = {}
        before = (await self.resource()).wanted_pods, (await self.stage()).wanted_nodes
        for turn in range(int(seconds / PERIOD)):
            if restart_every is not None and turn and turn * PERIOD % restart_every == 0:
                self.restart()
            await self.look()
            now = (await self.resource()).wanted_pods, (await self.stage()).wanted_nodes
            if now != before:
                found[turn * PERIOD] = before = now
        return found

    async def look(self) -> None:
        """Let the pods work for a period, then the autoscaler look."""
        pods = await self.bench.context.store.read(lambda db: stages.pods_of(db, "s1"))
        self.bench.clock.advance(PERIOD)
        for resource_id in {pod.resource_id for pod in pods}:
            ready = [pod for pod in pods if pod.resource_id == resource_id and pod.state is PodState.READY]
            for pod in ready:
                cores = min(self.load.get(resource_id, 0.0) / len(ready), DEMAND.cpu_milli / 1000)
                spent = self.bench.driver.used.get(pod.workload, Usage(0, 0)).cpu_seconds + cores * PERIOD
                self.bench.driver.used[pod.workload] = Usage(spent, self.memory_mib * MIB)
        await self.autoscaler.look()
        await self.follow()

    def restart(self) -> None:
        """Forget everything, as a restart of the daemon does."""
        context = replace(self.bench.context, hinter=self.hints)
        self.autoscaler = Autoscaler(context, self.gateway, ticks=self.bench.clock.now)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


SCALED = {"podAutoScaleEnable": True, "scaleMetricCode": "CPU_UTILIZATION", "scaleMetricTarget": 50}


async def site_of(
    bench: Bench, *rows: Mapping[str, Any], demand: Amount = DEMAND, version: str | None = None, **fields: Any
) -> Site:
    """Return a stage that serves, with a resource ``r1``, ``r2``… per row."""
    await bench.context.store.write(partial(insert_stage, rows=rows, demand=demand, **fields))
    gateway, hints = FakeGateway(), Hints()
    site = Site(bench, gateway, hints, Autoscaler(bench.context, gateway), version=version)
    site.restart()
    await site.follow()
    return site


async def test_pods_follow_the_load_over_hours(bench: Bench) -> None:
    """AS-12…AS-16, AS-L02: a morning, a peak and a night on one node."""
    site = await site_of(bench, SCALED)
    site.load["r1"] = 0.5
    assert await site.run(3600) == {}
    site.load["r1"] = 0.95
    # One pod at 95 % makes two, at 48 % each.
    assert await site.run(3600) == {0: (2, 1)}
    site.load["r1"] = 5.0
    # Two at their limit ask for four; the node has room for three.
    assert await site.run(3600) == {0: (3, 1)}
    site.load["r1"] = 0.1
    changes = await site.run(3600)
    assert changes == {285: (1, 1)}, "five minutes after the last look that asked for more, which was before these"
    assert await site.words() == [
        "Pods 1 → 2: CPU use 95 %, threshold 50 % (mean of 1 pod).",
        "Pods 2 → 3: CPU use 100 %, threshold 50 % (mean of 2 pods). More would be 4, but 1 node has room for 3.",
        "Pods 3 → 1: CPU use 3.3 %, threshold 50 % (mean of 3 pods). No more were needed in the last 5 minutes.",
    ]
    assert await site.words(stages.KIND, "s1") == [f"m1: {words}" for words in await site.words()], "on the stage's page too"
    assert set(site.hints.hinted) == {("stage", "s1")}


async def test_restarts_never_scale_in_early(bench: Bench) -> None:
    """AS-16, AS-11: who restarts every four minutes keeps what there is; scale-out goes on."""
    fields = {"caEnable": True, "caMaxNodeCount": 2, "nodeCount": 2}
    site = await site_of(bench, {**SCALED, "podCount": 3}, **fields)
    assert await site.run(4 * 3600, restart_every=240) == {}
    site.load["r1"] = 9.0
    assert list((await site.run(240)).values()) == [(6, 2)]
    site.load["r1"] = 0.0
    changes = await site.run(7200)
    assert list(changes.values()) == [(1, 2), (1, 1)], "in the end it gets there"


async def test_nodes_are_added_for_pods_without_room_and_removed_when_idle(bench: Bench) -> None:
    """AS-10, AS-11, AS-08: one at a time out; in after delay and duration; the minimum stays."""
    site = await site_of(bench, {**SCALED, "scaleMetricTarget": 20}, caEnable=True, caMaxNodeCount=3)
    site.load["r1"] = 0.9
    changes = await site.run(600)
    # 90 % of 20 % wants 5 pods; 3 fit, so a second node comes at once.
    assert list(changes.values()) == [(5, 2)]
    site.load["r1"] = 9.0
    changes = await site.run(600)
    assert list(changes.values()) == [(9, 3)], "as many as three nodes hold"
    site.load["r1"] = 0.1
    started = await site.run(7200)
    moments = {nodes: seconds for seconds, (_, nodes) in started.items()}
    assert [pods for pods, _ in started.values()][-1] == 1
    # Pods go after five minutes; nodes are watched from ten minutes after the last came, and go ten minutes later.
    assert moments[2] >= 300 + 600
    assert moments[1] > moments[2]
    assert await site.words(stages.KIND, "s1") != []
    assert [words.split(":")[0] for words in await site.words(stages.KIND, "s1") if words.startswith("Nodes")] == [
        "Nodes 1 → 2", "Nodes 2 → 3", "Nodes 3 → 2", "Nodes 2 → 1",
    ]  # fmt: skip


async def test_a_full_machine_blocks_and_is_told_once(bench: Bench) -> None:
    """AS-L01: the stage keeps what it has; when the load is gone, nobody waits for the node any more."""
    site = await site_of(bench, SCALED, caEnable=True, caMaxNodeCount=2)
    site.nodes = 1
    site.load["r1"] = 3.0
    assert list((await site.run(3600)).values())[-1] == (6, 2)
    said = await site.words(stages.KIND, "s1")
    assert [words for words in said if "machine full" in words] == [
        "Scale-out blocked: machine full. 1 pod has no room on 1 node; one more waits in the queue."
    ]
    site.load["r1"] = 0.0
    assert list((await site.run(900)).values()) == [(1, 1)]
    assert (await site.words(stages.KIND, "s1"))[-1] == "Nodes 2 → 1: every pod has room; the other was not there yet."


async def test_pods_on_their_way_are_not_ordered_twice(bench: Bench) -> None:
    """AS-16: what takes long to load does not make more of it be started."""
    site = await site_of(bench, SCALED, nodeCount=3)
    site.load["r1"], site.slow = 0.9, True
    assert list((await site.run(3600)).values()) == [(2, 3)]


async def test_what_a_pod_uses_to_load_its_model_is_not_load(bench: Bench) -> None:
    """AS-14: counters begin when a pod is ready."""
    site = await site_of(bench, SCALED)
    (pod,) = await bench.context.store.read(lambda db: stages.pods_of(db, "s1"))
    bench.driver.used[pod.workload] = Usage(1000.0, MIB)
    assert await site.run(600) == {}


async def test_an_expired_runtime_is_scaled_in_but_not_out(bench: Bench) -> None:
    """UP-L03: told once, by pods and by nodes; what is there goes on, and may become less."""
    days = bench.context.settings.runtime_expiry_days
    for version, age in (("1", days + 10), ("2", days)):
        since = bench.clock.now() - age * 86400 + 3600
        await bench.context.store.write(partial(runtime_versions.note, version=version, now=since))
    site = await site_of(bench, {**SCALED, "podCount": 3}, {"podCount": 1}, version="1", caEnable=True, caMaxNodeCount=3)
    site.load["r1"] = 1.9
    assert list((await site.run(1800)).values())[-1] == (4, 2), "it expires in an hour"
    site.load["r1"] = 4.0
    bench.clock.advance(3600)
    assert await site.run(3600) == {}
    (said,) = [words for words in await site.words() if "expired" in words]
    assert said.startswith("Pods stay 4: CPU use 100 %, threshold 50 % (mean of 4 pods) asks for 8, but its runtime version 1")
    site.load["r1"] = 0.1
    assert (1, 2) in (await site.run(3600)).values()
    await site.write(lambda db: stages.set_wanted_pods(db, "r2", 9, 0, "somebody wants more"))
    await site.follow()
    await site.run(3600)
    assert (await site.stage()).wanted_nodes <= 2
    told = [words for words in await site.words(stages.KIND, "s1") if words.startswith("Nodes stay")]
    assert len(told) == 1
    assert "expired" in told[0]


async def test_a_stage_whose_pods_run_on_the_newest_runtime_is_scaled_out(bench: Bench) -> None:
    """UP-10, UP-L03: a stage as old as it may be, all of whose pods were started anew since."""
    for version, age in (("1", 10000), ("2", 9000)):
        since = bench.clock.now() - age * 86400
        await bench.context.store.write(partial(runtime_versions.note, version=version, now=since))
    site = await site_of(bench, SCALED, version="2")
    site.load["r1"] = 0.95
    assert list((await site.run(3600)).values()) == [(2, 1)]


async def test_by_memory(bench: Bench) -> None:
    """AS-14: memory in use of the limit, of this moment."""
    site = await site_of(bench, {**SCALED, "scaleMetricCode": "MEMORY_UTILIZATION", "scaleMetricTarget": 60})
    site.memory_mib = 700
    assert await site.run(PERIOD) == {0: (2, 1)}
    assert await site.words() == ["Pods 1 → 2: memory use 68 %, threshold 60 % (mean of 1 pod)."]


async def test_by_requests_under_way(bench: Bench) -> None:
    """Scaling by requests: the mean of a minute, per pod that answers for the model, of whatever resource."""
    row = {**SCALED, "scaleMetricCode": "REQUESTS", "scaleMetricTarget": 4}
    site = await site_of(bench, row, {"modelId": "m1"}, nodeCount=2)
    site.gateway.load = {("s1", "m1"): ModelLoad(8, 100)}
    assert await site.run(60) == {}, "8 for two pods are 4 each"
    site.gateway.load = {("s1", "m1"): ModelLoad(30, 200)}
    # One look of 30 and those of 8 before make 12 or so, with which it begins.
    changes = list((await site.run(600)).values())
    assert changes[0][0] < 5
    assert changes[-1] == (5, 2), "two nodes hold no more beside the other's"


async def test_requests_are_counted_between_the_looks(bench: Bench) -> None:
    """The window has a count every two seconds, the looks are only four in a minute."""
    row = {**SCALED, "scaleMetricCode": "REQUESTS", "scaleMetricTarget": 4}
    site = await site_of(bench, row)
    site.gateway.load = {("s1", "m1"): ModelLoad(0, 100)}
    await site.run(PERIOD)
    for turn in range(15):
        bench.clock.advance(2)
        site.gateway.load = {("s1", "m1"): ModelLoad(8 if turn % 2 else 0, 100 + turn)}
        await site.autoscaler.count_requests()
    site.gateway.load = {("s1", "m1"): ModelLoad(8, 200)}
    await site.look()
    assert await site.words() == []
    assert (await site.resource()).wanted_pods == 1, "half of the time 8 are 4, as wanted; the last look alone says 8"


async def test_sleep_and_wake(bench: Bench) -> None:
    """Scale to zero: 0 pods after the idle time, also without a pod autoscaler; once woken the time begins anew."""
    site = await site_of(bench, {"scaleToZeroIdleMinutes": 10, "podCount": 2})
    site.gateway.load = {("s1", "m1"): ModelLoad(0, 5)}
    assert await site.run(900) == {600: (0, 1)}
    assert await site.words() == ["Pods 2 → 0: no request for 10 minutes. The next one waits until the model is loaded again."]
    assert await site.run(7200) == {}, "whoever sleeps is left to sleep"
    await site.write(lambda db: stages.set_wanted_pods(db, "r1", 2, 0, "woken"))
    await site.follow()
    assert await site.run(1200) == {600: (0, 1)}


async def test_who_is_asked_does_not_sleep(bench: Bench) -> None:
    """Scale to zero: a request every nine minutes, one that takes an hour, and then none any more."""
    site = await site_of(bench, {"scaleToZeroIdleMinutes": 10})
    for total in range(10):
        site.gateway.load = {("s1", "m1"): ModelLoad(0, total)}
        assert await site.run(540) == {}
    site.gateway.load = {("s1", "m1"): ModelLoad(1, 10)}
    assert await site.run(3600) == {}
    site.gateway.load = {}
    assert list((await site.run(900)).values()) == [(0, 1)], "whom the gateway does not name nobody asks for"


async def test_a_gateway_or_driver_that_does_not_answer_decides_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """AS-16: and when they answer again, it goes on."""

    async def silent(*_: object) -> Any:
        raise TransientError("It does not answer.")

    site = await site_of(bench, {**SCALED, "podCount": 3, "scaleToZeroIdleMinutes": 30})
    site.gateway.load = {("s1", "m1"): ModelLoad(0, 1)}
    site.load["r1"] = 1.0
    await site.run(60)
    with monkeypatch.context() as patch:
        patch.setattr(bench.driver, "usage", silent)
        patch.setattr(site.gateway, "loads", silent)
        assert await site.run(7200) == {}
    assert "the use of pods is not known" in caplog.text
    assert "does not tell its load" in caplog.text
    assert list((await site.run(1800)).values()) == [(0, 1)], "idle all the time, as the total tells"


async def test_nothing_is_asked_where_nothing_is_scaled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle cost: neither the driver nor the gateway."""

    async def unwanted(*_: object) -> Any:
        raise AssertionError("nobody is scaled")

    site = await site_of(bench, {}, {"podCount": 2})
    monkeypatch.setattr(bench.driver, "usage", unwanted)
    monkeypatch.setattr(site.gateway, "loads", unwanted)
    await site.run(60)
    await site.write(lambda db: db.execute("DELETE FROM pods"))
    await site.write(lambda db: db.execute("DELETE FROM stage_resources"))
    await site.write(lambda db: db.execute("DELETE FROM stages"))
    await site.autoscaler.look()
    assert site.hints.hinted == []


@pytest.mark.parametrize("change", ["pods", "wish", "gone", "broken"])
async def test_what_has_changed_meanwhile_goes_first(bench: Bench, change: str) -> None:
    """AS-L02: a decision is written only on what it was made of."""
    site = await site_of(bench, SCALED)
    site.load["r1"] = 1.0

    def meanwhile(db: sqlite3.Connection) -> None:
        if change == "pods":
            stages.set_wanted_pods(db, "r1", 3, 0, "somebody else")
        elif change == "wish":
            stages.want_resource(db, "r1", Wish.DELETE, 0, "deleted")
        elif change == "broken":
            db.execute("UPDATE stage_resources SET spec = '{' WHERE id = 'r1'")
        else:
            db.execute("DELETE FROM pods")
            db.execute("DELETE FROM stage_resources")

    usage = bench.driver.usage

    async def slow(names: Any) -> Mapping[str, Usage]:
        found = await usage(names)
        if armed:
            await site.write(meanwhile)
        return found

    bench.driver.usage = slow  # type: ignore[method-assign]
    armed = False
    site.load["r1"] = 0.5
    await site.run(60)
    armed, site.load["r1"] = True, 1.0
    pods = await bench.context.store.read(lambda db: stages.pods_of(db, "s1"))
    bench.clock.advance(PERIOD)
    bench.driver.used[pods[0].workload] = Usage(1e6, MIB)
    await site.autoscaler.look()
    assert not [words for words in await site.words() if words.startswith("Pods")]
    assert site.hints.hinted == []


async def test_only_what_serves_is_scaled(bench: Bench) -> None:
    """ST-L02, SR-23: what is being deleted or made is left alone."""
    site = await site_of(bench, SCALED)
    site.load["r1"] = 1.0
    await site.write(lambda db: stages.want(db, "s1", Wish.DELETE, 0, "deleted"))
    assert await site.run(600) == {}


async def test_a_stage_that_cannot_be_read_is_left_as_it_is(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    site = await site_of(bench, SCALED)
    await site.write(lambda db: db.execute("UPDATE pods SET devices = '['"))
    await site.autoscaler.look()
    assert "stage s1" in caplog.text


async def test_a_broken_row_harms_nobody_else(bench: Bench) -> None:
    site = await site_of(bench, SCALED, SCALED)
    site.load["r1"] = 1.0
    await site.write(lambda db: db.execute("UPDATE stage_resources SET demand = 'x' WHERE id = 'r2'"))
    await site.write(lambda db: db.execute("DELETE FROM pods WHERE resource_id = 'r2'"))
    assert list((await site.run(60)).values()) == [(2, 1)]


async def test_nodes_of_a_resource_that_is_added(bench: Bench) -> None:
    """AS-10, SR-25: also a pod of a resource that is being made gets a node."""
    site = await site_of(bench, {"podCount": 3}, {"podCount": 1}, caEnable=True, caMaxNodeCount=2)
    await site.write(lambda db: db.execute("UPDATE stage_resources SET status = 'CREATE_REQUESTED' WHERE id = 'r2'"))
    await site.write(lambda db: db.execute("UPDATE stages SET status = 'DEPLOY_IN_PROGRESS'"))
    assert await site.run(60) == {0: (3, 2)}


async def test_devices_are_room_too(bench: Bench) -> None:
    """SR-L02: a node with three devices, one of which another has, holds two pods that need one each."""
    site = await site_of(bench, SCALED, {}, demand=Amount(1000, 1024, 1))
    flavor = FLAVOR.model_copy(update={"gpu_count": 3})
    await site.write(lambda db: db.execute("UPDATE stages SET flavor = ?", (flavor.model_dump_json(),)))
    await site.write(lambda db: db.execute("UPDATE bookings SET devices = ?", (json.dumps(["GPU-1", "GPU-2", "GPU-3"]),)))
    for pod_id, device in (("p1", "GPU-3"), ("p2", "GPU-2")):
        await site.write(partial(stages.set_pod, pod_id=pod_id, devices=[device]))
    site.load["r1"] = 3.0
    await site.run(600)
    assert (await site.words())[-1].endswith("but 1 node has room for 2.")


async def test_it_runs_by_itself_and_gets_over_failures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The task looks again after what fails, and counts requests in between."""
    async with open_bench(tmp_path / "home", autoscaler_seconds=1) as bench:
        site = await site_of(bench, {**SCALED, "scaleMetricCode": "REQUESTS"})
        looks, enough = 0, asyncio.Event()

        async def loads() -> Mapping[tuple[str, str], ModelLoad]:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise RuntimeError("a bug")
            if looks == 4:
                enough.set()
            return {("s1", "m1"): ModelLoad(0, 0)}

        site.gateway.loads = loads  # type: ignore[method-assign]
        task = asyncio.create_task(site.autoscaler.run())
        await asyncio.wait_for(enough.wait(), 60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert "the look failed" in caplog.text
