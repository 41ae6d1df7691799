"""Linear models as the one product of matrices that they are; checks and namespaces around it cost scikit-learn 140 µs.

Answers are the same to the last bit: the same operations on the same arrays, in scikit-learn's order. Whatever is unusual (no
rows, NaN, infinity, other types and layouts) goes to scikit-learn, whose errors are then also the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import ElasticNet, Ridge
from sklearn.linear_model._base import LinearClassifierMixin, LinearModel, MultiOutputLinearModel
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from easymaker_serving.model import Array

Predict = Callable[[Any], Any]


def compile_predict(estimator: Any) -> Predict | None:
    """Return what computes as ``estimator.predict`` does, None if that is not known to be linear.

    Known are estimators that inherit ``predict`` of scikit-learn's bases (LogisticRegression, LinearSVC, SGDClassifier,
    LinearRegression, Ridge, Lasso, …), alone or as a pipeline behind a StandardScaler.
    """
    if type(estimator) is not Pipeline:
        return _linear(estimator, None, estimator.predict)
    steps = [step for _, step in estimator.steps]
    if len(steps) == 2 and type(steps[0]) is StandardScaler:
        return _linear(steps[1], steps[0], estimator.predict)
    return None


def _linear(model: Any, scaler: StandardScaler | None, original: Predict) -> Predict | None:
    kind = type(model)
    method = getattr(kind, "predict", None)
    is_classifier = (
        method is LinearClassifierMixin.predict and kind.decision_function is LinearClassifierMixin.decision_function
    )
    is_regressor = method in (
        LinearModel.predict,
        MultiOutputLinearModel.predict,
        Ridge.predict,
    ) and kind._decision_function in (LinearModel._decision_function, ElasticNet._decision_function)
    if not (is_classifier or is_regressor) or not isinstance(model.coef_, np.ndarray):  # SparseCoefMixin: may be sparse
        return None
    weights, intercept = model.coef_.T if model.coef_.ndim == 2 else model.coef_, model.intercept_
    scale = _scaling(scaler)
    classes = model.classes_ if is_classifier else None

    def predict(rows: Any) -> Any:
        if not isinstance(rows, np.ndarray) or rows.dtype != np.float64 or not rows.flags.c_contiguous or not len(rows):
            return original(rows)
        scores = scale(rows) @ weights + intercept
        if not math.isfinite(scores.sum()):
            return original(rows)
        if classes is None:
            return scores
        if scores.ndim == 2 and scores.shape[1] > 1:
            return classes.take(scores.argmax(axis=1), axis=0)
        return classes.take((scores.reshape(-1) > 0).astype(np.intp), axis=0)

    return predict


def _scaling(scaler: StandardScaler | None) -> Callable[[Array], Array]:
    mean = scaler.mean_ if scaler is not None and scaler.with_mean else None
    scale = scaler.scale_ if scaler is not None and scaler.with_std else None

    def apply(rows: Array) -> Array:
        if mean is not None:
            rows = rows - mean
        return rows / scale if scale is not None else rows

    return apply
