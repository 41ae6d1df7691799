"""The options of a hyperparameter tuning beside those of a training: what is tried, what is measured, how it is searched."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from easymaker_local.cli.job_options import given as given_of_form
from easymaker_local.cli.job_options import overridden as form_overridden
from easymaker_local.cli.job_spec import Body, split_pairs
from easymaker_local.cli.tuning_spec import SEARCH_FIELDS, SPECS, early_stopping, merge_specs, strategy

_PANEL = "Search"
_RANGES = ("int", "double")
_LISTS = ("discrete", "categorical")


def _several(name: str, metavar: str, help_: str) -> Any:
    option = typer.Option(f"--{name}", metavar=metavar, help=f"{help_}; repeat for more.", rich_help_panel=_PANEL)
    return Annotated[list[str] | None, option]


def _one(kind: Any, help_: str, *names: str, **more: Any) -> Any:
    return Annotated[kind | None, typer.Option(*names, help=help_, rich_help_panel=_PANEL, **more)]


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter("is no number that can be reached.")
    return value


# In the order in which help shows them.
SEARCH: Mapping[str, Any] = {
    "int": _several("int", "NAME=MIN:MAX[:STEP]", "Hyperparameter that is a whole number, --int layers=1:4"),
    "double": _several("double", "NAME=MIN:MAX[:STEP]", "Hyperparameter that is a number, --double lr=0.01:0.05:0.01"),
    "discrete": _several("discrete", "NAME=VALUE,…", "Hyperparameter that is one of some numbers, --discrete batch=16,32,64"),
    "categorical": _several(
        "categorical",
        "NAME=VALUE,…",
        "Hyperparameter that is one of some words, --categorical opt=sgd,adam",
    ),
    "strategy": _one(str, "grid (every combination of steps and values), random or bayesian.", metavar="NAME"),
    "random_state": _one(int, "Whole number: the same one gives the same proposals, of trials that run one by one."),
    "metric": _several("metric", "NAME", "Metric that the code prints"),
    "regex": _one(str, 'Format in which it prints them; group 1 is the name, group 2 the value. Unless given: "name = value".'),
    "objective": _one(str, "Metric that counts; unless given: the only one.", metavar="NAME"),
    "minimize": _one(bool, "Which of its values are better.", "--minimize/--maximize"),
    "goal": _one(float, "Value of the objective that ends the tuning.", callback=_finite),
    "max_trials": _one(int, "Trials after which the tuning ends.", metavar="N"),
    "max_failed_trials": _one(int, "Failed trials after which it ends as failed; unless given: ten in a row.", metavar="N"),
    "parallel": _one(int, "Trials that run at once, 1 to 10.", metavar="N"),
    "early_stopping": _one(str, "median (ends trials that do worse than others did) or none.", metavar="RULE"),
    "min_trials": _one(int, "Trials that the median is of, at least.", metavar="N"),
    "start_step": _one(int, "Values that a trial may print before it is ended early.", metavar="N"),
}


def given(form: Mapping[str, Any]) -> Body:
    """Return which options were given, by wire name; ``nodes`` are those of a trial, hyperparameters are a list."""
    found = given_of_form(form)
    if "instanceCount" in found:
        found["nodes"] = found.pop("instanceCount")
    specs = _specs(form)
    if specs:
        found[SPECS] = specs
    for name, field in SEARCH_FIELDS.items():
        if (value := form.get(name)) is not None and value != []:
            found[field] = _WORDS[name](value) if name in _WORDS else value
    return found


def overridden(body: Body, options: Mapping[str, Any]) -> Body:
    """Return the body with the values of ``given``; hyperparameters are merged by name."""
    merged = form_overridden(body, options)
    if SPECS in options and SPECS in body:
        merged[SPECS] = merge_specs(body[SPECS], options[SPECS])
    return merged


_WORDS = {
    "metric": lambda names: [{"name": name} for name in names],
    "objective": lambda name: {"name": name},
    "minimize": lambda wanted: "MINIMIZE" if wanted else "MAXIMIZE",
    "strategy": strategy,
    "early_stopping": early_stopping,
}


def _specs(form: Mapping[str, Any]) -> list[Body]:
    found: dict[str, Body] = {}
    for kind in (*_RANGES, *_LISTS):
        for name, text in (pair for one in form.get(kind) or [] for pair in split_pairs(f"--{kind}", [one]).items()):
            if name in found:
                raise typer.BadParameter(f"{name} has values already.", param_hint=f"--{kind}")
            values = _range(kind, name, text) if kind in _RANGES else {"hyperparameterSpecifiedValues": text}
            found[name] = {"hyperparameterName": name, "hyperparameterTypeCode": kind, **values}
    return list(found.values())


def _range(kind: str, name: str, text: str) -> Body:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) not in {2, 3} or not all(parts):
        raise typer.BadParameter(f"write {name}=MIN:MAX or {name}=MIN:MAX:STEP, not {text!r}.", param_hint=f"--{kind}")
    return dict(zip(("hyperparameterMinValue", "hyperparameterMaxValue", "hyperparameterStep"), parts, strict=False))
