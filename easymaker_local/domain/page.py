"""Pages of lists that go from the newest to the oldest (our addition; the SDK knows none, rest-api §1.6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


@dataclass(frozen=True)
class Cursor:
    """The place after a row: rows go by ``created_at``, newest first, and by id where that is equal.

    A place and no number of rows, so that what is created or deleted meanwhile neither doubles nor hides a row, and the last
    page costs what the first does.
    """

    created_at: float
    id: str

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what ``str`` wrote; raises ValueError."""
        moment, separator, resource_id = text.partition("_")
        created_at = float(moment)
        if not separator or not resource_id or not math.isfinite(created_at):
            raise ValueError(f"{text!r} is no cursor")
        return cls(created_at, resource_id)

    def __str__(self) -> str:
        return f"{self.created_at!r}_{self.id}"


class Listed(Protocol):
    """What can be listed in pages."""

    @property
    def id(self) -> str:
        """Unique."""
        ...

    @property
    def created_at(self) -> float:
        """Epoch seconds."""
        ...


T = TypeVar("T")
L = TypeVar("L", bound=Listed)


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, and where the next ones begin; None: there are no more."""

    rows: Sequence[T]
    after: Cursor | None


def cut(rows: Sequence[L], count: int) -> Page[L]:
    """Make a page of ``count`` rows out of up to one more, which tells that more follow."""
    kept = rows[:count]
    return Page(kept, Cursor(kept[-1].created_at, kept[-1].id) if len(rows) > count else None)
