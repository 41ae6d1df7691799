"""``endpoint statistics``, ``endpoint top``, ``stage statistics``: what the databases hold, told (DB-07…DB-09, GW-05)."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

from easymaker_local.domain.gateway import Api
from easymaker_local.testing.appliance import Appliance
from tests.api_statistics.records import add_calls, add_endpoint, counted, key
from tests.cli.cli_runner import Cli

ENDPOINTS = {"stat1": "shop", "stat2": "bank", "stat3": "park", "stat4": "cafe"}


@pytest.fixture(scope="module")
def counts(daemon: Appliance) -> Iterator[None]:
    """Calls of endpoints that nobody serves: the daemon only tells what is in its databases."""
    with contextlib.closing(sqlite3.connect(daemon.home / "state.db", timeout=30)) as db, db:
        for endpoint_id, name in ENDPOINTS.items():
            add_endpoint(db, endpoint_id, name, has_failed=True)
    found = {
        key("stat1-default", "m1"): counted(12, ok=7, broken=1), key("stat1-default", "m1", Api.INFER): counted(1500, ok=2),
        key("stat2-default"): counted(ok=30), key("stat3-default"): counted(wrong=1),
    }  # fmt: skip
    add_calls(daemon.home, found)
    add_calls(daemon.home, {key("stat4-default"): counted(ok=99)}, age=3 * 86_400)
    yield
    with contextlib.closing(sqlite3.connect(daemon.home / "state.db", timeout=30)) as db, db:
        db.execute("DELETE FROM stages WHERE endpoint_id LIKE 'stat%'")
        db.execute("DELETE FROM endpoints WHERE id LIKE 'stat%'")


pytestmark = pytest.mark.usefixtures("counts")


def test_statistics_of_an_endpoint(cli: Cli) -> None:
    """ST-09: a line for each API, and one for all."""
    shown = cli("endpoint", "statistics", "shop")
    assert shown.code == 0, shown.err
    lines = [line.split() for line in shown.out.splitlines()]
    assert lines[1][:8] == ["default", "-", "predict", "7", "2xx,", "1", "5xx", "8"]
    assert lines[2][2:7] == ["infer", "2", "2xx", "2", "2"]
    assert lines[2][8:10] == ["1.5", "s"]
    assert lines[3][0] == "all"
    assert "█" in shown.err
    found = cli("endpoint", "statistics", "shop", "--json").json
    assert (found["total"]["callCount"], found["total"]["failureCount"]) == (10, 1)
    assert cli("endpoint", "statistics", "stat1", "--from", "1h", "--json").json["total"] == found["total"]
    assert cli("stage", "statistics", "stat1-default", "--json").json["total"] == found["total"]


def test_a_period(cli: Cli) -> None:
    """DB-09."""
    nothing = cli("endpoint", "statistics", "cafe")
    assert (nothing.code, nothing.out) == (0, "")
    assert "Nothing was called." in nothing.err
    assert "From " in nothing.err
    assert cli("endpoint", "statistics", "cafe", "--from", "7d", "--json").json["total"]["callCount"] == 99
    assert cli("endpoint", "statistics", "cafe", "--from", "yesterday").code == 2


def test_the_most_called(cli: Cli) -> None:
    """DB-07, DB-09: three, of the last 24 hours."""
    shown = cli("endpoint", "top")
    assert [line.split()[0] for line in shown.out.splitlines()] == ["ENDPOINT", "bank", "shop", "park"]
    found = cli("endpoint", "top", "--json").json["endpointList"]
    assert [(each["endpointName"], each["calls"]["failureCount"]) for each in found] == [("bank", 0), ("shop", 1), ("park", 1)]
    first = cli("endpoint", "top", "-n", 1, "--from", "7d", "--json").json["endpointList"]
    assert [each["endpointName"] for each in first] == ["cafe"]


def test_no_such_endpoint(cli: Cli) -> None:
    assert cli("endpoint", "statistics", "nowhere").code == 3
    assert cli("stage", "statistics", "nowhere").code == 3
