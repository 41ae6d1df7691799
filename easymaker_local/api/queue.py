"""The ledger: what runs and what waits, and the machine that all of it shares."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.listing import Limit, answer_built
from easymaker_local.api.queue_models import MachineAnswer, MachineView, QueueAnswer, QueueView

router = APIRouter(tags=["queue"])


@router.get("/queue", response_model=QueueAnswer)
async def get_queue(appkey: Appkey, services: ServicesDep, limit: Limit = None) -> Response:
    """Show what holds resources since when, and what waits for what, in order, with reason and holders.

    With ``limit`` only the first of what waits.
    """
    state = await services.queue.state(limit)
    return await answer_built(lambda: QueueAnswer(queue=QueueView.of(state)))


@router.get("/machine")
async def get_machine(appkey: Appkey, services: ServicesDep) -> MachineAnswer:
    """Show total, booked and free CPU and memory, every GPU with its state, disk and the length of the queue."""
    return MachineAnswer(machine=MachineView.of(await services.queue.machine()))
