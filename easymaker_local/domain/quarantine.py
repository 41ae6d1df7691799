"""A row that cannot be read: what is still known of it, so that it can be shown and its workloads are left alone."""

from __future__ import annotations

from dataclasses import dataclass

from easymaker_local.errors import BrokenRecord


@dataclass(frozen=True)
class Quarantined:
    """``status`` as it stands in the row, which may be no status; ``problem`` is for people."""

    kind: str
    id: str
    name: str
    status: str
    is_finished: bool
    attempt: int
    created_at: float
    problem: str

    @property
    def error(self) -> BrokenRecord:
        """What whoever wants to work with it gets."""
        return BrokenRecord(
            f"The record of {self.kind} {self.id} is broken: {self.problem}. It is left alone, and so is what it runs.",
            hint="Delete it, or stop the daemon and bring its row back from a copy.",
        )
