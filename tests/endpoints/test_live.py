"""Endpoints for real: model servers on each driver, the real gateway, and a client that counts every failed request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from easymaker_local.domain.endpoint import ResourceStatus, StageStatus
from easymaker_local.domain.reason import Reason
from easymaker_local.services.pod_logs import log_folder
from easymaker_local.store import log_shipping
from tests.endpoints.live import POD, Live, discard, live_settings, no_failures, open_live

pytestmark = [pytest.mark.anyio, pytest.mark.environment]
R, S = ResourceStatus, StageStatus


@pytest.fixture
async def live(tmp_path: Path, driver_name: str) -> AsyncIterator[Live]:
    """A daemon that looks after endpoints, on each driver."""
    settings = live_settings(tmp_path / "home", driver_name)
    async with open_live(settings) as opened:
        yield opened
        for load in opened.loads:
            if load.process.returncode is None:
                await load.end()
    await discard(settings)


async def test_from_request_to_answer_and_back(live: Live) -> None:
    """EP-26, EP-L01, ST-07, EP-37, GW-01: both URLs answer; afterwards neither does, and nothing runs."""
    endpoint_id, stage_id = await live.serving(await live.model("one"))
    assert (await live.says("shop"), await live.says("shop/default")) == ("one", "one")
    await live.delete("endpoint", endpoint_id)
    live.hint(endpoint_id)
    await live.gone("endpoint", endpoint_id)
    assert (await live.asked("shop"), await live.asked("shop/default")) == (404, 404)
    assert await live.context.driver.owned() == []
    assert await live.nodes(stage_id) == []


async def test_what_a_model_prints_is_in_the_log_store(live: Live) -> None:
    """EP-12, LG-04, LG-13, LG-14, LG-17: with the ids and the model's name; all of it, also after the stage is gone."""
    model = await live.model("one", predict="print('asked for', len(rows), 'rows', flush=True); return ['one' for _ in rows]")
    endpoint_id, stage_id = await live.serving(model, useLog=True)
    assert await live.says() == "one"
    await live.delete("endpoint", endpoint_id)
    live.hint(endpoint_id)
    await live.gone("endpoint", endpoint_id)

    async def is_whole() -> bool:
        return not await live.context.store.read(log_shipping.unfinished)

    await live.until(is_whole, "the end of log lines")
    query = f'endpointStageId:"{stage_id}"'
    page = await live.daemon.services.logs.search(query, first=None, last=None, before=None, after=None, limit=100)
    entries = [stored.entry for stored in page.entries]
    [line] = [entry for entry in entries if entry.body == "asked for 1 rows"]
    assert (line.source.category, line.source.endpoint_id, line.source.model_name) == (
        "easymaker.inference",
        endpoint_id,
        "iris",
    )
    assert any("is ACTIVE" in entry.body for entry in entries)
    assert not log_folder(live.context.settings, stage_id).exists()


async def test_default_stage_changes_under_load(live: Live) -> None:
    """EP-32…EP-35: not one failed request, and the URL says what the new stage says."""
    models = {says: await live.model(says) for says in ("one", "two", "three")}
    endpoint_id, stage_id = await live.serving(models["one"])
    load = await live.load()
    for says in ("two", "three"):
        new = await live.added(endpoint_id, models[says], name=says)
        await live.change_default(endpoint_id, new)
        live.hint(endpoint_id)
        await live.gone("stage", stage_id)
        assert await live.says() == says
        stage_id = new
    await live.reaches(endpoint_id, "ACTIVE")
    counts = await load.end()
    no_failures(counts)
    assert {key for key in counts if key.startswith("said ")} == {"said one", "said two", "said three"}


async def test_pods_come_and_go_under_load(live: Live) -> None:
    """SR-L03, AS-12: scaled out and in, and killed: whoever asks notices nothing."""
    endpoint_id, stage_id = await live.serving(await live.model("one"), resource={"podCount": 2})
    await live.has_ready(stage_id, 2)
    load = await live.load()
    [resource] = await live.resources(stage_id)
    for count in (3, 1, 2):
        await live.want_pods(resource.id, count)
        live.hint(endpoint_id, stage_id)
        await live.has_ready(stage_id, count)
    first, second = await live.pods(stage_id)
    for pod in (first, second):
        await live.kill(pod)

        async def is_back(killed: str = pod.workload) -> bool:
            there = await live.has_ready(stage_id, 2)
            return killed not in {other.workload for other in there}

        await live.until(is_back, "the pod's return")
    no_failures(await load.end())
    assert sum(pod.restarts for pod in await live.pods(stage_id)) == 2
    assert (await live.row(stage_id)).status is S.ACTIVE


async def test_sleep_and_wake(live: Live) -> None:
    """Scale to zero: nothing runs, nothing is booked, and the next request is answered all the same."""
    endpoint_id, stage_id = await live.serving(await live.model("one"), resource={"scaleToZeroIdleMinutes": 60})
    load = await live.load()
    [resource] = await live.resources(stage_id)
    await live.want_pods(resource.id, 0)
    live.hint(endpoint_id, stage_id)

    async def was_woken() -> bool:
        notes = await live.notes("stageresource", resource.id)
        return any("A request waits" in note for note in notes)

    await live.until(was_woken, "the awakening")
    await live.has_ready(stage_id, 1)
    no_failures(await load.end())
    await live.want_pods(resource.id, 0)
    live.hint(endpoint_id, stage_id)

    async def sleeps() -> bool:
        return not await live.pods(stage_id) and not await live.nodes(stage_id)

    await live.until(sleeps, "sleep")
    assert await live.context.driver.owned() == []
    assert await live.says() == "one"
    assert (await live.row(stage_id)).status is S.ACTIVE


async def test_models_that_fail_leave_the_rest_serving(live: Live) -> None:
    """SR-22, ST-21: each in the right status with its reason, while another model of the stage answers."""
    good = await live.model("one")
    no_load = await live.model("x", "noload", load="raise ValueError('no weights here')")
    gone = await live.model("x", "gone")
    (live.context.settings.storage / "models" / "gone-x" / "predict.py").unlink()
    endpoint_id, stage_id = await live.endpoint(good, no_load, gone)
    await live.context.store.write(lambda db: db.execute("UPDATE stage_resources SET demand = '[200, 300, 0]'"))
    live.hint(endpoint_id, stage_id)
    await live.stage_reaches(stage_id, "DEPLOY_FAILED")
    found = {resource.model_id: resource for resource in await live.resources(stage_id)}
    assert found[good.id].status is R.ACTIVE
    causes = {model_id: resource.cause for model_id, resource in found.items()}
    assert (bad := causes[no_load.id]) is not None
    assert (found[no_load.id].status, bad.reason) == (R.CREATE_FAILED, Reason.EXIT_CODE)
    assert "no weights here" in bad.message
    assert (missing := causes[gone.id]) is not None
    assert (found[gone.id].status, missing.reason) == (R.CREATE_FAILED, Reason.INPUT_MISSING)
    assert await live.status(endpoint_id) == "CREATE_FAILED"
    assert await live.says("shop/default") == "one"
    assert await live.asked("shop/default", "noload") == 503


async def test_a_model_that_crashes_on_each_request(live: Live) -> None:
    """SR-L03: ACTIVE with the reason beside it; started again with pauses; another stage notices nothing."""
    bad = await live.model("x", predict="os._exit(3)")
    endpoint_id, stage_id = await live.serving(bad)
    assert await live.asked() in {502, 503}
    [resource] = await live.resources(stage_id)

    async def is_told() -> bool:
        [seen] = await live.resources(stage_id)
        return seen.cause is not None and seen.cause.reason is Reason.EXIT_CODE

    await live.until(is_told, "the reason")
    [seen] = await live.resources(stage_id)
    assert (seen.status, (await live.row(stage_id)).status, await live.status(endpoint_id)) == (R.ACTIVE, S.ACTIVE, "ACTIVE")
    assert any("exit code 3" in note for note in await live.notes("stageresource", resource.id))


async def test_stop_first_where_two_do_not_fit(live: Live) -> None:
    """EP-L02: requests wait for the new stage and all are answered."""
    whole = max(
        live.context.flavors, key=lambda flavor: (flavor.vcpus <= live.context.capacity.cpu_milli // 1000, flavor.vcpus)
    )
    endpoint_id, old = await live.serving(await live.model("one"), flavor_id=whole.id)
    new = await live.stage(endpoint_id, await live.model("two"), demand=POD, flavor_id=whole.id)
    live.hint(endpoint_id, new)

    async def waits() -> bool:
        cause = (await live.row(new)).cause
        return cause is not None and cause.reason is Reason.WAITING_FOR_RESOURCES

    await live.until(waits, "the queue")
    load = await live.load()
    await live.change_default(endpoint_id, new, stop_first=True)
    live.hint(endpoint_id)
    await live.gone("stage", old)
    await live.reaches(endpoint_id, "ACTIVE")
    assert await live.says() == "two"
    no_failures(await load.end())


async def test_traffic_goes_on_without_a_daemon(tmp_path: Path, driver_name: str) -> None:
    """Architecture 7, 9: the daemon ends and comes back; pods and gateway go on, and the new one adopts them as they are."""
    settings = live_settings(tmp_path / "home", driver_name)
    async with open_live(settings) as first:
        endpoint_id, stage_id = await first.serving(await first.model("one"))
        before = await first.pods(stage_id)
        load = await first.load()
    async with open_live(settings) as second:
        assert await second.says() == "one"
        new = await second.added(endpoint_id, await second.model("two"))
        assert [(pod.id, pod.attempt, pod.restarts) for pod in await second.pods(stage_id)] == [
            (pod.id, pod.attempt, pod.restarts) for pod in before
        ]
        await second.change_default(endpoint_id, new)
        second.hint(endpoint_id)
        await second.gone("stage", stage_id)
        no_failures(await load.end())
    await discard(settings)
