"""``disk`` and ``reclaim`` as a person uses them, on a home of their own."""

from __future__ import annotations

from pathlib import Path

from easymaker_local.testing.appliance import Appliance
from tests.cli.cli_runner import in_this_process


def test_disk_is_shown_and_given_back(fresh: Appliance) -> None:
    old: Path = fresh.home / "environments" / "pytorch-train-2.13.0-cpu-000000000000"
    old.mkdir(parents=True)
    (old / "file").write_bytes(b"x" * 5_000_000)
    (old / "easymaker-ready.json").write_text("{}")
    fresh.put("data", {"rows.csv": "a,b\n"})
    fresh.start()
    cli = in_this_process(fresh.environment)

    shown = cli("disk")
    assert shown.code == 0
    assert "bucket        data" in shown.out
    assert "No image of the catalogue has this content any more." in shown.out
    assert "are free." in shown.out
    assert "4.8 MiB can be had back: easymaker-local reclaim\n" in shown.err
    entries = {entry["name"]: entry for entry in cli("disk", "--json").json["entryList"]}
    assert entries["data"]["reclaimableReason"] is None

    assert cli("reclaim", stdin="n\n").code == 1
    assert old.exists(), "who says no keeps everything"
    freed = cli("reclaim", "--yes")
    assert (freed.code, freed.err) == (0, "4.8 MiB are freed.\n")
    assert str(old) in freed.out
    assert not old.exists()
    assert (fresh.home / "storage" / "data" / "rows.csv").exists()
    again = cli("reclaim", "--yes")
    assert (again.code, again.err) == (0, "Everything on the disk is needed.\n")
    assert cli("reclaim", "--json").json == {"freedList": [], "keptList": []}
