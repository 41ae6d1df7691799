"""Proposals of values: what a tuning tries next (HP-L01, architecture 10). The only place that knows Optuna's samplers.

A proposal is a function of the spec, the tuning's seed, its number and what the trials before it gave. Nothing else is
remembered: the rows of the trials are the study, so that a daemon that was killed proposes what the other one would have.
"""

from __future__ import annotations

import hashlib
import random
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from easymaker_local.domain.search_space import Axis, axes, grid_point
from easymaker_local.domain.trial import Trial, TrialStatus
from easymaker_local.domain.tuning_spec import HyperparameterType, ObjectiveType, Strategy, TuningSpec

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

RANDOM_SEED_BITS = 63


def seed_of(spec: TuningSpec) -> int:
    """Return the random state (HP-06), or one drawn now and kept with the tuning."""
    chosen = spec.tuning_strategy_random_state
    return random.SystemRandom().getrandbits(RANDOM_SEED_BITS) if chosen is None else chosen


def propose(spec: TuningSpec, seed: int, number: int, trials: Sequence[Trial]) -> dict[str, str] | None:
    """Return the values of trial ``number`` (counted from 1) as text; None if there is nothing left to try. Blocks."""
    if spec.tuning_strategy_name is Strategy.GRID:
        return grid_point(spec, number - 1)
    mixed = hashlib.sha256(f"{seed}:{number}".encode()).digest()
    # Chance does not look at what was found, and making the study takes longer with every trial.
    looked_at = trials if spec.tuning_strategy_name is Strategy.BAYESIAN_OPTIMIZATION else ()
    study = study_of(spec, looked_at, _sampler(spec, int.from_bytes(mixed[:4], "big")))
    space = axes(spec)
    asked = study.ask({axis.name: _distribution(axis) for axis in space})
    return {axis.name: _text(axis, asked.params[axis.name]) for axis in space}


def study_of(spec: TuningSpec, trials: Sequence[Trial], sampler: BaseSampler | None = None) -> Study:
    """Return the trials as a study of Optuna's: those with a value of the objective, and those that run."""
    import optuna

    # What it says about experimental options concerns developers.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    is_maximum = spec.objective_type_code is ObjectiveType.MAXIMIZE
    study = optuna.create_study(direction="maximize" if is_maximum else "minimize", sampler=sampler)
    space = axes(spec)
    distributions = {axis.name: _distribution(axis) for axis in space}
    for trial in trials:
        value = trial.value(spec)
        state = optuna.trial.TrialState.COMPLETE
        if not trial.status.is_finished:
            value, state = None, optuna.trial.TrialState.RUNNING
        elif value is None or trial.status not in {TrialStatus.SUCCEEDED, TrialStatus.EARLY_STOPPED}:
            continue
        params = {axis.name: _value(axis, trial.parameters[axis.name]) for axis in space}
        study.add_trial(optuna.trial.create_trial(state=state, value=value, params=params, distributions=distributions))
    return study


def _sampler(spec: TuningSpec, seed: int) -> BaseSampler:
    import optuna

    if spec.tuning_strategy_name is Strategy.RANDOM:
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Trials that run count as poor ones meanwhile, so that parallel trials do not all try the same.
        return optuna.samplers.TPESampler(seed=seed, constant_liar=spec.parallel_trial_count > 1)


def _distribution(axis: Axis) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match axis.kind:
        case HyperparameterType.INT:
            unit = 10**-axis.exponent
            return IntDistribution(axis.low // unit, axis.high // unit)
        case HyperparameterType.DOUBLE:
            return FloatDistribution(*axis.ends)
        case HyperparameterType.DISCRETE | HyperparameterType.CATEGORICAL:
            return CategoricalDistribution(axis.values)


def _value(axis: Axis, text: str) -> object:
    match axis.kind:
        case HyperparameterType.INT:
            return int(text)
        case HyperparameterType.DOUBLE:
            return float(text)
        case HyperparameterType.DISCRETE | HyperparameterType.CATEGORICAL:
            return text


def _text(axis: Axis, value: object) -> str:
    return repr(value) if axis.kind is HyperparameterType.DOUBLE else str(value)
