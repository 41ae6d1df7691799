"""How tunings and their trials end (HP-41…HP-44, HP-55…HP-77)."""

from __future__ import annotations

import contextlib
import sqlite3

from easymaker_local.testing.appliance import Appliance, until
from tests.domain.test_search_space import listed, ranged
from tests.tunings.searches import PROCESS, end, history, statuses, tune


def test_failed_trials_end_the_tuning(appliance: Appliance) -> None:
    """HP-31, HP-42, HP-61, HP-72, HP-74, HP-75: one that succeeds, one that fails, one without a value; two are too many."""
    lines = listed("categorical", "loss = 4, loss: 3, loss of 2", "line")
    tuning = tune(appliance, "fails", "prints.py", listed("categorical", "0, 3", "code"), lines, maxFailedTrialCount=2)
    assert end(appliance, tuning)[0] == "FAIL_HYPERPARAMETER_TUNING"
    # The line changes first: one with a value, then two without.
    assert statuses(appliance, tuning) == ["SUCCEEDED", "METRICS_UNAVAILABLE", "METRICS_UNAVAILABLE"]
    shown = appliance.shown_tuning(tuning)
    assert (shown["successfulTrialCount"], shown["failedTrialCount"], shown["maxFailedTrialCount"]) == (1, 2, 2)
    assert shown["statusReason"]["code"] == "TOO_MANY_FAILED_TRIALS"
    silent = appliance.trials(tuning)[1]
    # HP-75, HP-L04: the line that came nearest tells what is wrong with the format.
    assert silent["statusReason"]["code"] == "METRICS_UNAVAILABLE"
    assert "step 1: loss: 3 and more" in silent["statusReason"]["message"]
    assert (silent["objectiveValue"], silent["trialMetricList"]) == (None, [])
    assert "step 1: loss of 2 and more" in shown["hyperparameterTuningStatusReason"]
    assert shown["optimalTrialId"] == appliance.trials(tuning)[0]["trialId"]


def test_a_script_that_fails(appliance: Appliance) -> None:
    """HP-31, HP-74: what it printed before counts for nothing."""
    line = listed("categorical", "loss = 0.5", "line")
    tuning = tune(appliance, "code", "prints.py", line, listed("discrete", "3", "code"), maxFailedTrialCount=1)
    status, reason = end(appliance, tuning)
    assert (status, statuses(appliance, tuning)) == ("FAIL_HYPERPARAMETER_TUNING", ["FAILED"])
    (trial,) = appliance.trials(tuning)
    assert trial["statusReason"]["code"] == "EXIT_CODE"
    assert trial["statusReason"]["message"] in (reason or "")
    assert (trial["objectiveValue"], appliance.shown_tuning(tuning)["optimalTrial"]) == (0.5, None)
    assert history(appliance, tuning) == [
        "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "RUNNING", "FAIL_HYPERPARAMETER_TUNING_IN_PROGRESS",
        "FAIL_HYPERPARAMETER_TUNING",
    ]  # fmt: skip


def test_a_trial_that_does_not_improve_is_ended_early(appliance: Appliance) -> None:
    """HP-33, HP-34, HP-35, HP-43, HP-76: it would have gone on for ever. What it kept until then is brought out (HP-25)."""
    level = listed("discrete", "1, 2, 5, 0.5", "level")
    rule = {"earlyStoppingAlgorithm": "MEDIAN", "earlyStoppingMinTrialCount": 2, "earlyStoppingStartStep": 3}
    tuning = tune(appliance, "early", "steps.py", level, **rule, checkPointUploadUri=appliance.uri("models", "early-steps"))
    assert end(appliance, tuning) == ("COMPLETE", "SuggestionEndReached")
    assert statuses(appliance, tuning) == ["SUCCEEDED", "SUCCEEDED", "EARLY_STOPPED", "SUCCEEDED"]
    early = appliance.trials(tuning)[2]
    assert (early["objectiveValue"], early["trialMetricList"][0]["count"]) == (5, 3)
    assert "worse than 1.5" in early["statusReason"]["message"]
    shown = appliance.shown_tuning(tuning)
    assert (shown["earlyStoppedTrialCount"], shown["successfulTrialCount"], shown["failedTrialCount"]) == (1, 3, 0)
    assert appliance.log(early["trialId"]) == "loss=5\n" * 3
    storage = appliance.home / "storage/models"
    for trial in appliance.trials(tuning):
        assert (storage / "early-steps" / trial["trialId"] / "level").exists()
        assert (storage / "early" / trial["trialId"] / "level").exists() == (trial["trialStatusCode"] == "SUCCEEDED")


def test_the_goal_ends_it_and_the_trials_that_still_run(appliance: Appliance) -> None:
    """HP-30, HP-41, HP-44, HP-64, HP-73: what ran meanwhile has no say."""
    level = listed("discrete", "5, 1", "level")
    more = {"objectiveGoal": 1, "instanceCount": 2, "parallelTrialCount": 2}
    tuning = tune(appliance, "goal", "steps.py", level, **more)
    assert end(appliance, tuning) == ("COMPLETE", "GoalReached")
    assert statuses(appliance, tuning) == ["KILLED", "SUCCEEDED"]
    killed = appliance.trials(tuning)[0]
    assert "The tuning ended" in killed["statusReason"]["message"]
    assert appliance.shown(killed["trialId"])["trainingStatusCode"] == "STOPPED"
    assert appliance.shown_tuning(tuning)["killedTrialCount"] == 1
    assert history(appliance, tuning) == [
        "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "RUNNING", "COMPLETE_IN_PROGRESS", "COMPLETE",
    ]  # fmt: skip


@PROCESS
def test_the_goal_of_a_maximum(appliance: Appliance) -> None:
    """HP-29, HP-30, HP-64: the third of five reaches it, the others are not tried."""
    line = listed("categorical", "loss = 1, loss = 2, loss = 3, loss = 4", "line")
    tuning = tune(appliance, "maximum", "prints.py", line, objectiveGoal=2.5, objectiveTypeCode="MAXIMIZE")
    assert end(appliance, tuning) == ("COMPLETE", "GoalReached")
    assert [trial["objectiveValue"] for trial in appliance.trials(tuning)] == [1, 2, 3]


@PROCESS
def test_the_maximum_counts_every_end(appliance: Appliance) -> None:
    """HP-32, HP-42, HP-65, HP-L03: also trials that failed; the grid is larger, and that was said."""
    codes = listed("categorical", "3, 0", "code")
    line = ranged("int", 1, 9, 1, "line")
    tuning = tune(
        appliance, "max", "prints.py", line, codes, maxTrialCount=3, metricRegex=r"(step) 1: ([\d.]+)",
        metricList=[{"name": "step"}], objectiveMetric={"name": "step"},
    )  # fmt: skip
    assert end(appliance, tuning) == ("COMPLETE", "MaxTrialsReached")
    assert statuses(appliance, tuning) == ["FAILED", "SUCCEEDED", "FAILED"]
    shown = appliance.shown_tuning(tuning)
    assert shown["gridSize"] == 18
    assert "18 combinations" in shown["warningList"][0]


@PROCESS
def test_the_time_limit(appliance: Appliance) -> None:
    """HP-36, HP-44, HP-67, HP-73: the machine was restarted and its clock says that the time is over."""
    tuning = tune(appliance, "late", "waits.py", listed("categorical", "never", "until"))
    appliance.await_tuning(tuning, "RUNNING")
    appliance.stop()
    with contextlib.closing(sqlite3.connect(appliance.home / "state.db")) as db, db:
        db.execute("UPDATE tunings SET started_at = started_at - 3600, started_boot = 'before' WHERE id = ?", (tuning,))
    appliance.start()
    status, reason = end(appliance, tuning)
    assert (status, statuses(appliance, tuning)) == ("FAIL_HYPERPARAMETER_TUNING", ["KILLED"])
    assert "time limit" in (reason or "")
    assert appliance.shown_tuning(tuning)["statusReason"]["code"] == "TIME_LIMIT"
    assert not [t for t in appliance.trials(tuning) if not appliance.shown(t["trialId"])["isFinished"]]


def test_stop_while_it_runs(appliance: Appliance) -> None:
    """HP-44, HP-58, HP-60, HP-73, HP-78: the trial gets the time that any stopped job gets."""
    tuning = tune(appliance, "stopped", "waits.py", listed("categorical", "never, ever", "until"))
    appliance.await_tuning(tuning, "RUNNING")
    (trial,) = appliance.trials(tuning)
    until(lambda: appliance.trials(tuning)[0]["trialMetricList"], what="its first value, while it runs")
    assert appliance.call("PUT", f"/hyperparameter-tunings/{tuning}/stop")["header"]["isSuccessful"]
    status, reason = end(appliance, tuning)
    assert (status, reason) == ("STOPPED", "Stopped at the user's request.")
    assert statuses(appliance, tuning) == ["KILLED"]
    assert appliance.shown(trial["trialId"])["trainingStatusCode"] == "STOPPED"
    assert history(appliance, tuning)[-2:] == ["STOP_IN_PROGRESS", "STOPPED"]
    refused = appliance.call("PUT", f"/hyperparameter-tunings/{tuning}/stop")
    assert "STOPPED" in refused["header"]["resultMessage"]
