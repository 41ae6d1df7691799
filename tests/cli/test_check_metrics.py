"""``easymaker-local tuning check-metrics`` (HP-L04)."""

from __future__ import annotations

from pathlib import Path

from tests.cli.cli_runner import Cli

LOG = "epoch 1 loss=2.5 accuracy=0.5\nepoch 2 loss=0.5 accuracy=0.75\nf1 is 0.7\n"


def test_a_format_that_finds_every_metric_says_what_it_found(cli: Cli, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG)
    done = cli("tuning", "check-metrics", "--log", log, "--metric", "loss", "--metric", "accuracy")
    assert done.code == 0
    assert [line.split() for line in done.out.splitlines()[1:]] == [
        ["loss", "2", "0.5", "2.5", "0.5"], ["accuracy", "2", "0.5", "0.75", "0.75"],
    ]  # fmt: skip


def test_a_metric_that_is_missed_fails_and_shows_the_lines_that_came_near(cli: Cli) -> None:
    done = cli("tuning", "check-metrics", "--log", "-", "--metric", "f1", stdin=LOG)
    assert done.code == 1
    assert "No value of 'f1'" in done.err
    assert "f1 is 0.7" in done.out
    fixed = cli("tuning", "check-metrics", "--log", "-", "--metric", "f1", "--regex", r"(\w+) is (\S+)", "--json", stdin=LOG)
    assert (fixed.code, fixed.json["metricList"][0]["latest"]) == (0, 0.7)


def test_a_format_that_is_none_is_refused_by_its_field(cli: Cli) -> None:
    done = cli("tuning", "check-metrics", "--log", "-", "--regex", "(loss", stdin=LOG)
    assert done.code == 5
    assert "metricRegex" in done.err


def test_bytes_that_are_no_text_are_no_hindrance(cli: Cli, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\xff\xfe loss=1\n")
    for where, stdin in ((str(log), None), ("-", b"\xff\xfe loss=1\n")):
        done = cli("tuning", "check-metrics", "--log", where, "--metric", "loss", stdin=stdin)
        assert done.code == 0, done.err


def test_a_log_that_cannot_be_read_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    assert cli("tuning", "check-metrics", "--log", tmp_path / "none").code == 2
