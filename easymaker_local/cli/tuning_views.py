"""Hyperparameter tunings as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from easymaker_local.cli import jobs, output
from easymaker_local.cli.lookup import SHORT_ID
from easymaker_local.cli.training_views import experiment_name, first_line, job_details, print_pairs, why
from easymaker_local.cli.trial_views import metric_of, number, shortened, values_of

if TYPE_CHECKING:
    from easymaker_local.client.shapes import Analysis, Event, HyperparameterSpec, Trial, Tuning

_BAR_COLUMNS = 30
# Of the status that most trials have; longer ones are rare.
_STATUS_COLUMNS = len("SUCCEEDED")


def ended_count(t: Tuning) -> int:
    """Return how many trials have ended, in whatever way (HP-42)."""
    return t["successfulTrialCount"] + t["failedTrialCount"] + t["earlyStoppedTrialCount"] + t["killedTrialCount"]


def limit_of(t: Tuning) -> int | None:
    """Return how many trials there are at most; None: nothing limits them."""
    return min((limit for limit in (t["maxTrialCount"], t["gridSize"]) if limit is not None), default=None)


class Best:
    """The best value of the succeeded trials that were added (HP-40)."""

    def __init__(self, tuning: Tuning) -> None:
        self._is_largest = tuning["objectiveTypeCode"] == "MAXIMIZE"
        self.value: float | None = None

    def add(self, trial: Trial) -> tuple[float | None, bool]:
        """Return the best value with this trial, and whether it is this one's."""
        value = trial["objectiveValue"]
        if trial["trialStatusCode"] != "SUCCEEDED" or value is None:
            return self.value, False
        is_better = self.value is None or (value > self.value if self._is_largest else value < self.value)
        self.value = value if is_better else self.value
        return self.value, is_better


def ended_line(t: Tuning, trial: Trial, best: tuple[float | None, bool]) -> Text:
    """Return the line of a trial that has ended."""
    value, is_best = best
    limit = limit_of(t)
    status = output.status(trial["trialStatusCode"])
    line = Text(f"#{trial['number']:<{len(str(limit or 100))}}  ").append(status)
    line.append(" " * (_STATUS_COLUMNS - len(status)))
    objective = trial["objectiveValue"]
    if objective is not None:
        line.append(f"  {output.clean(t['objectiveMetricName'])}={number(objective):<10}")
    if is_best:
        line.append("  best so far     ", style="green")
    elif value is not None:
        line.append(f"  best {number(value):<11}", style="dim")
    line.append(f"  {values_of(trial, shortened)}")
    reason = trial["statusReason"]
    # Why a trial was ended early is of interest one by one.
    if reason is not None and trial["trialStatusCode"] in {"FAILED", "METRICS_UNAVAILABLE"}:
        line.append(f"  {output.clean(first_line(reason))}", style="dim")
    return line


def tell_best(t: Mapping[str, Any]) -> None:
    """Say which trial was the best one, and where its model is."""
    best = t["optimalTrial"]
    if best is None:
        if jobs.TUNING.status(t) == "COMPLETE":
            output.note("No trial has a value of the objective.")
        return
    value = number(best["objectiveValue"])
    output.note(f"Best: trial #{best['number']} ({best['trialId']}) with {t['objectiveMetricName']} {value}: {values_of(best)}")
    output.note(f"Model: {best['modelUploadUri']}")


def print_tunings(tunings: Sequence[Tuning], *, with_experiment: bool = True) -> None:
    """Print one line each. What waits or failed says why; on a narrow terminal below its status, and without the experiment."""
    is_narrow = output.is_narrow()
    rows: list[list[object]] = []
    for t in tunings:
        limit, best = limit_of(t), t["optimalTrial"]
        took = output.duration(t["elapsedTimeSeconds"]) if t["startedDatetime"] else None
        status, reason = output.status(jobs.TUNING.shown_status(t)), Text(output.clean(why(t)), style="dim")
        if is_narrow and reason:
            status, reason = Text.assemble(status, "\n", reason), Text()
        rows.append([
            t["hyperparameterTuningId"][:SHORT_ID], t["hyperparameterTuningName"], experiment_name(t), status,
            f"{ended_count(t)}/{limit}" if limit else str(ended_count(t)),
            None if best is None else f"{t['objectiveMetricName']} {number(best['objectiveValue'])}",
            output.ago(t["createdDatetime"]), took, reason,
        ])  # fmt: skip
    columns = ["ID", "NAME", "EXPERIMENT", "STATUS", "TRIALS", "BEST", "CREATED", "TIME", "REASON"]
    if is_narrow or not with_experiment:
        columns, rows = [c for c in columns if c != "EXPERIMENT"], [[*row[:2], *row[3:]] for row in rows]
    output.table(*output.filled(columns, rows, "REASON"))


def print_tuning(t: Tuning, analysis: Analysis | None, events: Sequence[Event]) -> None:
    """Print everything about one; ``analysis`` None: its record cannot be read."""
    nodes = t["instanceCount"] // max(1, t["parallelTrialCount"])
    output.details([
        *job_details(jobs.TUNING, t, f"{nodes} per trial" if nodes > 1 else "1 per trial"),
        ("Strategy", _strategy(t)), ("Objective", _objective(t)), ("Metric format", t["metricRegex"]),
        ("Early stopping", _early_stopping(t)), ("Ends", _limits(t)), ("Trials", _counts(t)),
        ("Parallel", _parallel(t)),
    ])  # fmt: skip
    for warning in t["warningList"]:
        output.note(warning, "yellow")
    if t["hyperparameterSpecList"]:
        output.heading("Hyperparameters")
        _print_specs(
            t, {one["hyperparameterName"]: one["importance"] for one in analysis["importanceList"]} if analysis else {}
        )
    if analysis is not None and analysis["importanceNote"] and t["isFinished"]:
        output.note(analysis["importanceNote"])
    print_pairs("Data sets", t["datasetList"], "datasetName", "dataUri")
    print_pairs("Tags", t["tagList"], "tagKey", "tagValue")
    if t["optimalTrial"] is not None:
        _print_best(t, t["optimalTrial"])
    if analysis is not None and analysis["historyList"]:
        from easymaker_local.cli.convergence import convergence

        console = output.out()
        console.print()
        console.print(convergence(analysis["historyList"], output.clean(t["objectiveMetricName"]), min(console.width, 80)))
    output.heading("History")
    output.events(events)


def _print_specs(t: Tuning, shares: Mapping[str, float]) -> None:
    columns = ["NAME", "TYPE", "VALUES", *(["IMPORTANCE"] if shares else [])]
    rows = [
        [s["hyperparameterName"], s["hyperparameterTypeCode"], _tried(s), _bar(shares.get(s["hyperparameterName"]))]
        for s in t["hyperparameterSpecList"]
    ]
    output.table(columns, [row[: len(columns)] for row in rows])


def _print_best(t: Tuning, best: Trial) -> None:
    objective = t["objectiveMetricName"] or ""
    output.heading("Best trial")
    output.details([
        ("Trial", f"#{best['number']} ({best['trialId']})"),
        (objective, number(best["objectiveValue"])),
        *((m["trialMetricName"], metric_of(m)) for m in best["trialMetricList"] if m["trialMetricName"] != objective),
        ("Hyperparameters", values_of(best)), ("Model", best["modelUploadUri"]),
    ])  # fmt: skip


def _tried(spec: HyperparameterSpec) -> str:
    if spec["hyperparameterSpecifiedValues"]:
        return ", ".join(part.strip() for part in spec["hyperparameterSpecifiedValues"].split(","))
    step = f" in steps of {spec['hyperparameterStep']}" if spec["hyperparameterStep"] else ""
    return f"{spec['hyperparameterMinValue']} to {spec['hyperparameterMaxValue']}{step}"


def _strategy(t: Tuning) -> str | None:
    found = t["tuningStrategyName"]
    if t["gridSize"] is not None:
        found = f"{found}, {t['gridSize']} combinations"
    return found if t["tuningStrategyRandomState"] is None else f"{found}, random state {t['tuningStrategyRandomState']}"


def _objective(t: Tuning) -> str | None:
    if t["objectiveMetricName"] is None or t["objectiveTypeCode"] is None:
        return None
    goal = "" if t["objectiveGoal"] is None else f", goal {number(t['objectiveGoal'])}"
    others = [row["name"] for row in t["metricList"] if row["name"] != t["objectiveMetricName"]]
    also = f"; collected too: {', '.join(others)}" if others else ""
    return f"{t['objectiveTypeCode'].lower()} {t['objectiveMetricName']}{goal}{also}"


def _early_stopping(t: Tuning) -> str:
    if t["earlyStoppingAlgorithm"] is None:
        return "none"
    least, start = t["earlyStoppingMinTrialCount"], t["earlyStoppingStartStep"]
    return f"{t['earlyStoppingAlgorithm'].lower()} of at least {least} trials, from value {start} on"


def _limits(t: Tuning) -> str | None:
    words = [f"after {t['maxTrialCount']} trials"] if t["maxTrialCount"] is not None else []
    words += [f"after {t['maxFailedTrialCount']} failed ones"] if t["maxFailedTrialCount"] is not None else []
    return ", ".join(words) or None


def _counts(t: Tuning) -> str:
    counts = {
        "succeeded": t["successfulTrialCount"], "running": t["runningTrialCount"], "waiting": t["createdTrialCount"],
        "failed": t["failedTrialCount"], "stopped early": t["earlyStoppedTrialCount"], "killed": t["killedTrialCount"],
    }  # fmt: skip
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none yet"


def _parallel(t: Tuning) -> str:
    """Return how many trials were to run at once and how many do (HP-L02)."""
    count = t["parallelTrialCount"]
    return str(count) if t["isFinished"] else f"{count} asked for, {t['runningTrialCount']} running now"


def _bar(share: float | None) -> Text:
    if share is None:
        return output.cell(None)
    bar = "█" * round(share * _BAR_COLUMNS)
    return Text(f"{bar} " if bar else "", style="cyan").append(f"{share:.0%}", style="default")
