"""The ledger: what runs and what waits, and the machine that all of it shares."""

from __future__ import annotations

from fastapi import APIRouter

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.queue_models import MachineAnswer, MachineView, QueueAnswer, QueueView

router = APIRouter(tags=["queue"])


@router.get("/queue")
async def get_queue(appkey: Appkey, services: ServicesDep) -> QueueAnswer:
    """Show what holds resources since when, and what waits for what, in order, with reason and holders."""
    return QueueAnswer(queue=QueueView.of(await services.queue.state()))


@router.get("/machine")
async def get_machine(appkey: Appkey, services: ServicesDep) -> MachineAnswer:
    """Show total, booked and free CPU and memory, every GPU with its state, disk and the length of the queue."""
    return MachineAnswer(machine=MachineView.of(await services.queue.machine()))
