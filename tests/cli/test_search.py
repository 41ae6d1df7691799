"""``search``: everything at once."""

from __future__ import annotations

from tests.cli.cli_runner import Cli


def test_resources_are_found(cli: Cli) -> None:
    made = cli("experiment", "create", "needle in hay", "--description", "thread").out.strip()
    shown = cli("search", "NEEDLE")
    assert shown.code == 0, shown.err
    assert shown.out.splitlines()[1].split()[:6] == [made[:8], "experiment", "needle", "in", "hay", "ACTIVE"]
    assert [one["resourceId"] for one in cli("search", "thread", "--json").json] == [made]
    assert [one["resourceId"] for one in cli("search", made[:10], "--json").json] == [made]
    assert "image" in {one["kind"] for one in cli("search", "python", "--json").json}


def test_nothing_is_found(cli: Cli) -> None:
    found = cli("search", "there is no such word")
    assert (found.code, found.out) == (0, "")
    assert "Nothing fits." in found.err
