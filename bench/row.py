"""One measurement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table. ``ratio`` is ours ÷ reference where there is a reference; seconds and MiB otherwise."""

    name: str
    ours: float
    reference: float | None
    unit: str
    budget: str
    within: bool

    @property
    def ratio(self) -> float | None:
        return None if self.reference is None else self.ours / self.reference
