"""training metrics: what a training has logged, as a table, and one metric drawn (TR-34, TB-04)."""

from __future__ import annotations

import math

import pytest

from easymaker_local.artifacts.tensorboard_logs import TensorboardLogs
from easymaker_local.cli.metric_views import print_metric
from easymaker_local.client.shapes import TrainingMetric
from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.event_writer import log
from tests.cli.cli_runner import Cli


@pytest.fixture(scope="module")
def _logged(daemon: Appliance) -> None:
    (daemon.home / "storage" / "models").mkdir(parents=True, exist_ok=True)
    daemon.put("code", {"train.py": ""})
    for name in ("logged", "silent"):
        made = daemon.training(trainingName=name, experimentId=daemon.experiment("metrics"))
        daemon.await_status(made["trainingId"])
        if name == "logged":
            run = TensorboardLogs(daemon.home / "tensorboard").runs()[made["trainingId"]]
            log(run, "loss", [4, 1, 2])
            log(run / "train", "bad\x1b[31m", [math.nan])


def test_all_metrics_have_a_line(cli: Cli, _logged: None) -> None:
    done = cli("training", "metrics", "logged")
    assert done.code == 0, done.err
    heading, loss, bad = [line.split() for line in done.out.splitlines()]
    assert heading == ["METRIC", "VALUES", "FIRST", "LATEST", "MIN", "MAX", "COURSE"]
    assert loss == ["loss", "3", "4", "2", "1", "4", "█▁▃"]
    assert bad[1:] == ["1", "no", "number", "no", "number", "-", "-", "-"]
    assert "\x1b" not in done.out
    assert [one["metricName"] for one in cli("training", "metrics", "logged", "--json").json] == ["loss", "train/bad\x1b[31m"]


def test_one_metric_is_drawn(cli: Cli, _logged: None) -> None:
    done = cli("training", "metrics", "logged", "--metric", "loss")
    assert done.code == 0, done.err
    rows = [line for line in done.out.splitlines() if "┤" in line]
    assert [line.count("•") for line in rows if "•" in line] == [1, 1, 1]
    assert rows[0].startswith("4 ┤•")
    assert done.out.splitlines()[-1].split() == ["0", "2"], "the first and the last step"
    (found,) = cli("training", "metrics", "logged", "--metric", "loss", "--json").json
    assert [point["value"] for point in found["pointList"]] == [4, 1, 2]


def test_what_is_not_there(cli: Cli, _logged: None) -> None:
    silent = cli("training", "metrics", "silent")
    assert (silent.code, silent.out) == (0, "")
    assert "EM_TENSORBOARD_LOG_DIR" in silent.err
    assert cli("training", "metrics", "silent", "--json").json == []
    assert cli("training", "metrics", "nobody").code == 3
    missing = cli("training", "metrics", "logged", "--metric", "accuracy")
    assert missing.code == 3
    assert "It has loss, train/bad" in missing.err
    assert "\x1b" not in missing.err
    assert "It has logged none." in cli("training", "metrics", "silent", "--metric", "loss").err


@pytest.mark.parametrize(
    "rows", [[(7, 1.0)], [(-3, 0.0), (1 << 60, 1.7e308), (1 << 61, -1.7e308)], [(0, None), (5, 1e-9), (6, 1e9)], [(1, None)]]
)
def test_whatever_was_logged_is_drawn(rows: list[tuple[int, float | None]], capsys: pytest.CaptureFixture[str]) -> None:
    metric: TrainingMetric = {
        "metricName": "m", "pointCount": len(rows),
        "pointList": [{"step": step, "value": value, "datetime": "2026-01-01T00:00:00.000+00:00"} for step, value in rows],
    }  # fmt: skip
    print_metric(metric)
    drawn = capsys.readouterr().out
    finite = [value for _, value in rows if value is not None]
    assert drawn.count("•") == len(finite)
    assert ("powers of ten" in drawn) == (finite == [1e-9, 1e9])
