"""Trials of a tuning as people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from easymaker_local.cli import output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.training_views import print_pairs, why

if TYPE_CHECKING:
    from easymaker_local.client.shapes import Point, Trial, TrialMetric, Tuning

_BARS = "▁▂▃▄▅▆▇█"
_COURSE_COLUMNS = 40
# Longer numbers are rounded where many are shown.
_SHORT = 8


def number(value: float | None) -> str:
    """Return a value in as many digits as people compare; None: a dash."""
    return "-" if value is None else f"{value:.6g}"


def shortened(text: str) -> str:
    """Return a value that was tried in as many digits as people compare."""
    try:
        return text if len(text) <= _SHORT else f"{float(text):.6g}"
    except ValueError:
        return text


def print_trials(t: Tuning, trials: Sequence[Trial], *, with_metrics: bool) -> None:
    """Print one line each, with the values that were tried and what came of them."""
    names = list(dict.fromkeys(row["parameterName"] for trial in trials for row in trial["hyperparameterList"]))
    metrics = [row["name"] for row in t["metricList"]] if with_metrics else []
    best = t["optimalTrial"]["trialId"] if t["optimalTrial"] is not None else None
    rows: list[list[object]] = []
    for trial in trials:
        values = {row["parameterName"]: shortened(row["parameterValue"]) for row in trial["hyperparameterList"]}
        found = {m["trialMetricName"]: m for m in trial["trialMetricList"]}
        took = output.duration(trial["elapsedTimeSeconds"]) if trial["startedDatetime"] else None
        rows.append([
            trial["number"], trial["trialId"][:SHORT_ID], output.status(trial["trialStatusCode"]),
            *(values.get(name) for name in names),
            output.cell(number(trial["objectiveValue"]), "bold green" if trial["trialId"] == best else ""),
            *(_extremes(found.get(name)) for name in metrics),
            took, Text(output.clean(why(trial)), style="dim"),
        ])  # fmt: skip
    objective_name = output.clean(t["objectiveMetricName"] or "objective")
    columns = ["#", "ID", "STATUS", *map(output.clean, names), objective_name]
    columns += [f"{output.clean(name)}: MIN / MAX / LATEST" for name in metrics]
    output.table(*output.filled([*columns, "TIME", "REASON"], rows, "REASON"))


def print_trial(t: Tuning, trial: Trial, courses: Mapping[str, Sequence[Point]]) -> None:
    """Print everything about one, with the course of each metric."""
    reason, objective = trial["statusReason"], trial["objectiveValue"]
    output.details([
        ("Id", trial["trialId"]), ("Name", trial["trialName"]), ("Number", trial["number"]),
        ("Tuning", f"{t['hyperparameterTuningName']} ({t['hyperparameterTuningId']})"),
        ("Status", output.status(trial["trialStatusCode"])),
        *([("Reason", f"{reason['code']}: {reason['message']}")] if reason else []),
        ("Objective", None if objective is None else f"{t['objectiveMetricName']} {number(objective)}"),
        ("Model output", trial["modelUploadUri"]),
        ("Created", output.local_time(trial["createdDatetime"])), ("Started", output.local_time(trial["startedDatetime"])),
        ("Ended", output.local_time(trial["finishedDatetime"])),
        ("Time", output.duration(trial["elapsedTimeSeconds"]) if trial["startedDatetime"] else None),
    ])  # fmt: skip
    print_pairs("Hyperparameters", trial["hyperparameterList"], "parameterName", "parameterValue")
    if trial["trialMetricList"]:
        output.heading("Metrics")
        rows = [
            [
                m["trialMetricName"], str(m["count"]), m["trialMetricMinValue"], m["trialMetricMaxValue"],
                m["trialMetricLatestValue"], course([point["value"] for point in courses[m["trialMetricName"]]]),
            ]
            for m in trial["trialMetricList"]
        ]  # fmt: skip
        output.table(["METRIC", "VALUES", "MIN", "MAX", "LATEST", "COURSE"], rows)


def values_of(trial: Mapping[str, Any], show: Callable[[str], str] = str) -> str:
    """Return what a trial tries, in a line."""
    values = (f"{row['parameterName']}={show(row['parameterValue'])}" for row in trial["hyperparameterList"])
    return output.clean(" ".join(values))


def metric_of(m: TrialMetric) -> str:
    """Return what the values of a metric come to, in a line."""
    lowest, highest, latest = _extremes_of(m)
    return f"{lowest} to {highest}, at last {latest}"


def _extremes_of(m: TrialMetric) -> tuple[str, str, str]:
    return shortened(m["trialMetricMinValue"]), shortened(m["trialMetricMaxValue"]), shortened(m["trialMetricLatestValue"])


def _extremes(m: TrialMetric | None) -> str | None:
    if m is None:
        return None
    return " / ".join(_extremes_of(m))


def course(values: Sequence[float]) -> str:
    """Draw a course in one line, from its lowest to its highest value."""
    if not values:
        return ""
    low, high = min(values), max(values)
    count = min(len(values), _COURSE_COLUMNS)
    pieces = [values[i * len(values) // count : (i + 1) * len(values) // count] for i in range(count)]
    # By halves: the distance of two numbers may be larger than any number, and so may their sum.
    span = high / 2 - low / 2
    means = (min(max(sum(value / len(piece) for value in piece), low), high) for piece in pieces)
    return "".join(_BARS[round((mean / 2 - low / 2) / span * (len(_BARS) - 1)) if span else 0] for mean in means)
