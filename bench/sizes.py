"""How much of everything is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Rounds are measurements per row; ``requests`` those of each question to a home with very many trainings."""

    rounds: int = 15
    idle_seconds: float = 10.0
    trainings: int = 100_000
    requests: int = 300
    page_trainings: int = 10_000
    adopted: int = 50
    adopted_docker: int = 50
    queued: int = 10_000
    log_lines: int = 300_000
    printed_lines: int = 400_000
    large_mib: int = 256
    trials: int = 20
    ended_trials: int = 1000
    values: int = 100_000
    changes: int = 100
    serving_rounds: int = 3
    serving_seconds: float = 5.0


QUICK = Sizes(
    rounds=1, idle_seconds=0.5, trainings=1500, requests=20, page_trainings=300, adopted=3, adopted_docker=2,
    queued=200, log_lines=2000, printed_lines=2000, large_mib=4, trials=2, ended_trials=10, values=500,
    serving_rounds=0,
)  # fmt: skip
"""Shows that every row works but those of model servers and gateways, for which more is installed; nothing about speed."""
