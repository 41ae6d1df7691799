"""What a hyperparameter tuning has beside a training: the values to be tried, metrics, objective and how to search.

Files and options say how many ``nodes`` one trial has; the API wants those of all trials that run at once (HP-20, HP-21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from easymaker_local.cli.job_options import by_option as by_form_option
from easymaker_local.cli.job_spec import PAIRS, SHORT, Body, Form, camel, suggestion, tables, wire_names
from easymaker_local.errors import FieldError, InvalidRequest

SPECS = "hyperparameterSpecList"
_TYPE, _VALUES = "hyperparameterTypeCode", "hyperparameterSpecifiedValues"
# Keys of a hyperparameter's table.
_KEYS = {
    "type": _TYPE, "min": "hyperparameterMinValue", "max": "hyperparameterMaxValue", "step": "hyperparameterStep",
    "values": _VALUES,
}  # fmt: skip
# The field that each option of the search fills.
SEARCH_FIELDS = {
    "metric": "metricList", "regex": "metricRegex", "objective": "objectiveMetric", "minimize": "objectiveTypeCode",
    "goal": "objectiveGoal", "strategy": "tuningStrategyName", "random_state": "tuningStrategyRandomState",
    "parallel": "parallelTrialCount", "max_trials": "maxTrialCount", "max_failed_trials": "maxFailedTrialCount",
    "early_stopping": "earlyStoppingAlgorithm", "min_trials": "earlyStoppingMinTrialCount",
    "start_step": "earlyStoppingStartStep",
}  # fmt: skip
_OPTIONS = {
    **{field: f"--{name.replace('_', '-')}" for name, field in SEARCH_FIELDS.items()},
    "objectiveTypeCode": "--minimize/--maximize", "hyperparameterTuningName": "--name",
    "instanceCount": "--nodes times --parallel",
    SPECS: "--int, --double, --discrete, --categorical",
}  # fmt: skip


def per_trial(body: Body) -> Body:
    """Return a tuning's settings, or those of a template, with ``nodes`` instead of ``instanceCount``."""
    kept = {field: value for field, value in body.items() if field != "instanceCount"}
    return kept if len(kept) == len(body) else {**kept, "nodes": body["instanceCount"] // body.get("parallelTrialCount", 1)}


def completed(body: Body) -> Body:
    """Return a body as the API wants it: nodes counted together, and an objective that goes without saying."""
    made = dict(body)
    nodes, parallel = made.pop("nodes", 1), made.get("parallelTrialCount", 1)
    if "nodes" in body and "instanceCount" in body:
        raise InvalidRequest([FieldError("nodes", "instance_count says the same of all trials together; give one of them")])
    if "instanceCount" not in made:
        # What is no number is for the daemon to refuse.
        made["instanceCount"] = nodes * parallel if isinstance(nodes, int) and isinstance(parallel, int) else nodes
    metrics, objective = made.get("metricList"), made.get("objectiveMetric")
    if objective is None and isinstance(metrics, list) and len(metrics) == 1:
        made["objectiveMetric"] = metrics[0]
    elif objective is not None and not metrics:
        made["metricList"] = [objective]
    return made


def merge_specs(old: Any, new: Any) -> Any:
    """Return hyperparameters in which ``new`` ones replace and extend the ``old`` ones by name."""
    if not isinstance(new, list) or not all(isinstance(row, dict) and row.get("hyperparameterName") for row in new):
        return new
    replaced = {str(row["hyperparameterName"]): row for row in new}
    # One that is there twice is for the daemon to refuse.
    if len(replaced) < len(new):
        return new
    kept = [replaced.pop(row["hyperparameterName"], row) for row in old]
    return [*kept, *replaced.values()]


def strategy(text: Any) -> Any:
    """Return the API's word for a strategy."""
    word = _upper(text)
    return "BAYESIAN_OPTIMIZATION" if word == "BAYESIAN" else word


def early_stopping(text: Any) -> Any:
    """Return the API's word for a rule; None: without one."""
    word = _upper(text)
    return None if word == "NONE" else word


def by_option(body: Body) -> Callable[[FieldError], FieldError]:
    """Return what names the options at fault instead of the fields of ``body``."""

    def rename(fault: FieldError) -> FieldError:
        found = _spec_at_fault(body, fault)
        if found is None:
            field = fault.field.partition(".")[0]
            return FieldError(_OPTIONS[field], fault.message) if field in _OPTIONS else by_form_option(fault)
        spec, field = found
        name = spec.get("hyperparameterName", "")
        if field == _TYPE and not spec.get(_TYPE):
            words = f"has no values yet; give them by --int {name}=MIN:MAX, --double, --discrete or --categorical"
            return FieldError(f"hyperparameter {name}", words)
        return FieldError(f"--{spec.get(_TYPE)} {name}", fault.message)

    return rename


def by_key(body: Body) -> Callable[[FieldError], FieldError]:
    """Return what names the tables of hyperparameters at fault by their names, not by their places in the list."""

    def rename(fault: FieldError) -> FieldError:
        found = _spec_at_fault(body, fault)
        if found is None:
            return fault
        spec, field = found
        key = next((key for key, known in _KEYS.items() if known == field), field)
        words = "required: int, double, discrete or categorical" if key == "type" and not spec.get(_TYPE) else fault.message
        return FieldError(f"hyperparameters.{spec.get('hyperparameterName', '')}.{key}", words)

    return rename


def _spec_at_fault(body: Body, fault: FieldError) -> tuple[Mapping[str, Any], str] | None:
    """Return the hyperparameter and its field that a fault is about; None if it is about none of them."""
    field, _, place = fault.field.partition(".")
    index, _, inner = place.partition(".")
    specs = body.get(SPECS)
    if field != SPECS or not index.isdecimal() or not inner or not isinstance(specs, list):
        return None
    spec = specs[int(index)]
    return (spec, inner) if isinstance(spec, dict) else None


def _upper(text: Any) -> Any:
    return text.strip().replace("-", "_").replace(" ", "_").upper() if isinstance(text, str) else text


def _specs(field: str, value: Any, faults: list[FieldError]) -> Any:
    if not isinstance(value, dict):
        from easymaker_local.domain.tuning_spec import HyperparameterSpec

        return tables(field, value, faults, list(wire_names(HyperparameterSpec)))
    return [{"hyperparameterName": name, **_spec(name, table, faults)} for name, table in value.items()]


def _spec(name: str, table: Any, faults: list[FieldError]) -> Body:
    """Return a hyperparameter; a list stands for its values."""
    if not isinstance(table, dict):
        table = {"values": table}
    made: Body = {}
    for key, value in table.items():
        field = _KEYS.get(key, camel(key))
        if field not in _KEYS.values():
            faults.append(FieldError(f"hyperparameters.{name}.{key}", f"unknown{suggestion(key, list(_KEYS))}"))
        else:
            made[field] = value
    values = made.get(_VALUES)
    if isinstance(values, list):
        texts = [str(value) for value in values]
        if any("," in text for text in texts):
            faults.append(FieldError(f"hyperparameters.{name}.values", "a value cannot have a comma in it"))
        made[_VALUES] = ",".join(texts)
        are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        made.setdefault(_TYPE, "discrete" if are_numbers else "categorical")
    return made


def _named(field: str, value: Any, faults: list[FieldError]) -> Any:
    """Return metrics that are given by their names alone."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, list):
        return [_named(field, one, faults) for one in value]
    return value


def _fields() -> Iterable[str]:
    from easymaker_local.domain.tuning_spec import TuningSpec

    return [*wire_names(TuningSpec), "nodes"]


_SHORT = {
    **SHORT, "name": "hyperparameterTuningName", "hyperparameters": SPECS, "metrics": "metricList",
    "direction": "objectiveTypeCode",
    **{name: field for name, field in SEARCH_FIELDS.items() if name not in {"metric", "minimize"}},
}  # fmt: skip
TUNING = Form(
    _fields, _SHORT,
    {
        **PAIRS, SPECS: _specs, "metricList": _named, "objectiveMetric": _named,
        "tuningStrategyName": lambda field, value, faults: strategy(value),
        "objectiveTypeCode": lambda field, value, faults: _upper(value),
        "earlyStoppingAlgorithm": lambda field, value, faults: early_stopping(value),
    },
)  # fmt: skip
