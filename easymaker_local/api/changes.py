"""Which resources changed, as it happens: what a page that is open asks for again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Wire
from easymaker_local.api.event_stream import Event, EventStream, described
from easymaker_local.api.log_events import LastEventId
from easymaker_local.api.monitoring import CurrentView, current_views
from easymaker_local.api.queue_models import MachineView
from easymaker_local.domain.change import SAMPLES, Change, ChangeKind
from easymaker_local.services.services import Services
from easymaker_local.store.changes import Changes

router = APIRouter(tags=["system"])

GATHER_SECONDS = 0.05
"""What changes within this time is told together, each resource once."""
_ID = re.compile(r"([0-9a-f]{8})-([0-9]{1,18})")


class Included(StrEnum):
    """What may be sent beside changes."""

    SAMPLES = "samples"


class Hello(Wire):
    """Data of the ``hello`` event. ``isResumed`` false: changes may have been missed, so ask for everything again."""

    is_resumed: bool


class ChangeView(Wire):
    """A resource that was made, is different or is gone.

    ``parentId``: of a trial its tuning, of an endpoint-stage its endpoint, of an endpoint-model and of a pod its stage. A
    ``queue`` has no id: places, reasons and what is held may be others. An ``image`` is further with its preparation.
    """

    kind: ChangeKind
    resource_id: str | None
    parent_id: str | None


class ChangeListView(Wire):
    """Data of a ``change`` event."""

    change_list: list[ChangeView]


class SampleEvent(Wire):
    """Data of a ``sample`` event: the newest samples as ``/monitoring/current`` has them, and ``/machine``."""

    current_list: list[CurrentView]
    machine: MachineView


@router.get("/changes", **described(hello=Hello, change=ChangeListView, sample=SampleEvent))
async def stream_changes(
    appkey: Appkey,
    services: ServicesDep,
    request: Request,
    include: Annotated[list[Included] | None, Query(description="``samples``: the use of the machine, too.")] = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Tell which resources change, as server-sent events, until the client goes.

    The first is ``hello``; ``change`` follows whenever something has changed, and with ``include=samples`` ``sample`` at
    once and whenever samples were taken. Another ``hello`` comes when more has changed than is remembered.
    """
    with_samples = Included.SAMPLES in (include or [])
    return EventStream.of(request, _events(services, last_event_id, with_samples=with_samples))


async def _events(services: Services, last_event_id: str | None, *, with_samples: bool) -> AsyncIterator[Event]:
    changes = services.context.changes
    known = _number(changes, last_event_id)
    number = changes.number if known is None else known
    yield Event("hello", Hello(is_resumed=known is not None), _id(changes, number))
    if with_samples:
        yield await _sample(services)
    while True:
        await changes.wait(number)
        await asyncio.sleep(GATHER_SECONDS)
        lately = changes.after(number)
        number = lately.number
        if lately.changes is None:
            yield Event("hello", Hello(is_resumed=False), _id(changes, number))
            continue
        told = [_view(change) for change in lately.changes if change != SAMPLES]
        if told:
            yield Event("change", ChangeListView(change_list=told), _id(changes, number))
        if with_samples and SAMPLES in lately.changes:
            yield await _sample(services)


def _number(changes: Changes, last_event_id: str | None) -> int | None:
    """Return the number of the last change that a client knows; None if what came after it is not known any more."""
    parts = _ID.fullmatch(last_event_id or "")
    if parts is None or parts[1] != changes.life:
        return None
    number = int(parts[2])
    return None if changes.after(number).changes is None else number


def _id(changes: Changes, number: int) -> str:
    return f"{changes.life}-{number}"


def _view(change: Change) -> ChangeView:
    return ChangeView(kind=ChangeKind(change.kind), resource_id=change.resource_id, parent_id=change.parent_id)


async def _sample(services: Services) -> Event:
    machine = MachineView.of(await services.queue.machine())
    return Event("sample", SampleEvent(current_list=await current_views(services), machine=machine))
