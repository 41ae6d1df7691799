"""One search over everything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from easymaker_local.api.dashboard import ReferenceView
from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.listing import MAXIMUM_KEYWORD
from easymaker_local.kit.clock import to_iso
from easymaker_local.store.resource_search import Found

router = APIRouter(tags=["search"])

MOST_FOUND = 100


class FoundView(ReferenceView):
    """What was found. Templates and images have no status, images no time; ``parent``: an experiment, or a stage's endpoint."""

    status_code: str | None
    created_datetime: str | None
    parent_kind: str | None
    parent_id: str | None
    parent_name: str | None

    @classmethod
    def of_found(cls, found: Found) -> FoundView:
        """Show one."""
        resource, parent = found.resource, found.parent
        return cls(
            kind=resource.kind, resource_id=resource.id, name=resource.name, status_code=found.status,
            created_datetime=None if found.created_at is None else to_iso(found.created_at),
            parent_kind=None if parent is None else parent.kind, parent_id=None if parent is None else parent.id,
            parent_name=None if parent is None else parent.name,
        )  # fmt: skip


class SearchAnswer(Envelope):
    """What fits, best first."""

    search_result_list: list[FoundView]


@router.get("/search")
async def search_resources(
    appkey: Appkey,
    services: ServicesDep,
    query: Annotated[str, Query(min_length=1, max_length=MAXIMUM_KEYWORD, description="Part of a name, tag or description.")],
    limit: Annotated[int, Query(ge=1, le=MOST_FOUND, description="Results at most.")] = 20,
) -> SearchAnswer:
    """Find resources of every kind by a part of the name, the beginning of the id, a tag or the description.

    An exact name comes first, then names that begin so, then names with it, then the rest.
    """
    found = await services.resource_search.find(query, limit)
    return SearchAnswer(search_result_list=[FoundView.of_found(one) for one in found])
