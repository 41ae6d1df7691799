"""Proposals (HP-05, HP-06, HP-L01): reproducible, within their ranges, and the same after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from easymaker_local.domain.trial import Trial, TrialStatus
from easymaker_local.domain.tuning_spec import TuningSpec
from easymaker_local.services.search import propose, seed_of
from tests.domain.test_search_space import listed, ranged, spec
from tests.domain.test_tuning import trial

PARAMETERS = [
    ranged("double", "0.01", "0.05", name="lr"), ranged("int", 16, 32, name="batch"), listed("discrete", "1, 2.5", "factor"),
    listed("categorical", "sgd, adam", "optimizer"),
]  # fmt: skip


def searched(of: TuningSpec, seed: int, count: int, trials: list[Trial] | None = None) -> list[Trial]:
    """Run a search of ``count`` trials on top of ``trials``, whose objective is the distance of lr from 0.03."""
    found = list(trials or [])
    for number in range(len(found) + 1, count + 1):
        proposed = propose(of, seed, number, found)
        assert proposed is not None
        found.append(trial(number, TrialStatus.SUCCEEDED, abs(float(proposed["lr"]) - 0.03), parameters=proposed))
    return found


@pytest.mark.parametrize("strategy", ["RANDOM", "BAYESIAN_OPTIMIZATION"])
def test_the_same_random_state_proposes_the_same(strategy: str) -> None:
    """HP-06, and the search of a daemon that was killed goes on as the other one's would have."""
    of = spec(*PARAMETERS, tuningStrategyName=strategy, tuningStrategyRandomState=7)
    assert seed_of(of) == 7
    whole = searched(of, 7, 25)
    assert searched(of, 7, 25, whole[:12]) == whole
    assert searched(of, 8, 25) != whole
    for one in whole:
        assert 0.01 <= float(one.parameters["lr"]) <= 0.05
        assert 16 <= int(one.parameters["batch"]) <= 32
        assert one.parameters["factor"] in {"1", "2.5"}
        assert one.parameters["optimizer"] in {"sgd", "adam"}


def test_without_a_random_state_searches_differ() -> None:
    of = spec(*PARAMETERS, tuningStrategyName="RANDOM")
    assert seed_of(of) != seed_of(of)


def test_bayesian_optimization_learns_from_what_trials_gave() -> None:
    """HP-05: later proposals come nearer than those that know nothing."""
    of = spec(ranged("double", "0", "1", name="lr"), tuningStrategyName="BAYESIAN_OPTIMIZATION")
    found = searched(of, 3, 40)
    distances = [abs(float(one.parameters["lr"]) - 0.03) for one in found]
    assert sum(distances[30:]) < sum(distances[:10])


def test_failed_and_running_trials_are_no_hindrance() -> None:
    of = spec(*PARAMETERS, tuningStrategyName="BAYESIAN_OPTIMIZATION", parallelTrialCount=2, instanceCount=2)
    found = searched(of, 1, 15)
    found[3] = replace(found[3], status=TrialStatus.FAILED)
    found[4] = replace(found[4], status=TrialStatus.METRICS_UNAVAILABLE, metrics={})
    found[14] = replace(found[14], status=TrialStatus.RUNNING)
    assert propose(of, 1, 16, found) is not None


def test_a_grid_is_proposed_in_its_order_until_it_ends() -> None:
    """HP-66."""
    of = spec(ranged("int", 1, 2, 1), listed("categorical", "a,b"))
    assert [propose(of, 0, number, []) for number in range(1, 6)] == [
        {"lr": "1", "optimizer": "a"}, {"lr": "1", "optimizer": "b"}, {"lr": "2", "optimizer": "a"},
        {"lr": "2", "optimizer": "b"}, None,
    ]  # fmt: skip
