"""What commands that list have in common: how many rows, which of them, in which order."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from easymaker_local.cli import output

T = TypeVar("T")


class By(StrEnum):
    """What a list goes by."""

    CREATED = "created"
    NAME = "name"
    STATUS = "status"


class ByWithoutStatus(StrEnum):
    """The same for what has no status."""

    CREATED = "created"
    NAME = "name"


ROWS = 50
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="The first N.")]
All = Annotated[bool, typer.Option("--all", help="All of them, however many.", show_default=False)]
Search = Annotated[
    str | None, typer.Option("--search", metavar="TEXT", help="Only those whose name has it, or whose id begins so.")
]
_SORT = "What the list goes by: the newest first, or from A to Z."
Sort = Annotated[By, typer.Option("--sort", help=_SORT)]
SortWithoutStatus = Annotated[ByWithoutStatus, typer.Option("--sort", help=_SORT)]
Reverse = Annotated[bool, typer.Option("--reverse", help="The other way round.", show_default=False)]

_WIRE = {"created": None, "name": "name", "status": "status"}


def rows(
    ask: Callable[..., list[T]], search: str | None, sort: By | ByWithoutStatus, limit: int, *, reverse: bool, everything: bool
) -> list[T]:
    """Return the rows that ``ask``, a call of the client's, has: all, or ``limit`` of them and say so if there are more."""
    is_by_date = sort == By.CREATED
    order = ("ASC" if is_by_date else "DESC") if reverse else None
    found = ask(keyword=search, sort_by=_WIRE[sort], sort_order=order, limit=None if everything else limit + 1)
    if everything or len(found) <= limit:
        return found
    which = "first" if not is_by_date else "oldest" if reverse else "newest"
    output.note(f"These are the {which} {limit}; for more: --limit N or --all")
    return found[:limit]
