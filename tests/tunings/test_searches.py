"""What is tried (HP-05, HP-06, HP-10, HP-14…HP-17, HP-L01…HP-L03). No driver makes a difference to it."""

from __future__ import annotations

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.domain.test_search_space import listed, ranged
from tests.tunings.searches import PROCESS, end, tune, values

pytestmark = PROCESS

SPACE = [
    ranged("double", "0.5", "4.5", "ignored", "x"), ranged("int", "-2", "2", name="count"),
    listed("discrete", "0.1, 0.25,1e-3", "size"), listed("categorical", "good, bad", "kind"),
]  # fmt: skip


def tried(appliance: Appliance, tuning_id: str) -> list[dict[str, str]]:
    """Wait for the end; returns the values of every trial, each of which has to have succeeded."""
    assert end(appliance, tuning_id)[0] == "COMPLETE"
    trials = appliance.trials(tuning_id)
    assert {trial["trialStatusCode"] for trial in trials} == {"SUCCEEDED"}
    return [values(trial) for trial in trials]


def test_a_grid_has_exactly_its_values(appliance: Appliance) -> None:
    """HP-05, HP-10, HP-66, HP-L03: 0.01 to 0.05 in steps of 0.01 are five, as they are written."""
    appliance.put("code", {"lr.py": "import sys\nprint('loss=' + sys.argv[2])\n"})
    tuning = tune(appliance, "five", "lr.py", ranged("double", "0.01", "0.05", "0.01"))
    found = [found["lr"] for found in tried(appliance, tuning)]
    assert found == ["0.01", "0.02", "0.03", "0.04", "0.05"]
    shown = appliance.shown_tuning(tuning)
    assert (shown["hyperparameterTuningStatusReason"], shown["gridSize"]) == ("SuggestionEndReached", 5)
    assert [trial["objectiveValue"] for trial in appliance.trials(tuning)] == [0.01, 0.02, 0.03, 0.04, 0.05]


def test_random_values_are_those_that_were_allowed(appliance: Appliance) -> None:
    """HP-05, HP-06, HP-14…HP-17: of every type; the same state proposes the same, another one does not."""
    states = {"random-7": 7, "again-7": 7, "random-8": 8}
    ids = [
        tune(appliance, name, "bowl.py", *SPACE, tuningStrategyName="RANDOM", tuningStrategyRandomState=state, maxTrialCount=4)
        for name, state in states.items()
    ]
    first, again, other = [tried(appliance, tuning) for tuning in ids]
    assert first == again
    assert first != other
    for found in [*first, *other]:
        assert 0.5 <= float(found["x"]) <= 4.5
        assert found["count"] in {"-2", "-1", "0", "1", "2"}
        assert found["size"] in {"0.1", "0.25", "1e-3"}
        assert found["kind"] in {"good", "bad"}
    assert {appliance.shown_tuning(tuning)["gridSize"] for tuning in ids} == {None}


def test_bayesian_optimization_learns_and_can_be_repeated(appliance: Appliance) -> None:
    """HP-05, HP-06, HP-L01, HP-L02: more trials than its sampler draws blindly at first, one at a time."""
    body = {"tuningStrategyName": "BAYESIAN_OPTIMIZATION", "tuningStrategyRandomState": 3, "maxTrialCount": 14}
    ids = [tune(appliance, name, "bowl.py", *SPACE, **body) for name in ("bayes", "bayes again")]
    until(lambda: len(appliance.trials(ids[0])) >= 12, what="proposals that follow from values")
    # Whoever proposes the rest knows nothing but what is written down.
    appliance.kill()
    appliance.start()
    first, again = [tried(appliance, tuning) for tuning in ids]
    assert first == again
    assert len({str(found) for found in first}) == 14
    shown = appliance.shown_tuning(ids[0])
    objectives = [trial["objectiveValue"] for trial in appliance.trials(ids[0])]
    assert float(shown["optimalTrial"]["objectiveValue"]) == min(objectives)
    assert shown["warningList"] == []
    analysis = appliance.call("GET", f"/hyperparameter-tunings/{ids[0]}/analysis")["analysis"]
    assert analysis["historyList"][-1]["bestValue"] == min(objectives)
    assert {one["hyperparameterName"] for one in analysis["importanceList"]} == {"x", "count", "size", "kind"}
    assert sum(one["importance"] for one in analysis["importanceList"]) == pytest.approx(1)


def test_parallel_trials_with_a_random_state_come_with_a_warning(appliance: Appliance) -> None:
    """HP-06, HP-L02."""
    tuning = tune(
        appliance, "warned", "bowl.py", *SPACE, tuningStrategyName="RANDOM", tuningStrategyRandomState=7, maxTrialCount=2,
        instanceCount=2, parallelTrialCount=2,
    )  # fmt: skip
    assert len(tried(appliance, tuning)) == 2
    assert "repeatable" in appliance.shown_tuning(tuning)["warningList"][0]
