"""Every status of endpoints, stages and stage resources, reached by real model servers and the real gateway."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from easymaker_local.domain.endpoint import (
    ENDPOINT_TRANSITIONS,
    RESOURCE_TRANSITIONS,
    STAGE_TRANSITIONS,
    EndpointStatus,
    ResourceStatus,
    StageStatus,
)
from easymaker_local.domain.reason import Reason
from tests.endpoints.live import POD, Live, discard, live_settings, open_live

pytestmark = [pytest.mark.anyio, pytest.mark.environment]
E, S, R = EndpointStatus, StageStatus, ResourceStatus
Status = TypeVar("Status", bound=StrEnum)


async def test_every_status_is_reached_as_the_diagrams_have_it(tmp_path: Path) -> None:
    """EP-22…EP-28, EP-30, ST-15…ST-21, SR-15…SR-19, SR-23, GW-11: by endpoints that serve, change, fail and go."""
    settings = live_settings(tmp_path / "home", "process", gateway_stage_quota=2)
    async with open_live(settings) as live:
        await live.context.store.write(_keep)
        good, bad = await live.model("one"), await live.model("x", "noload", load="raise ValueError('no weights here')")
        endpoint_id, default = await live.serving(good)
        [first] = await live.resources(default)
        taken = await live.resource(default, good, demand=POD)
        live.hint(endpoint_id, default)
        await _is_there(live, default, taken)
        await live.delete("stageresource", taken)
        live.hint(endpoint_id, default)
        await live.until(lambda: _has_only(live, default, first.id), "the end of the resource")

        failing = await live.stage(endpoint_id, bad, demand=POD, name="failing")
        live.hint(endpoint_id, failing)
        await live.stage_reaches(failing, "DEPLOY_FAILED")
        await live.reaches(endpoint_id, "UPDATE_FAILED")
        surplus = await live.stage(endpoint_id, good, demand=POD, name="surplus")
        live.hint(endpoint_id, surplus)
        await live.stage_reaches(surplus, "CREATE_FAILED")
        cause = (await live.row(surplus)).cause
        assert cause is not None
        assert cause.reason is Reason.QUOTA_EXCEEDED
        await live.reaches(endpoint_id, "UPDATE_FAILED")
        assert await live.says() == "one", "the default stage serves whatever becomes of the others"

        for stage_id in (surplus, failing):
            await live.delete("stage", stage_id)
            live.hint(endpoint_id, stage_id)
            await live.gone("stage", stage_id)
        await live.reaches(endpoint_id, "ACTIVE")
        never, never_stage = await live.endpoint(bad, demand=POD, name="never")
        live.hint(never, never_stage)
        await live.reaches(never, "CREATE_FAILED")
        for gone in (endpoint_id, never):
            await live.delete("endpoint", gone)
            live.hint(gone)
            await live.gone("endpoint", gone)

        histories = await live.context.store.read(_kept)
        _are_those_of(histories["endpoint"], ENDPOINT_TRANSITIONS, E)
        _are_those_of(histories["stage"], STAGE_TRANSITIONS, S)
        _are_those_of(histories["stageresource"], RESOURCE_TRANSITIONS, R)
    await discard(settings)


def _keep(db: sqlite3.Connection) -> None:
    """Let the database keep every status, also of what is deleted: its history goes with it."""
    db.execute("CREATE TABLE every_status (kind TEXT, resource_id TEXT, status TEXT)")
    db.execute(
        """CREATE TRIGGER keep_statuses AFTER INSERT ON events WHEN NEW.type = 'STATUS'
           BEGIN INSERT INTO every_status VALUES (NEW.kind, NEW.resource_id, NEW.status); END"""
    )


def _kept(db: sqlite3.Connection) -> dict[str, list[list[str]]]:
    """Return the histories of all that there was, by kind."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for kind, resource_id, status in db.execute("SELECT kind, resource_id, status FROM every_status ORDER BY rowid"):
        found[kind][resource_id].append(status)
    return {kind: list(histories.values()) for kind, histories in found.items()}


async def _is_there(live: Live, stage_id: str, resource_id: str) -> None:
    """Wait until a resource answers and its stage serves again."""

    async def answers() -> bool:
        found = {resource.id: resource.status for resource in await live.resources(stage_id)}
        return found[resource_id] is R.ACTIVE and (await live.row(stage_id)).status is S.ACTIVE

    await live.until(answers, "the second resource")


async def _has_only(live: Live, stage_id: str, resource_id: str) -> bool:
    ids = [resource.id for resource in await live.resources(stage_id)]
    return ids == [resource_id] and (await live.row(stage_id)).status is S.ACTIVE


def _are_those_of(
    histories: Iterable[list[str]], transitions: Mapping[Status, frozenset[Status]], statuses: type[Status]
) -> None:
    """Assert that each history goes as the diagram allows, to the end, and that all together have every status."""
    seen = set()
    for history in histories:
        steps = [statuses(word) for word in history]
        seen.update(steps)
        assert steps[0] == "CREATE_REQUESTED"
        assert steps[-1] == "DELETE_IN_PROGRESS", history
        for before, after in pairwise(steps):
            assert after in transitions[before], history
    assert seen == set(statuses)
