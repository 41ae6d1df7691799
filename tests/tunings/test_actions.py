"""What a user may do with a tuning, and what refuses it (HP-78…HP-81, DP-01, DP-03, DP-19, GN-12, GN-13, GN-14)."""

from __future__ import annotations

from easymaker_local.testing.appliance import Appliance, until
from tests.domain.test_search_space import listed, ranged
from tests.faults.fault_jobs import select
from tests.tunings.searches import end, tune

PATH = "/hyperparameter-tunings"


def test_while_it_runs(appliance: Appliance) -> None:
    """DP-01, DP-19, HP-81, GN-13: its experiment stays and so does it; name, description and tags may change."""
    experiment = appliance.experiment("in use")
    tuning = tune(appliance, "before", "waits.py", listed("categorical", "changed", "until"), experimentId=experiment)
    appliance.await_tuning(tuning, "RUNNING")
    refused = appliance.call("DELETE", f"/experiments/{experiment}")
    assert refused["errorCode"] == "CONFLICT"
    assert f"tuning 'before' ({tuning}, RUNNING)" in refused["header"]["resultMessage"]
    refused = appliance.call("DELETE", f"{PATH}/{tuning}")
    assert (refused["errorCode"], "RUNNING" in refused["header"]["resultMessage"]) == ("CONFLICT", True)

    change = {"hyperparameterTuningName": "after", "description": "d", "tagList": [{"tagKey": "k", "tagValue": "v"}]}
    changed = appliance.call("PATCH", f"{PATH}/{tuning}", json=change)["hyperparameterTuning"]
    assert {key: changed[key] for key in change} == change
    # What is absent stays; nothing else can be changed.
    only = appliance.call("PATCH", f"{PATH}/{tuning}", json={"description": "e", "maxTrialCount": 9})["hyperparameterTuning"]
    assert (only["hyperparameterTuningName"], only["description"], only["maxTrialCount"]) == ("after", "e", None)
    assert appliance.call("PATCH", f"{PATH}/{tuning}", json={"maxTrialCount": 9})["errorCode"] == "INVALID_REQUEST"

    appliance.put("signals", {"changed": ""})
    assert end(appliance, tuning) == ("COMPLETE", "SuggestionEndReached")
    assert appliance.trials(tuning)[0]["trialName"] == "before-1"
    # In no one's way any more.
    assert appliance.call("DELETE", f"/experiments/{experiment}")["header"]["isSuccessful"]
    assert appliance.shown_tuning(tuning)["experiment"]["experimentName"] == "in use (deleted)"


def test_a_copy_is_the_same_again(appliance: Appliance) -> None:
    """HP-79, GN-14."""
    wanted = {
        "maxTrialCount": 2, "maxFailedTrialCount": 1, "objectiveGoal": -5, "tuningStrategyName": "BAYESIAN_OPTIMIZATION",
        "tuningStrategyRandomState": 5, "earlyStoppingAlgorithm": "MEDIAN", "earlyStoppingMinTrialCount": 7,
        "earlyStoppingStartStep": 8, "description": "d", "metricRegex": "(loss)=(.+)",
        "checkPointUploadUri": appliance.uri("models", "kept"), "tagList": [{"tagKey": "k", "tagValue": "v"}],
    }  # fmt: skip
    appliance.put("code", {"x.py": "import sys\nprint('loss=' + sys.argv[2])\n"})
    first = tune(appliance, "copied", "x.py", ranged("double", "0", "1"), **wanted)
    source = appliance.call("GET", f"{PATH}/{first}/copy-source")["copySource"]
    second = appliance.call("POST", PATH, json=source)["hyperparameterTuning"]["hyperparameterTuningId"]
    assert appliance.call("GET", f"{PATH}/{second}/copy-source")["copySource"] == source
    assert {key: source[key] for key in wanted} == wanted
    ends = [end(appliance, tuning) for tuning in (first, second)]
    assert ends == [("COMPLETE", "MaxTrialsReached")] * 2
    found = [[trial["objectiveValue"] for trial in appliance.trials(tuning)] for tuning in (first, second)]
    assert found[0] == found[1]


def test_a_deleted_tuning_leaves_what_it_stored_and_nothing_else(appliance: Appliance) -> None:
    """HP-81, DP-03, GN-12."""
    specs = listed("categorical", "sgd", "optimizer"), ranged("int", 1, 2, 1, "batch")
    tuning = tune(appliance, "deleted", "tells.py", *specs, useLog=True, checkPointUploadUri=appliance.uri("models", "points"))
    assert end(appliance, tuning)[0] == "COMPLETE"
    ids = [trial["trialId"] for trial in appliance.trials(tuning)]
    assert len(ids) == 2
    # All that is to go is there before.
    kept = left_of(appliance, tuning, ids[0])
    assert {"tunings", "trials", "trainings", "metric_points", "metric_summaries", "events"} <= set(kept)
    assert any("tensorboard" in path for path in kept)
    assert appliance.call("DELETE", f"{PATH}/{tuning}")["header"]["isSuccessful"]
    for path in (f"{PATH}/{tuning}", f"{PATH}/{tuning}/trials", f"{PATH}/{tuning}/trials/{ids[0]}", f"/trainings/{ids[0]}"):
        assert appliance.call("GET", path)["errorCode"] == "NOT_FOUND", path
    for trial in ids:
        until(lambda trial=trial: not left_of(appliance, tuning, trial), what=f"the end of {left_of(appliance, tuning, trial)}")
        assert (appliance.home / "storage/models/deleted" / trial / "seen.json").exists()
        assert (appliance.home / "storage/models/points" / trial / "last.txt").exists()
    assert appliance.call("DELETE", f"{PATH}/{tuning}")["errorCode"] == "NOT_FOUND"


def left_of(appliance: Appliance, tuning: str, trial: str) -> list[str]:
    """Return what names a trial or its tuning: paths of the home, outside of the buckets, and tables of the database."""
    roots = [appliance.home / name for name in ("work", "logs", "tensorboard", "workloads")]
    paths = [str(path) for root in roots for path in root.rglob("*") if trial in path.name or tuning in path.name]
    tables = [row["name"] for row in select(appliance, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {table: str([tuple(row) for row in select(appliance, f"SELECT * FROM {table}")]) for table in tables}
    # That MLflow, which does not run here, is still to be told of the deletion is remembered until it is.
    del rows["tracking"]
    return paths + [table for table, text in rows.items() if trial in text or tuning in text]


def test_deletion_while_it_is_being_stopped(appliance: Appliance) -> None:
    """HP-81: stop first, as a script of a user does, and ask until it is possible."""
    tuning = tune(appliance, "gone", "waits.py", listed("categorical", "never", "until"))
    appliance.await_tuning(tuning, "RUNNING")
    appliance.call("PUT", f"{PATH}/{tuning}/stop")
    until(lambda: appliance.call("DELETE", f"{PATH}/{tuning}")["header"]["isSuccessful"], what="the deletion")
    assert appliance.call("GET", f"{PATH}/{tuning}")["errorCode"] == "NOT_FOUND"
