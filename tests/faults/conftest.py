"""Faults are counted, and the count is shown: a fault test that met no fault proves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

_KILLS: Counter[str] = Counter()


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Count here what a test killed, by the moment; shown at the end of the run."""
    counted: Counter[str] = Counter()
    yield counted
    for moment, number in counted.items():
        _KILLS[f"{request.node.name}: {moment}"] += number


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _KILLS:
        terminalreporter.section("daemons killed")
        for moment, number in sorted(_KILLS.items()):
            terminalreporter.write_line(f"{number:4d}  {moment}")
        terminalreporter.write_line(f"{sum(_KILLS.values()):4d}  in all")
