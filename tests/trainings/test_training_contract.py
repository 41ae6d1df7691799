"""What a script finds when it begins: its arguments, its environment, its directories (HY, EV), on the plain image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.wheels import make_wheel
from tests.conftest import MakeAppliance

DUMP = """
import argparse, json, os, sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--batch_size", type=int)
known, _ = parser.parse_known_args()
directories = {name: os.environ[name] for name in os.environ if name.endswith("_DIR") and name.startswith("EM_")}
writable = {}
for name, path in directories.items():
    try:
        Path(path, "probe").touch()
        writable[name] = True
    except OSError:
        writable[name] = False
datasets = json.loads(os.environ["EM_DATASETS"])
seen = {
    "argv": sys.argv[1:], "env": dict(os.environ), "parsed": vars(known), "cwd": os.getcwd(), "writable": writable,
    "directories": {name: os.path.isabs(path) and os.path.isdir(path) for name, path in directories.items()},
    "data": {name: Path(path, "rows.csv").read_text() for name, path in datasets.items()},
    "source": sorted(os.listdir(os.environ["EM_SOURCE_DIR"])),
}
Path(os.environ["EM_MODEL_DIR"], "seen.json").write_text(json.dumps(seen))
"""

PARAMETERS = {
    "epochs": "3",
    "batch_size": "16",
    "model_version": "v1.2",
    "blanks": "two words  and more ",
    "quotes": 'it\'s "quoted" and `ticked`',
    "shell": "$HOME; rm -rf * && echo > x | y \\ %s",
    "unicode": "학습 ノート é 🙂",
    "lines": "first\nsecond",
    "empty": "",
    "dash": "--not-an-option",
    "learning-rate.0": "1e-3",
}


def run(appliance: Appliance, name: str, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the script and return what it saw, and the training."""
    appliance.put("code", {"contract/sub/dump.py": DUMP, "contract/helper.py": "", "contract/sub/data.txt": "beside"})
    request = {
        "sourceDirUri": appliance.uri("code", "contract"), "entryPoint": "sub/dump.py",
        "modelUploadUri": appliance.uri("models", name),
    }  # fmt: skip
    training = appliance.training(trainingName=name, **{**request, **body})
    ended = appliance.await_status(training["trainingId"])
    assert ended["trainingStatusCode"] == "COMPLETE", (ended["statusReason"], appliance.log(ended["trainingId"]))
    seen: dict[str, Any] = json.loads((appliance.home / "storage/models" / name / "seen.json").read_text())
    return seen, ended


def test_arguments_and_environment(appliance: Appliance, driver: str) -> None:
    appliance.put("data", {"train/rows.csv": "train", "my data/rows.csv": "mine", "checkpoints/cp.pt": "state"})
    datasets = {"train": appliance.uri("data", "train"), "my data-2": appliance.uri("data", "my data")}
    seen, _ = run(
        appliance, "everything",
        hyperparameterList=[{"parameterName": n, "parameterValue": v} for n, v in PARAMETERS.items()],
        datasetList=[{"datasetName": name, "dataUri": uri} for name, uri in datasets.items()],
        checkPointInputUri=appliance.uri("data", "checkpoints"),
        checkPointUploadUri=appliance.uri("models", "everything-checkpoints"),
    )  # fmt: skip
    env = seen["env"]
    # HY-02, HY-05: --{Key} value, in the order of entry, each value one argument, whatever is in it.
    assert seen["argv"] == [text for name, value in PARAMETERS.items() for text in (f"--{name}", value)]
    # HY-04: parse_known_args() reads its own and leaves the rest.
    assert seen["parsed"] == {"epochs": 3, "batch_size": 16}
    # HY-03, EV-11, and HY-06 for what no variable name may hold.
    assert env["EM_HP_MODEL_VERSION"] == "v1.2"
    variables = {"EM_HP_" + name.upper().translate(str.maketrans("-.", "__")): value for name, value in PARAMETERS.items()}
    assert {name: value for name, value in env.items() if name.startswith("EM_HP_")} == variables
    # EV-12, EV-16: keys as entered.
    assert json.loads(env["EM_HPS"]) == PARAMETERS
    # EV-02, EV-06, EV-07, EV-16: the data is there, under both names.
    assert seen["data"] == {"train": "train", "my data-2": "mine"}
    assert json.loads(env["EM_DATASETS"]) == {"train": env["EM_DATASET_TRAIN"], "my data-2": env["EM_DATASET_MY_DATA_2"]}
    # EV-04, EV-05: the whole algorithm, and where in it the entry point is.
    assert seen["source"] == ["helper.py", "probe", "sub"]
    assert seen["cwd"] == env["EM_SOURCE_DIR"]
    assert env["EM_ENTRY_POINT"] == "sub/dump.py"
    # EV-08, EV-09, EV-10, EV-13, EV-17: absolute directories that exist; what is to be written can be.
    names = {"EM_SOURCE_DIR", "EM_MODEL_DIR", "EM_CHECKPOINT_DIR", "EM_CHECKPOINT_INPUT_DIR", "EM_TENSORBOARD_LOG_DIR"}
    assert seen["directories"] == dict.fromkeys(names, True)
    outputs = names - {"EM_CHECKPOINT_INPUT_DIR"}
    assert {name for name in outputs if seen["writable"][name]} == outputs
    # EV-14, EV-15: the appliance's own (EV-L01).
    assert (env["EM_REGION"], env["EM_APPKEY"]) == ("local", "local")
    # Neither the user's token nor any setting of the daemon gets into a job.
    assert appliance.token not in json.dumps(env)
    assert not [name for name in env if name.startswith("EASYMAKER_LOCAL_")]
    if driver == "docker":
        # Inputs are mounted read-only.
        assert seen["writable"]["EM_CHECKPOINT_INPUT_DIR"] is False


def test_nothing_given(appliance: Appliance) -> None:
    seen, _ = run(appliance, "nothing")
    env = seen["env"]
    assert seen["argv"] == []
    assert (json.loads(env["EM_HPS"]), json.loads(env["EM_DATASETS"])) == ({}, {})
    # EV-17: unset, since the sample reads it with default None; DT-02, DT-05: one node is no cluster.
    absent = {"EM_CHECKPOINT_INPUT_DIR", "TF_CONFIG", "MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK"}
    assert absent.isdisjoint(env)
    assert not [name for name in env if name.startswith(("EM_HP_", "EM_DATASET_"))]
    assert all(seen["directories"].values())


def test_same_script_runs_with_other_directories(appliance: Appliance, driver: str) -> None:
    """EV-L01: below one fixed parent in a container, on the host where paths are not private."""
    seen, ended = run(appliance, "directories")
    directories = {name: value for name, value in seen["env"].items() if name.startswith("EM_") and name.endswith("_DIR")}
    parent = Path("/easymaker")
    if driver == "process":
        parent = appliance.home / "work" / "training" / ended["trainingId"] / "node-0"
    parents = dict.fromkeys(directories, parent)
    if driver == "process":
        # TB-L01: where TensorBoard reads it.
        parents["EM_TENSORBOARD_LOG_DIR"] = appliance.home / "tensorboard" / ended["experiment"]["experimentId"]
    assert {name: Path(path).parent for name, path in directories.items()} == parents


NODES = """
import json, os
from pathlib import Path
mine = {name: os.environ[name] for name in ("TF_CONFIG", "MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK", "EM_HPS")}
print(json.dumps(mine))
for directory in ("EM_MODEL_DIR", "EM_CHECKPOINT_DIR"):
    Path(os.environ[directory], "node-" + mine["RANK"]).write_text(mine["RANK"])
"""


def test_every_node_knows_the_others(appliance: Appliance) -> None:
    appliance.put("code", {"nodes/train.py": NODES})
    training = appliance.training(
        sourceDirUri=appliance.uri("code", "nodes"), instanceCount=3, modelUploadUri=appliance.uri("models", "nodes"),
        checkPointUploadUri=appliance.uri("models", "nodes-checkpoints"),
        hyperparameterList=[{"parameterName": "a", "parameterValue": "b"}],
    )["trainingId"]  # fmt: skip
    ended = appliance.await_status(training)
    assert ended["trainingStatusCode"] == "COMPLETE", ended["statusReason"]
    # DT-01: the code ran on each node; DT-07: each node's lines apart.
    nodes = [json.loads(appliance.log(training, node)) for node in range(3)]
    # DT-05
    assert [(node["RANK"], node["WORLD_SIZE"]) for node in nodes] == [("0", "3"), ("1", "3"), ("2", "3")]
    assert len({(node["MASTER_ADDR"], node["MASTER_PORT"]) for node in nodes}) == 1
    # DT-02, DT-03: the same workers in the same order everywhere, and one's own place among them.
    configurations = [json.loads(node["TF_CONFIG"]) for node in nodes]
    workers = configurations[0]["cluster"]["worker"]
    assert len(set(workers)) == 3
    for index, configuration in enumerate(configurations):
        assert configuration == {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
    assert f"{nodes[0]['MASTER_ADDR']}:{nodes[0]['MASTER_PORT']}" not in workers
    # EV-19
    assert [json.loads(node["EM_HPS"]) for node in nodes] == [{"a": "b"}] * 3
    # DT-07: outputs are node 0's.
    for place in ("nodes", "nodes-checkpoints"):
        assert [path.name for path in (appliance.home / "storage/models" / place).iterdir()] == ["node-0"]


def test_requirements_come_from_the_wheelhouse_without_a_network(make_appliance: MakeAppliance, tmp_path: Path) -> None:
    """TR-11, TR-L06: what the wheelhouse has is not asked of an index, which offline would mean waiting in vain."""
    make_wheel(tmp_path / "wheels", "tiny_package_of_ours", "1.2")
    offline = make_appliance(wheelhouse=str(tmp_path / "wheels"))
    offline.start()
    script = "import tiny_package_of_ours; print('version', tiny_package_of_ours.VERSION)"
    offline.put("code", {"train.py": script, "requirements.txt": "tiny-package-of-ours\n"})
    training = offline.training()
    offline.await_status(training["trainingId"], "COMPLETE")
    log = offline.log(training["trainingId"])
    assert log.endswith("version 1.2\n")
    assert "Looking in links" in log
    assert "Looking in indexes" not in log
