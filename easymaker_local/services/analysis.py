"""What a tuning has found out: history, best so far, importance of hyperparameters (Optuna's), parallel coordinates."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from easymaker_local.domain.trial import Trial, TrialStatus, is_better
from easymaker_local.domain.tuning_spec import TuningSpec
from easymaker_local.services.search import study_of

_COUNTED = {TrialStatus.SUCCEEDED, TrialStatus.EARLY_STOPPED}


@dataclass(frozen=True)
class Analysis:
    """Trials with a value, in their order, with these values and the best of each beginning. ``note``: why no importance."""

    spec: TuningSpec
    trials: Sequence[Trial]
    values: Sequence[float]
    best_values: Sequence[float]
    importance: Mapping[str, float]
    note: str | None


def analyse(spec: TuningSpec, trials: Sequence[Trial]) -> Analysis:
    """Return what the trials of a tuning show. Blocks."""
    found = [(t, value) for t in trials if t.status in _COUNTED and (value := t.value(spec)) is not None]
    values = [value for _, value in found]
    best: list[float] = []
    for value in values:
        best.append(best[-1] if best and not is_better(value, best[-1], spec) else value)
    importance, note = _importance(spec, [trial for trial, _ in found], values)
    return Analysis(spec, [trial for trial, _ in found], values, best, importance, note)


def _importance(spec: TuningSpec, trials: Sequence[Trial], values: Sequence[float]) -> tuple[dict[str, float], str | None]:
    if len(set(values)) < 2:
        return {}, "Importance needs trials with different values."
    import optuna

    study = study_of(spec, trials)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return dict(found), None
