"""A job's metrics while it runs and after it, on each driver: what it appends to its event file is in the next answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from easymaker_local.testing.appliance import Appliance, until
from easymaker_local.testing.event_writer import FILE, log

# Writes a half of a file that was prepared, and the other one when it is told to.
WRITES = """
import os, pathlib, time
whole = pathlib.Path("events").read_bytes()
folder = pathlib.Path(os.environ["EM_TENSORBOARD_LOG_DIR"], "train")
folder.mkdir()
with open(folder / "FILE", "wb") as file:
    file.write(whole[: len(whole) // 2 + 5])
    file.flush()
    while not pathlib.Path(os.environ["EM_MODEL_DIR"], "go").exists():
        time.sleep(0.02)
    file.write(whole[len(whole) // 2 + 5 :])
""".replace("FILE", FILE)


def test_metrics_of_a_training_that_runs_and_of_one_that_has_ended(appliance: Appliance, tmp_path: Path) -> None:
    """TB-01, TB-04, TB-L01, TR-34: without TensorBoard."""
    events = log(tmp_path, "loss", [4, 3, 2, 1])
    source = "code/metrics"
    appliance.put(source, {"train.py": WRITES, "events": events})
    training = appliance.training(
        trainingName="logs", sourceDirUri=appliance.uri(source), modelUploadUri=appliance.uri("models", "logs")
    )["trainingId"]

    def shown() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = appliance.call("GET", f"/trainings/{training}/metrics")["metricList"]
        return found

    (loss,) = until(shown, "the first values")
    assert loss["metricName"] == "train/loss"
    assert [point["value"] for point in loss["pointList"]] == [4, 3]
    (appliance.home / "work/training" / training / "node-0/model/go").touch()
    appliance.complete(training, 120)
    appliance.kill()
    appliance.start()
    (loss,) = shown()
    assert [(point["step"], point["value"]) for point in loss["pointList"]] == [(0, 4), (1, 3), (2, 2), (3, 1)]
