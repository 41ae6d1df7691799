"""Compare compiled linear models with scikit-learn's own ``predict``: values, types, shapes and errors."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[3] / "runtimes/serving"))

from easymaker_serving.frameworks.sklearn_linear import compile_predict
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)  # fmt: skip
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

random = np.random.default_rng(7)
COMPILED = [LogisticRegression, LinearSVC, SGDClassifier, Perceptron, LinearRegression, Ridge, Lasso]
LABELS = [np.array([0, 1, 2]), np.array(["a", "bb", "ccc"]), np.array([5.0, 15.0, -1.0]), np.array([False, True])]


def outcome(call: Any, rows: Any) -> Any:
    try:
        found = call(rows)
    except ValueError as error:
        return str(error)
    return found.dtype, found.shape, found.tobytes() if found.dtype != object else found.tolist()


def train(kind: Any, scaled: bool) -> Any:
    features, samples = int(random.integers(1, 6)), 30
    x = random.normal(size=(samples, features)).round(1)
    if kind in (LinearRegression, Ridge, Lasso, SGDRegressor):
        targets = 1 if kind is SGDRegressor else int(random.integers(1, 3))
        y = random.normal(size=(samples, targets)) if targets > 1 else random.normal(size=samples)
    else:
        labels = LABELS[int(random.integers(len(LABELS)))]
        labels = labels[: int(random.integers(2, len(labels) + 1))]
        y = labels[np.arange(samples) % len(labels)]
    model = kind(fit_intercept=bool(random.integers(2)))
    model = (
        make_pipeline(StandardScaler(with_mean=bool(random.integers(2)), with_std=bool(random.integers(2))), model)
        if scaled
        else model
    )
    model.fit(x, y)
    if random.integers(3) == 0:  # ties everywhere
        last = model[-1] if scaled else model
        last.coef_ = last.coef_.round(0)
        last.intercept_ = np.zeros_like(last.intercept_)
    return model


def rows_for(features: int) -> list[Any]:
    size = int(random.integers(1, 40))
    x = random.normal(size=(size, features)).round(1)
    unusual = x.copy()
    unusual[0, 0] = [np.nan, np.inf, -np.inf, 1e308][int(random.integers(4))]
    made = [x, x[:1], np.asfortranarray(x), x[::-1], x.astype(np.float32), x.astype(np.float16), x.astype(np.int32), unusual]
    return [*made, np.zeros_like(x), x > 0, x[:0], np.hstack([x, x])]


warnings.simplefilter("ignore")  # of training that did not converge, and of overflow
compared = 0
for kind in COMPILED * 12:
    for scaled in (False, True):
        model = train(kind, scaled)
        compiled = compile_predict(model)
        assert compiled is not None, model
        for rows in rows_for(model.n_features_in_):
            # More columns than it has are refused before a model is called.
            if rows.shape[1] == model.n_features_in_:
                before = rows.copy()
                assert outcome(compiled, rows) == outcome(model.predict, rows), (model, rows)
                assert rows.tobytes() == before.tobytes()
                compared += 1
for kind in (RidgeClassifier, SGDRegressor):  # whose way to the answer is another one
    assert compile_predict(train(kind, False)) is None, kind
assert compared > 1000, compared
print("the same")
