"""Hyperparameter tunings through the vendor's SDK 2.1.5 (SD-01…SD-04, rest-api §6.6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.sdk import Script

EXAMPLES = Path(__file__).parents[2] / "examples"
# The first test on a machine prepares the environment.
PREPARATION_SECONDS = 1500

TUNED = """\
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--optimizer")
found = parser.parse_args()
for step in range(3):
    print(f"step {step}: loss = {found.lr + 3 - step}, f1={1 - found.lr}")
open(os.environ["EM_MODEL_DIR"] + "/model.txt", "w").write(found.optimizer)
"""

BEGIN = """
import easymaker
from easymaker.common.exceptions import EasyMakerError

code, models, data = sys.argv[2:5]
easymaker.init(appkey="local", region="local")
experiment = easymaker.Experiment().create("tunings")
LR = easymaker.HyperparameterSpec(
    hyperparameter_name="lr", hyperparameter_type_code=easymaker.HyperparameterTypeCode.DOUBLE,
    hyperparameter_min_value="0.25", hyperparameter_max_value="0.75", hyperparameter_step="0.25",
)
OPTIMIZER = easymaker.HyperparameterSpec(
    hyperparameter_name="optimizer", hyperparameter_type_code=easymaker.HyperparameterTypeCode.CATEGORICAL,
    hyperparameter_specified_values="sgd, adam",
)
def run(name, entry_point="tuned.py", **more):
    settings = dict(
        hyperparameter_tuning_name=name, image_name="Plain Python", instance_type_name="m2.c1m2", model_upload_uri=models,
        experiment_id=experiment.id, source_dir_uri=code, entry_point=entry_point, wait=False,
        hyperparameter_spec_list=[LR, OPTIMIZER], metric_list=[easymaker.Metric(name="loss"), easymaker.Metric(name="f1")],
        objective_metric_name="loss", objective_type_code=easymaker.ObjectiveTypeCode.MINIMIZE,
        tuning_strategy_name=easymaker.TuningStrategy.GRID, max_failed_trial_count=1,
    )
    return easymaker.HyperparameterTuning().run(**{**settings, **more})
def shown_trial(trial):
    return trial and dict(
        id=trial.trial_id, name=trial.trial_name, status=trial.trial_status_code, tuning=trial.hyperparameter_tuning_id,
        parameters={p.parameter_name: p.parameter_value for p in trial.hyperparameter_list},
        metrics={
            m.trial_metric_name: [m.trial_metric_min_value, m.trial_metric_max_value, m.trial_metric_latest_value]
            for m in trial.trial_metric_list
        },
    )
def counts(tuning):
    return [tuning.successful_trial_count, tuning.running_trial_count, tuning.failed_trial_count]
"""


@pytest.fixture(scope="module", autouse=True)
def _scripts(appliance: Appliance) -> None:
    appliance.put("code", {"tuned.py": TUNED})


def places(appliance: Appliance, model: str) -> tuple[str, str, str]:
    return appliance.uri("code"), appliance.uri("models", model), appliance.uri("data", "train")


WHOLE_LIFE = """
tuning = run(
    "whole life", description="a description", parallel_trial_count=2, objective_goal=-1.5, tuning_strategy_random_state=7,
    dataset_list=[easymaker.Dataset(dataset_name="train", data_uri=data)], check_point_upload_uri=models + "-checkpoints",
    data_storage_size=300, timeout_hours=2, use_log=True, early_stopping_algorithm=easymaker.EarlyStoppingAlgorithm.MEDIAN,
    early_stopping_min_trial_count=5, early_stopping_start_step=6, max_failed_trial_count=2, max_trial_count=9,
)
answer(created=tuning.status, first_counts=counts(tuning), first_best=[tuning.optimal_trial_id, tuning.optimal_trial])
tuning.wait(wait_interval_seconds=0.2)
sender = easymaker.easymaker_config.api_sender
requests = []
sender.session.hooks["response"].append(lambda response, **_: requests.append(response.url))
listed = [t for t in easymaker.HyperparameterTuning.get_list() if t.id == tuning.id]
answer(requests=len(requests))
shown = easymaker.HyperparameterTuning(tuning.id)
answer(
    id=shown.id, status=shown.status, reason=shown.hyperparameter_tuning_status_reason, listed=len(listed), name=listed[0].name,
    listed_best=shown_trial(listed[0].optimal_trial), best_id=shown.optimal_trial_id, best=shown_trial(shown.optimal_trial),
    counts=counts(shown), description=shown.description, experiment=[shown.experiment.name, shown.experiment.status],
    specs=[
        [s.hyperparameter_name, s.hyperparameter_type_code, s.hyperparameter_min_value, s.hyperparameter_max_value,
         s.hyperparameter_step, s.hyperparameter_specified_values]
        for s in shown.hyperparameter_spec_list
    ],
    metrics=[m.name for m in shown.metric_list], regex=shown.metric_regex,
    objective=[shown.objective_metric_name, shown.objective_type_code, shown.objective_goal],
    limits=[shown.max_failed_trial_count, shown.max_trial_count, shown.parallel_trial_count, shown.instance_count],
    strategy=[shown.tuning_strategy_name, shown.tuning_strategy_random_state],
    early=[shown.early_stopping_algorithm, shown.early_stopping_min_trial_count, shown.early_stopping_start_step],
    datasets=[[d.dataset_name, d.data_uri] for d in shown.dataset_list],
    flavor=shown.instance_type.name, image=shown.image.image_name, timeout=shown.timeout_minutes,
    code=[shown.source_dir_uri, shown.entry_point, shown.nproc_per_node], model=shown.model_upload_uri,
    checkpoint=shown.check_point_upload_uri, storage=[s.storage_size for s in shown.data_storage_list],
    elapsed=shown.elapsed_time_seconds, models=shown.model_list,
)
shown.print_info()
shown.delete()
answer(deleted=shown.id, gone=refusal(easymaker.HyperparameterTuning, tuning.id))
"""


def test_tuning_from_request_to_deletion(sdk: Script, appliance: Appliance) -> None:
    """SD-03, HP-02…HP-36, HP-46…HP-51, HP-81: all that was asked for comes back, the best trial with it."""
    code, model, data = places(appliance, "whole-life")
    seen = sdk(BEGIN + WHOLE_LIFE, code, model, data)
    # What is not known yet is empty, not missing.
    assert seen["created"] in {"CREATE_REQUESTED", "CREATE_IN_PROGRESS"}
    assert (seen["first_counts"], seen["first_best"]) == ([0, 0, 0], [None, None])
    # wait() came back because it saw COMPLETE.
    assert (seen["status"], seen["reason"]) == ("COMPLETE", "SuggestionEndReached")
    assert seen["counts"] == [6, 0, 0]
    # One request for a list: no object in it sent the SDK back for a missing status (rest-api §2.2).
    assert (seen["requests"], seen["listed"], seen["name"]) == (1, 1, "whole life")
    best = seen["best"]
    assert seen["listed_best"] == best
    assert (best["id"], best["status"], best["tuning"]) == (seen["best_id"], "SUCCEEDED", seen["id"])
    assert best["name"].startswith("whole life-")
    assert best["parameters"]["lr"] == "0.25"
    assert best["metrics"] == {"loss": ["1.25", "3.25", "1.25"], "f1": ["0.75", "0.75", "0.75"]}
    assert (seen["description"], seen["experiment"]) == ("a description", ["tunings", "ACTIVE"])
    assert seen["specs"] == [
        ["lr", "double", "0.25", "0.75", "0.25", None], ["optimizer", "categorical", None, None, None, "sgd, adam"],
    ]  # fmt: skip
    assert seen["metrics"] == ["loss", "f1"]
    assert seen["regex"] == r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
    assert seen["objective"] == ["loss", "MINIMIZE", -1.5]
    assert seen["limits"] == [2, 9, 2, 2]
    assert (seen["strategy"], seen["early"]) == (["GRID", 7], ["MEDIAN", 5, 6])
    assert (seen["datasets"], seen["flavor"], seen["image"]) == ([["train", data]], "m2.c1m2", "Plain Python")
    assert (seen["timeout"], seen["code"], seen["model"]) == (120, [code, "tuned.py", 1], model)
    assert (seen["checkpoint"], seen["storage"], seen["models"]) == (f"{model}-checkpoints", [300], [])
    assert isinstance(seen["elapsed"], int)
    # HP-81, GN-12: deletion forgets the tuning, never what its trials stored.
    assert seen["deleted"] is None
    assert seen["id"] in seen["gone"]
    stored = appliance.home / "storage/models/whole-life" / best["id"] / "model.txt"
    assert stored.read_text() == best["parameters"]["optimizer"]


def test_wait_raises_when_the_tuning_fails(sdk: Script, appliance: Appliance) -> None:
    """SD-03, HP-31, HP-61."""
    script = """
tuning = run("fails", "failing.py")
try:
    tuning.wait(wait_interval_seconds=0.2)
except EasyMakerError as error:
    answer(raised=str(error))
"""
    seen = sdk(BEGIN + script, *places(appliance, "fails"))
    assert "failed with status: FAIL_HYPERPARAMETER_TUNING" in seen["raised"]


def test_running_tuning_is_stopped_before_it_is_deleted(sdk: Script, appliance: Appliance) -> None:
    """HP-78, HP-81."""
    started = sdk(BEGIN + 'answer(id=run("endless", "endless.py").id)', *places(appliance, "endless"))
    appliance.await_tuning(started["id"], "RUNNING")
    script = """
tuning = easymaker.HyperparameterTuning.get_by_id(code)
answer(running=tuning.status, counts=counts(tuning), refused=refusal(tuning.delete), best=tuning.optimal_trial)
tuning.stop()
try:
    tuning.wait(wait_interval_seconds=0.2)
except EasyMakerError as error:
    answer(raised=str(error))
"""
    seen = sdk(BEGIN + script, started["id"], "", "")
    assert (seen["running"], seen["counts"], seen["best"]) == ("RUNNING", [0, 1, 0], None)
    assert "RUNNING" in seen["refused"]
    assert "failed with status: STOP" in seen["raised"]
    appliance.await_tuning(started["id"], "STOPPED")
    again = "tuning = easymaker.HyperparameterTuning(code)\nanswer(refused=refusal(tuning.stop))\ntuning.delete()"
    assert "STOPPED" in sdk(BEGIN + again, started["id"], "", "")["refused"]


def test_what_does_not_fit_together_is_refused(sdk: Script, appliance: Appliance) -> None:
    """GN-02: the SDK shows the field at fault, and nothing is created."""
    script = """
def spec(**fields):
    return easymaker.HyperparameterSpec(**{**LR.__dict__, **fields})
answer(
    strategy=refusal(run, "t", tuning_strategy_name=None),
    specs=refusal(run, "t", hyperparameter_spec_list=None),
    range=refusal(run, "t", hyperparameter_spec_list=[spec(hyperparameter_min_value="1.5")]),
    step=refusal(run, "t", hyperparameter_spec_list=[spec(hyperparameter_step=None)]),
    values=refusal(run, "t", hyperparameter_spec_list=[LR, spec(hyperparameter_name="n", hyperparameter_type_code="discrete")]),
    metrics=refusal(run, "t", metric_list=None),
    objective=refusal(run, "t", objective_metric_name="accuracy"),
    direction=refusal(run, "t", objective_type_code=None),
    regex=refusal(run, "t", metric_regex="loss=([0-9.]+)"),
    nodes=refusal(run, "t", distributed_node_count=6, parallel_trial_count=2),
    entry_point=refusal(run, "t", "missing.py"),
    flavor=refusal(run, "t", instance_type_name="m2.c0m0"),
    algorithm=refusal(run, "t", algorithm_name="Alchemy"),
    names=[t.name for t in easymaker.HyperparameterTuning.get_list()],
)
"""
    seen = sdk(BEGIN + script, *places(appliance, "none"))
    first, second = "hyperparameterSpecList.0.hyperparameter", "hyperparameterSpecList.1.hyperparameter"
    expected = {
        "strategy": "tuningStrategyName", "specs": "hyperparameterSpecList", "range": f"{first}MinValue",
        "step": f"{first}Step", "values": f"{second}SpecifiedValues", "metrics": "metricList", "objective": "objectiveMetric",
        "direction": "objectiveTypeCode", "regex": "metricRegex", "nodes": "instanceCount", "entry_point": "missing.py",
        "flavor": "m2.c0m0", "algorithm": "Alchemy",
    }  # fmt: skip
    missing = {name: seen[name] for name, words in expected.items() if words not in (seen[name] or "")}
    assert missing == {}
    assert "t" not in seen["names"]


# The vendor's settings as they are, addresses and all; of the call's own numbers, which its notebook chooses, smaller ones,
# and a random state that begins with few epochs.
SAMPLE = """
from easymaker.sample.sample import training_iris
sample = getattr(training_iris, sys.argv[5])
if len(sys.argv) == 6:
    tuning = easymaker.HyperparameterTuning().run(
        experiment_id=experiment.experiment_id,
        hyperparameter_tuning_name="easymaker_sample_hyperparameter_tuning_iris",
        image_name=sample.image_name, instance_type_name="m2.c2m4", distributed_node_count=1, parallel_trial_count=1,
        nproc_per_node=sample.nproc_per_node, timeout_hours=24, source_dir_uri=sample.source_dir_uri,
        entry_point=sample.entry_point, model_upload_uri=models, data_storage_size=300,
        hyperparameter_spec_list=sample.hyperparameter_spec_list, metric_list=sample.metric_list,
        metric_regex=sample.metric_regex, objective_metric_name=sample.objective_metric_name,
        objective_type_code=sample.objective_type_code, objective_goal=sample.objective_goal,
        max_trial_count=2, max_failed_trial_count=1, tuning_strategy_random_state=511,
        tuning_strategy_name=easymaker.TuningStrategy.BAYESIAN_OPTIMIZATION,
        early_stopping_algorithm=easymaker.EarlyStoppingAlgorithm.MEDIAN,
        early_stopping_min_trial_count=3, early_stopping_start_step=4,
        dataset_list=training_iris.dataset_list, use_log=False, use_torchrun=sample.use_torchrun, wait=False,
    )
else:
    tuning = easymaker.HyperparameterTuning(sys.argv[6])
    tuning.wait()
    tuning.print_info()
answer(
    id=tuning.id, reason=tuning.hyperparameter_tuning_status_reason, best=shown_trial(tuning.optimal_trial),
    counts=counts(tuning), goal=tuning.objective_goal, names=[m.name for m in sample.metric_list],
)
"""


def put_samples(appliance: Appliance) -> None:
    """Lay our examples and data where the vendor's samples look for theirs."""
    for folder, entry_point in (("iris-pytorch", "train_202403201459.py"), ("iris-tensorflow", "train_20230906.0948.py")):
        scripts = {file.name: file for file in (EXAMPLES / folder).glob("*.py")}
        scripts[entry_point] = scripts.pop("train.py")
        appliance.put("easymaker-sample", {f"{folder}/{name}": file for name, file in scripts.items()})
    data = EXAMPLES / "iris" / "iris.csv"
    appliance.put("easymaker-sample", {f"iris-dataset/{part}/iris.csv": data for part in ("train", "test")})


def run_sample(sdk: Script, appliance: Appliance, framework: str) -> dict[str, Any]:
    """Run the vendor's sample to its end; returns what the SDK shows of it then."""
    put_samples(appliance)
    arguments = (*places(appliance, f"sample-{framework}"), framework)
    tuning = sdk(BEGIN + SAMPLE, *arguments)["id"]
    appliance.await_tuning(tuning, seconds=PREPARATION_SECONDS)
    return sdk(BEGIN + SAMPLE, *arguments, tuning)


# Slow, since frameworks take seconds to be imported; only they print what the vendor's settings were written for.
@pytest.mark.environment
@pytest.mark.timeout(PREPARATION_SECONDS + 300)
@pytest.mark.parametrize(
    ("framework", "objective", "extreme"), [("pytorch", "Validation-accuracy", 1), ("tensorflow", "val_loss", 0)]
)
def test_the_vendors_iris_samples(sdk: Script, appliance: Appliance, framework: str, objective: str, extreme: int) -> None:
    """HP-01, HP-26…HP-30, HP-49, SD-03: what the guide's notebook does, with scripts of our own in place of the vendor's."""
    seen = run_sample(sdk, appliance, framework)
    best, trials = seen["best"], appliance.trials(seen["id"])
    value = float(best["metrics"][objective][extreme])
    is_reached = value >= seen["goal"] if extreme else value <= seen["goal"]
    assert seen["reason"] == ("GoalReached" if is_reached else "MaxTrialsReached")
    assert seen["counts"] == [len(trials), 0, 0]
    assert list(best["metrics"]) == seen["names"], "every metric that the vendor lists was found"
    for trial in trials:
        parameters = {found["parameterName"]: found["parameterValue"] for found in trial["hyperparameterList"]}
        epochs, batch_size = int(parameters.pop("epochs")), int(parameters.pop("batch_size"))
        (rate,) = parameters.values()
        assert (10 <= epochs <= 50, 16 <= batch_size <= 32, 0.01 <= float(rate) <= 0.05) == (True, True, True)
        # HP-39: once per epoch.
        assert {found["trialMetricName"]: found["count"] for found in trial["trialMetricList"]} == dict.fromkeys(
            seen["names"], epochs
        )
    assert list((appliance.home / "storage/models" / f"sample-{framework}" / best["id"]).iterdir())
