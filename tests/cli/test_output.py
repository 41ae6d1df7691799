"""Times, sizes and colours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from easymaker_local.cli import output
from easymaker_local.cli.endpoint_views import print_default_preview
from easymaker_local.client.endpoint_shapes import DefaultStagePreview
from easymaker_local.domain.experiment import ExperimentStatus
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.testing.appliance import Appliance
from tests.cli.cli_runner import as_program

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (59, "59s ago"), (61, "1m ago"), (7300, "2h ago"), (200000, "2d ago"), (-3, "just now")],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    assert output.ago((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (59.9, "59s"), (60, "1m"), (61, "1m 1s"), (3600, "1h"), (3661, "1h 1m"), (2592000, "30d")]
)
def test_durations(seconds: float, words: str) -> None:
    assert output.duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (1 << 50, "1024.0 TiB")]
)
def test_sizes(count: int, words: str) -> None:
    assert output.size(count) == words


def test_a_change_that_goes_with_stop_first_only_is_no_plain_yes(capsys: pytest.CaptureFixture[str]) -> None:
    """EP-L02: what the preview calls possible, the command that it names does."""
    stage = {"endpointStageId": "s", "endpointStageName": "next", "endpointStageStatusCode": "CREATE_REQUESTED"}
    found: DefaultStagePreview = {
        "newStage": stage, "deletedStage": {**stage, "endpointStageName": "default"}, "isPossible": True, "refusal": None,
        "needsStopFirst": True, "fitsBesideDefault": False, "fit": None, "waitSeconds": 2.5,
    }  # fmt: skip
    print_default_preview(found)
    out = capsys.readouterr().out
    assert "only with --stop-first" in out
    assert "about 2s" in out
    print_default_preview({**found, "needsStopFirst": False, "fitsBesideDefault": True})
    assert "--stop-first" not in capsys.readouterr().out


def test_every_status_has_a_colour() -> None:
    assert {*TrainingStatus, *ExperimentStatus} <= set(output.STATUS_STYLES)


def test_names_cannot_move_the_cursor() -> None:
    assert output.clean("a\x1b[2Jb\nc") == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c"


def test_what_is_piped_holds_no_control_codes_and_is_not_cut(daemon: Appliance) -> None:
    done = as_program(daemon.environment)("image", "list")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert any(line.startswith("plain ") and "Plain Python" in line for line in done.out.splitlines())
