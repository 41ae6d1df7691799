"""One search over everything that a user may look for: resources of every kind, and images."""

from __future__ import annotations

import sqlite3

from easymaker_local.domain.resource import Reference, ResourceKind
from easymaker_local.services.context import Context
from easymaker_local.store import resource_search
from easymaker_local.store.resource_search import Found, Match


class ResourceSearch:
    """Only looks."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def find(self, text: str, count: int) -> list[Found]:
        """Return up to ``count`` of what fits, best first: exact name, name that begins so, name with it, the rest."""

        def read(db: sqlite3.Connection) -> list[Found]:
            found: list[Found] = []
            for match in Match:
                if len(found) < count:
                    fitting = [*resource_search.find(db, text, match, count), *self._images(text, match)]
                    found += sorted(fitting, key=lambda one: _place(one, match))
            return found[:count]

        return await self._context.store.read(read)

    def _images(self, text: str, match: Match) -> list[Found]:
        wanted = text.lower()
        return [
            Found(Reference(ResourceKind.IMAGE, image.id, image.name), None, None, None)
            for image in self._context.catalogue.list()
            if _match(wanted, image.id.lower(), image.name.lower(), image.description.lower()) is match
        ]


def _match(wanted: str, id_: str, name: str, description: str) -> Match | None:
    if wanted == name:
        return Match.EXACT_NAME
    if wanted in name:
        return Match.NAME_BEGINS if name.startswith(wanted) else Match.NAME_CONTAINS
    return Match.REST if id_.startswith(wanted) or wanted in description else None


def _place(found: Found, match: Match) -> tuple[str, float, str]:
    """Names that begin so go from A to Z, anything else from the newest on; what has no time comes last."""
    return found.resource.name.lower() if match is Match.NAME_BEGINS else "", -(found.created_at or 0.0), found.resource.id
