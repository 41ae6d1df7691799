"""Train small models with scikit-learn; beside each: rows, and what its own methods answer to them.

Usage: make_sklearn.py DIRECTORY
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import skops.io
from sklearn.cluster import DBSCAN
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

x, y = load_iris(return_X_y=True)
names = np.array(["setosa", "versicolor", "virginica"])[y]
table = pd.DataFrame(x, columns=["sepal length", "sepal width", "petal length", "petal width"])
rows = x[::10]


def keep(name: str, model: Any, sample: Any, how: str = "joblib", file: str | None = None) -> None:
    folder = Path(sys.argv[1]) / name
    folder.mkdir()
    target = folder / (file or f"model.{how}")
    if how == "joblib":
        joblib.dump(model, target)
    elif how == "pickle":
        target.write_bytes(pickle.dumps(model))
    else:
        skops.io.dump(model, target)
    methods = [name for name in ("predict", "predict_proba", "decision_function", "transform") if hasattr(model, name)]
    answers = {}
    for method in methods:
        found = getattr(model, method)(sample)
        answers[method] = (found.toarray() if hasattr(found, "toarray") else np.asarray(found)).tolist()
    values = sample.to_dict("list") if isinstance(sample, pd.DataFrame) else np.asarray(sample).tolist()
    (Path(sys.argv[1]) / f"{name}.json").write_text(json.dumps({"rows": values, "answers": answers}))


keep("logistic", LogisticRegression(max_iter=1000).fit(x, y), rows)
keep("texts", LogisticRegression(max_iter=1000).fit(x, names), rows, "pickle", "model.pkl")
keep("linear", LinearRegression().fit(x[:, :3], x[:, 3]), rows[:, :3])
keep("scaled", make_pipeline(StandardScaler(), Ridge()).fit(x[:, :2], x[:, 2:]), rows[:, :2], "pickle", "model.pickle")
keep("forest", RandomForestClassifier(5, n_jobs=-1, random_state=0).fit(x, y == 0), rows)
keep("svm", SVC().fit(x, y), rows)
keep("scaler", StandardScaler().fit(x), rows, "skops")
keep("skops", LogisticRegression(max_iter=1000).fit(x, y), rows, "skops")
keep("untrusted", FunctionTransformer(np.nan_to_num).fit(x), rows, "skops")
keep("named", LogisticRegression(max_iter=1000).fit(table, names), table[::10].to_numpy())

keep("roots", make_pipeline(FunctionTransformer(np.log), LogisticRegression(max_iter=1000)).fit(x, names), rows)
some = make_column_transformer((OneHotEncoder(), slice(0, 1)), remainder="passthrough")
keep("sliced", make_pipeline(some, LogisticRegression(max_iter=1000)).fit(x.round(), names), rows.round())
keep("numbers", make_pipeline(OneHotEncoder(), LogisticRegression()).fit(x[:, 3:].round(), y), rows[:, 3:].round())

people = pd.DataFrame({"city": ["Seoul", "Busan", "Seoul", "Jeju"] * 5, "age": np.arange(20.0), "paid": [True, False] * 10})
mixed = make_column_transformer((make_pipeline(OneHotEncoder()), ["city"]), (SimpleImputer(), ["age"]))
keep(
    "table",
    make_pipeline(mixed, LogisticRegression()).fit(people[["city", "age"]], people["paid"]),
    people[["city", "age"]][:3],
)

said = ["good film", "bad film", "good book", "bad book"]
keep("text", make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(said, [1, 0, 1, 0]), said)

broken = Path(sys.argv[1])
joblib.dump(LogisticRegression(), broken / "unfitted.joblib")
joblib.dump(DBSCAN().fit(x), broken / "mute.joblib")
(broken / "cut.joblib").write_bytes((broken / "logistic/model.joblib").read_bytes()[:50])
(broken / "elsewhere.pkl").write_bytes(b"cno_such_package.models\nModel\n.")
old = LogisticRegression(max_iter=1000).fit(x, y)
data = pickle.dumps(old).replace(b"_sklearn_version\x94\x8c\x051.9.1", b"_sklearn_version\x94\x8c\x050.9.1")
(broken / "old.pkl").write_bytes(data)
