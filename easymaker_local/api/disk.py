"""Disk: what takes it, and giving back what nothing refers to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.api.listing import answer_built
from easymaker_local.domain.disk import DiskEntry
from easymaker_local.domain.wire import Body

router = APIRouter(tags=["disk"])


class DiskEntryView(Wire):
    """Something on the disk; ``bytes`` allocated. ``reclaimableReason``: why nothing needs it, else null."""

    kind: str
    name: str
    place: str
    bytes: int
    reclaimable_reason: str | None

    @classmethod
    def of(cls, entry: DiskEntry) -> DiskEntryView:
        """Show an entry."""
        return cls(
            kind=entry.kind, name=entry.name, place=entry.place, bytes=entry.bytes,
            reclaimable_reason=entry.reclaimable,
        )  # fmt: skip


class DiskView(Wire):
    """The home's file system, in bytes, and what the appliance has on the disk."""

    total_bytes: int
    free_bytes: int
    entry_list: list[DiskEntryView]


class DiskAnswer(Envelope):
    """What takes the disk."""

    disk_usage: DiskView


class KeptView(Wire):
    """What could not be removed."""

    place: str
    message: str


class ReclaimedView(Wire):
    """What was freed, and what was not."""

    freed_list: list[DiskEntryView]
    kept_list: list[KeptView]


class ReclaimedAnswer(Envelope):
    """The outcome."""

    reclaimed: ReclaimedView


class ReclaimSpec(Body):
    """Places of reclaimable entries."""

    place_list: Annotated[list[Annotated[str, Field(max_length=4400)]], Field(min_length=1, max_length=10000)]


@router.get("/disk", response_model=DiskAnswer)
async def get_disk(appkey: Appkey, services: ServicesDep) -> Response:
    """Count what takes the disk: buckets, environments, trainings, databases, logs, trash."""
    report = await services.disk.report()

    def build() -> DiskAnswer:
        entries = [DiskEntryView.of(entry) for entry in report.entries]
        return DiskAnswer(disk_usage=DiskView(total_bytes=report.total, free_bytes=report.free, entry_list=entries))

    return await answer_built(build)


@router.post("/disk/reclaim")
async def reclaim_disk(appkey: Appkey, body: ReclaimSpec, services: ServicesDep) -> ReclaimedAnswer:
    """Remove entries that nothing needs. If one of them is needed or unknown, nothing is removed."""
    done = await services.disk.reclaim(body.place_list)
    return ReclaimedAnswer(
        reclaimed=ReclaimedView(
            freed_list=[DiskEntryView.of(entry) for entry in done.freed],
            kept_list=[KeptView(place=place, message=message) for place, message in done.kept],
        )
    )
