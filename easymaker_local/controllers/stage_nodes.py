"""Books the nodes of a stage and gives them back (IT-L03, ST-L01, AS-10, AS-11, AS-L01).

The first nodes come all at once. More join them through the queue while the stage serves with what it has; a node leaves when
its pods have moved. A stage of which everything sleeps holds none: its GPUs are others', and waking stands in the queue again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from easymaker_local.controllers.stage_view import View
from easymaker_local.domain.ledger import Priority, Waiting, amount_of
from easymaker_local.domain.pods import node_number, node_to_close
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.services.context import QUEUE, Context
from easymaker_local.store import events, ledger, stages

_BLOCKED = "Scale-out blocked: machine full."


@dataclass(frozen=True)
class Nodes:
    """What was done. ``closed``: the node that is being emptied; ``cause``: why nodes are missing, or why one stays."""

    closed: str | None = None
    cause: Cause | None = None
    has_changed: bool = False


def request(context: Context, view: View, count: int, now: float) -> Waiting:
    """Return what stands in the queue for ``count`` nodes beside those that are held."""
    stage = view.stage
    first = max((node_number(name) for name in view.holdings), default=-1) + 1
    return Waiting(
        stages.KIND, stage.id, (amount_of(stage.flavor),) * count, gpu_model=stage.flavor.gpu_model,
        priority=context.settings.priorities.get(stages.KIND, Priority.BATCH), created_at=stage.created_at, queued_at=now,
        first_member=first,
    )  # fmt: skip


async def book(context: Context, view: View) -> Cause | None:
    """Stand in the queue for all nodes of a new stage; return why they are not there yet."""
    if view.holdings:
        return None
    await _want(context, view, view.stage.wanted_nodes)
    return context.board.cause(stages.KIND, view.stage.id)


async def keep(context: Context, view: View) -> Nodes:
    """Bring the nodes of a created stage to the number that is wanted."""
    held, wanted = len(view.holdings), view.stage.wanted_nodes
    if view.is_idle:
        return await _sleep(context, view)
    if wanted > held:
        await _want(context, view, wanted - held)
        found = context.board.cause(stages.KIND, view.stage.id)
        if found is None or not held:
            return Nodes(cause=found)
        return Nodes(cause=Cause(Reason.WAITING_FOR_RESOURCES, f"{_BLOCKED} {found.message}"))
    if view.queued is not None:
        await context.store.write(lambda db: ledger.leave_queue(db, stages.KIND, view.stage.id))
        context.hinter.hint(*QUEUE)
    return await _shrink(context, view) if wanted < held else Nodes()


async def _want(context: Context, view: View, count: int) -> None:
    """Stand in the queue for so many, and for no other number."""
    wanted = request(context, view, count, context.clock.now())
    standing = view.queued
    if standing is not None and (standing.members, standing.first_member) == (wanted.members, wanted.first_member):
        return

    def stand(db: sqlite3.Connection) -> None:
        ledger.leave_queue(db, stages.KIND, view.stage.id)
        ledger.enqueue(db, wanted)

    await context.store.write(stand)
    context.hinter.hint(*QUEUE)


async def _sleep(context: Context, view: View) -> Nodes:
    if not view.holdings and view.queued is None:
        return Nodes()
    now = context.clock.now()

    def release(db: sqlite3.Connection) -> None:
        if ledger.release(db, stages.KIND, view.stage.id, now) and view.holdings:
            words = "Nothing of it runs: its nodes are given back until a request wakes a model."
            events.record(db, stages.KIND, view.stage.id, now, events.EventType.NOTE, message=words)

    await context.store.write(release)
    context.hinter.hint(*QUEUE)
    return Nodes(has_changed=True)


async def _shrink(context: Context, view: View) -> Nodes:
    nodes = view.nodes(context.settings)
    closed = node_to_close(nodes, view.resources, view.pods, {pod.node for pod in view.strays if pod.node is not None})
    if closed is None:
        words = "No node can be given back: its pods would have no room on the others."
        return Nodes(cause=Cause(Reason.WAITING_FOR_RESOURCES, words))
    if any(pod.node == closed for pod in view.pods):
        return Nodes(closed=closed)
    now = context.clock.now()

    def release(db: sqlite3.Connection) -> None:
        if any(pod.node == closed for pod in stages.pods_of(db, view.stage.id)):
            return
        if ledger.release(db, stages.KIND, view.stage.id, now, member=closed):
            words = f"Its node {closed} is given back."
            events.record(db, stages.KIND, view.stage.id, now, events.EventType.NOTE, message=words)

    await context.store.write(release)
    context.hinter.hint(*QUEUE)
    return Nodes(has_changed=True)
