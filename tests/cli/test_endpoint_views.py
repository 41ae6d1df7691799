"""Stages and what they take, in words."""

from __future__ import annotations

from typing import Any, cast

import pytest

from easymaker_local.cli.api_statistics import _time
from easymaker_local.cli.endpoint_views import print_default_preview, print_resources


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed goes to a file, as wide as it takes."""
    monkeypatch.delenv("COLUMNS", raising=False)


def resource(**fields: Any) -> Any:
    plain = {
        "endpointModelId": "0123456789abcdef", "model": {"modelName": "iris"}, "endpointModelStatusCode": "ACTIVE",
        "isAsleep": False, "runningPodCount": 1, "podCount": 1, "resourceOptionDetail": None, "podAutoScaler": None,
        "apigwEndpointUri": "host/iris", "statusReason": None, "warningList": [],
    }  # fmt: skip
    return {**plain, **fields}


@pytest.mark.parametrize(
    ("enable", "code", "minutes", "words"),
    [
        (True, "CPU_UTILIZATION", 10.0, "cpu 50 %, sleeps after 10 min"), (True, "MEMORY_UTILIZATION", 0, "memory 50 %"),
        (True, "REQUESTS", 0, "50 requests a pod"), (False, "CPU_UTILIZATION", 0.5, "sleeps after 0.5 min"),
    ],
)  # fmt: skip
def test_how_a_model_scales(
    capsys: pytest.CaptureFixture[str], enable: bool, code: str, minutes: float, words: str
) -> None:  # fmt: skip
    """AS-13…AS-15: in the table of a stage's models."""
    scaler = {
        "podAutoScaleEnable": enable, "scaleMetricCode": code, "scaleMetricTarget": 50, "scaleToZeroIdleMinutes": minutes,
    }  # fmt: skip
    print_resources([resource(podAutoScaler=scaler)])
    heading, line = capsys.readouterr().out.splitlines()
    assert "SCALING" in heading
    assert f"   {words}   " in line


def test_reasons_are_told_in_full_and_lines_are_no_longer_than_their_words(capsys: pytest.CaptureFixture[str]) -> None:
    """GN-21: a list has 60 characters for it; the words of a server are longer."""
    message = "The model server ended: " + "no weights here, " * 9 + "none\nlast line"
    print_resources([resource(statusReason={"code": "START_FAILED", "message": message})])
    out = capsys.readouterr().out
    assert f"iris: {message}" in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_only_what_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """RI-02."""
    missing = {"cpu": "1", "memory": "0Mi", "gpu": "0"}
    fit = {"isFitting": False, "missing": missing, "message": None, "heldByList": [{"kind": "stage", "name": "shop/a"}]}
    preview = {
        "newStage": None, "deletedStage": None, "isPossible": True, "refusal": None, "needsStopFirst": False, "fit": fit,
        "waitSeconds": None,
    }  # fmt: skip
    print_default_preview(cast(Any, preview))
    assert "no: 1 vCPU missing, held by stage shop/a" in capsys.readouterr().out


@pytest.mark.parametrize(("ms", "words"), [(None, None), (0, "< 1 ms"), (0.5, "< 1 ms"), (1, "1 ms"), (1500, "1.5 s")])
def test_times_of_calls(ms: float | None, words: str | None) -> None:
    assert _time(ms) == words
