"""What the tests of tunings share: scripts that do what their hyperparameters say, and short ways to ask and to look."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from easymaker_local.domain.tuning import TRANSITIONS, TuningStatus
from easymaker_local.testing.appliance import Appliance

PROCESS = pytest.mark.parametrize("driver", ["process"], indirect=True, scope="module")
"""For what no driver makes a difference to."""

TELLS = """\
import json, os, sys
from pathlib import Path
values = json.loads(os.environ["EM_HPS"])
variables = {name: value for name, value in os.environ.items() if name.startswith("EM_HP_")}
Path(os.environ["EM_MODEL_DIR"], "seen.json").write_text(json.dumps({"argv": sys.argv[1:], "env": variables}))
Path(os.environ["EM_CHECKPOINT_DIR"], "last.txt").write_text(values["optimizer"])
Path(os.environ["EM_TENSORBOARD_LOG_DIR"], "notes.txt").write_text("a run")
for epoch in range(4):
    loss = float(values["batch"]) / (epoch + 1) + len(values["optimizer"])
    print(f"epoch {epoch}: loss={loss}, val|f-1 = {epoch}e-1 learning=0.5")
print("loss=nan, and no newline loss = 40", end="")
"""

# Whatever it is told to print, in the middle of a line.
PRINTS = """\
import json, os, sys
values = json.loads(os.environ["EM_HPS"])
print("step 1:", values["line"], "and more")
sys.exit(int(values.get("code", "0")))
"""

# A bowl whose lowest point is where x is 3 and the kind is "good".
BOWL = """\
import json, os
values = json.loads(os.environ["EM_HPS"])
x, count = float(values["x"]), int(values["count"])
print(f"loss={(x - 3) ** 2 + count / 10 + (values['kind'] != 'good') + float(values['size'])}")
"""

# Ends when the bucket that it sees as a data set has a file of the name that it is given.
WAITS = """\
import json, os, time
values = json.loads(os.environ["EM_HPS"])
print("began", values["until"], "loss=0.5", flush=True)
while not os.path.exists(os.environ["EM_DATASET_SIGNALS"] + "/" + values["until"]):
    time.sleep(0.02)
print("ended loss=0.25", flush=True)
"""

# Node 0 alone is listened to.
NODES = """\
import json, os, time
rank, signal = os.environ["RANK"], json.loads(os.environ["EM_HPS"])["until"]
print("began", rank, "of", os.environ["WORLD_SIZE"], f"loss={1 - 2 * int(rank)}", flush=True)
while not os.path.exists(os.environ["EM_DATASET_SIGNALS"] + "/" + signal):
    time.sleep(0.02)
print("ended loss=0.25", flush=True)
"""

# Prints its value again and again; one that is told to stay goes on until it is ended.
STEPS = """\
import json, os, time
level = json.loads(os.environ["EM_HPS"])["level"]
for place in ("EM_CHECKPOINT_DIR", "EM_MODEL_DIR"):
    open(os.environ[place] + "/level", "w").close()
for step in range(3):
    print(f"loss={level}", flush=True)
while float(level) >= 5:
    time.sleep(0.02)
"""

SCRIPTS = {
    "tells.py": TELLS, "prints.py": PRINTS, "bowl.py": BOWL, "waits.py": WAITS, "nodes.py": NODES, "steps.py": STEPS,
    "train.py": "print('loss=1')\n",
}  # fmt: skip


def tune(appliance: Appliance, name: str, script: str, *specs: dict[str, Any], **body: Any) -> str:
    """Ask for a tuning of that name, a grid if nothing else is said; returns its id."""
    preset = {
        "hyperparameterTuningName": name, "entryPoint": script, "modelUploadUri": appliance.uri("models", name),
        "tuningStrategyName": "GRID", "hyperparameterSpecList": list(specs), "maxTrialCount": None,
        "datasetList": [{"datasetName": "signals", "dataUri": appliance.uri("signals")}],
    }  # fmt: skip
    return str(appliance.tuning(**{**preset, **body})["hyperparameterTuningId"])


def values(trial: dict[str, Any]) -> dict[str, str]:
    """Return the hyperparameters of a trial."""
    return {one["parameterName"]: one["parameterValue"] for one in trial["hyperparameterList"]}


def statuses(appliance: Appliance, tuning_id: str) -> list[str]:
    """Return the statuses of all trials, by number."""
    return [trial["trialStatusCode"] for trial in appliance.trials(tuning_id)]


def history(appliance: Appliance, tuning_id: str) -> list[str]:
    """Return the statuses that a tuning went through, each a step that the diagram has (HP-67)."""
    events = appliance.call("GET", f"/hyperparameter-tunings/{tuning_id}/events")["eventList"]
    found = [event["statusCode"] for event in events if event["type"] == "STATUS"]
    for before, after in pairwise(found):
        assert TuningStatus(after) in TRANSITIONS[TuningStatus(before)], found
    return found


def end(appliance: Appliance, tuning_id: str) -> tuple[str, str | None]:
    """Wait for the end of a tuning; returns its status and the detail or reason beside it."""
    ended = appliance.await_tuning(tuning_id)
    assert history(appliance, tuning_id)[-1] == ended["hyperparameterTuningStatusCode"]
    assert (ended["runningTrialCount"], ended["createdTrialCount"]) == (0, 0)
    return ended["hyperparameterTuningStatusCode"], ended["hyperparameterTuningStatusReason"]
