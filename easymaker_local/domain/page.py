"""Pages of lists: what is asked for and in which order (our addition; the SDK knows neither, rest-api §1.6)."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar


class SortBy(StrEnum):
    """What a list goes by; among equals the newest is first."""

    CREATED = "createdDatetime"
    NAME = "name"
    STATUS = "status"


class SortOrder(StrEnum):
    """In which direction it goes."""

    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True)
class Order:
    """The order of a list. Its opposite turns all of it around, also which of equals is first: one index serves both."""

    by: SortBy = SortBy.CREATED
    direction: SortOrder = SortOrder.DESC

    @classmethod
    def of(cls, by: SortBy, direction: SortOrder | None) -> Order:
        """Return an order; dates go from the newest on, words from A to Z, unless something else is said."""
        return cls(by, direction or (SortOrder.DESC if by is SortBy.CREATED else SortOrder.ASC))

    @property
    def is_turned(self) -> bool:
        """True if it goes against the usual direction."""
        return self != Order.of(self.by, None)

    def __str__(self) -> str:
        return f"sortBy={self.by}&sortOrder={self.direction}"


NEWEST_FIRST = Order()


@dataclass(frozen=True)
class Cursor:
    """The place after a row of a list in an order; ``value`` is what the row has of that, "" if only its time counts.

    A place and no number of rows, so that what is created or deleted meanwhile neither doubles nor hides a row, and the last
    page costs what the first does.
    """

    created_at: float
    id: str
    order: Order = NEWEST_FIRST
    value: str = ""

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what ``str`` wrote; raises ValueError."""
        fields = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        if not isinstance(fields, list) or [type(field) for field in fields] != [str, str, str, float, str]:
            raise ValueError(f"{text!r} is no cursor")
        by, direction, value, created_at, resource_id = fields
        if not resource_id or not math.isfinite(created_at):
            raise ValueError(f"{text!r} is no cursor")
        return cls(created_at, resource_id, Order(SortBy(by), SortOrder(direction)), value)

    def __str__(self) -> str:
        fields = [self.order.by, self.order.direction, self.value, self.created_at, self.id]
        return base64.urlsafe_b64encode(json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()).decode()


@dataclass(frozen=True)
class PageRequest:
    """Which part of a list is wanted, in which order: ``count`` rows at most, None: all, after a place.

    ``keyword`` leaves those of which it is a part of the name, whatever the case, or the beginning of the id. ``with_total``
    counts all that meet the conditions.
    """

    order: Order = NEWEST_FIRST
    keyword: str | None = None
    after: Cursor | None = None
    count: int | None = None
    with_total: bool = False


EVERYTHING = PageRequest()
"""The whole list, newest first."""

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, where the next ones begin, None: there are no more, and how many there are in all, if that was asked."""

    rows: Sequence[T]
    after: Cursor | None = None
    total: int | None = None

    def with_rows(self, rows: Sequence[U]) -> Page[U]:
        """Return the same page of other rows, made from its own."""
        return Page(rows, self.after, self.total)
