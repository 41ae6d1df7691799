"""Metrics in a job's output (HP-26, HP-27, HP-39) and the box in which a format is tried (HP-L04)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.metric_check import MAXIMUM_LINES, check
from easymaker_local.domain.metric_lines import DEFAULT_REGEX, Found, MetricRegex, read_lines

PYTORCH = "([\\w|-]+)\\s*=\\s*([+-]?\\d*(\\.\\d+)?([Ee][+-]?\\d+)?)"
KERAS = "([\\w|-]+)\\s*:\\s*([+-]?\\d*(\\.\\d+)?([Ee][+-]?\\d+)?)"
TRAINER = "'([\\w|-]+)'\\s*:\\s*([+-]?\\d*(\\.\\d+)?([Ee][+-]?\\d+)?)"
DETECTION = "'([AP|AR]+-IoU=0.50:0.95-area=all-maxDets=100)':\\s([+-]?\\d*(\\.\\d+)?([Ee][+-]?\\d+)?)"


@pytest.mark.parametrize(
    ("regex", "line", "found"),
    [
        (PYTORCH, "epoch 3 Validation-accuracy=0.93 Validation-loss = 1.2e-1",
         [("Validation-accuracy", 0.93), ("Validation-loss", 0.12)]),
        (KERAS, "8/8 - 0s - loss: 1.0953 - accuracy: 0.25 - val_loss: 1.05",
         [("loss", 1.0953), ("accuracy", 0.25), ("val_loss", 1.05)]),
        (TRAINER, "{'eval_loss': 0.25, 'epoch': 1.0}", [("eval_loss", 0.25), ("epoch", 1.0)]),
        (DETECTION, "{'AP-IoU=0.50:0.95-area=all-maxDets=100': 0.41}", [("AP-IoU=0.50:0.95-area=all-maxDets=100", 0.41)]),
        (DEFAULT_REGEX, "loss=-.5 lr=+1E3", [("loss", -0.5), ("lr", 1000.0)]),
        (DEFAULT_REGEX, "loss = nan accuracy = none", []),
        (DEFAULT_REGEX, "nothing of this kind", []),
    ],
)  # fmt: skip
def test_the_formats_of_the_vendors_samples_find_their_metrics(regex: str, line: str, found: list[tuple[str, float]]) -> None:
    """HP-27, HP-39: in order of appearance, whatever the line says else."""
    names = {"Validation-accuracy", "Validation-loss", "loss", "accuracy", "val_loss", "eval_loss", "epoch", "lr"}
    names.add("AP-IoU=0.50:0.95-area=all-maxDets=100")
    assert read_lines([line], MetricRegex(regex), names, "loss").found == [Found(*one) for one in found]


def test_names_match_exactly() -> None:
    """HP-39."""
    read = read_lines(["loss=1 Loss=2 my-loss=3 loss2=4"], MetricRegex(DEFAULT_REGEX), {"loss"}, "loss")
    assert read.found == [Found("loss", 1.0)]


def test_the_first_line_that_just_misses_the_objective_is_remembered() -> None:
    """HP-75: shown where the objective stays unavailable."""
    lines = ["starting", "accuracy=0.5", "loss is 0.25", "loss -> 0.1"]
    assert read_lines(lines, MetricRegex(DEFAULT_REGEX), {"loss", "accuracy"}, "loss").almost == "loss is 0.25"


def test_no_expression_stalls_the_reader() -> None:
    """One that takes a backtracking engine longer than the universe lasts."""
    line = "a" * 50_000
    assert read_lines([line], MetricRegex(r"(a+)+(b)$"), {"a"}, "a").found == []


@given(st.text(max_size=200), st.sampled_from([PYTORCH, KERAS, TRAINER, DETECTION]))
def test_any_line_can_be_read(line: str, regex: str) -> None:
    found = read_lines([line], MetricRegex(regex), {"loss"}, "loss").found
    assert all(one.name == "loss" for one in found)
    check(line, MetricRegex(regex), ["loss"])


def test_the_box_shows_metrics_their_lines_and_what_is_missed() -> None:
    """HP-L04."""
    log = "loss=2\nhello\nloss=1 acc=0.5\nloss: 7\nloss = nan"
    found = check(log, MetricRegex(DEFAULT_REGEX), ["loss", "f1"])
    assert [(m.name, m.count, m.minimum, m.maximum, m.latest) for m in found.metrics] == [("loss", 2, 1.0, 2.0, 1.0)]
    assert found.missing == ("f1",)
    assert [(line.number, line.is_almost) for line in found.lines] == [(1, False), (3, False), (4, True), (5, True)]
    assert [(m.name, m.text, m.value, m.is_collected) for m in found.lines[1].matches] == [
        ("loss", "1", 1.0, True), ("acc", "0.5", 0.5, False),
    ]  # fmt: skip


def test_without_names_everything_that_is_found_counts() -> None:
    found = check("loss=2\nacc=0.5", MetricRegex(DEFAULT_REGEX), [])
    assert [m.name for m in found.metrics] == ["loss", "acc"]


def test_a_long_log_is_counted_whole_and_shown_in_part() -> None:
    found = check("loss=1\n" * (MAXIMUM_LINES + 5), MetricRegex(DEFAULT_REGEX), ["loss"])
    assert (len(found.lines), found.line_count, found.metrics[0].count) == (MAXIMUM_LINES, MAXIMUM_LINES + 5, MAXIMUM_LINES + 5)
