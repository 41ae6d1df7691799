"""Watching a hyperparameter tuning: a line for every trial that ends, and below them how many run."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import typer

from easymaker_local.cli import jobs, output
from easymaker_local.cli.exits import INTERRUPTED
from easymaker_local.cli.follow import STATUS_SECONDS, patiently, tell_end, tell_watch
from easymaker_local.cli.progress import Progress
from easymaker_local.cli.trial_views import number
from easymaker_local.cli.tuning_views import Best, ended_count, ended_line, limit_of

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Trial, Tuning


def follow_to_end(client: Client, tuning: Tuning) -> int:
    """Show trials and status until the end; returns the exit code. Ctrl-C stops only the watching, and says so."""
    tuning_id = tuning["hyperparameterTuningId"]
    try:
        with Progress() as progress:
            ended = _watch(client, tuning_id, progress)
    except KeyboardInterrupt as error:
        tell_watch(jobs.TUNING, tuning_id, f"tuning follow {tuning_id}")
        raise typer.Exit(INTERRUPTED) from error
    return tell_end(jobs.TUNING, ended)


def _watch(client: Client, tuning_id: str, progress: Progress) -> Tuning:
    shown: set[str] = set()
    best: Best | None = None
    while True:
        # Trials are asked for after the tuning: of one that has ended all are there.
        tuning = patiently(partial(client.tuning, tuning_id))
        if ended_count(tuning) > len(shown):
            trials = patiently(partial(client.trials, tuning_id))
            new = sorted((t for t in trials if _has_ended(t) and t["trialId"] not in shown), key=_end)
            best = best or Best(tuning)
            progress.clear()
            for trial in new:
                output.out().print(ended_line(tuning, trial, best.add(trial)), soft_wrap=True)
                shown.add(trial["trialId"])
        if jobs.TUNING.has_ended(tuning):
            return tuning
        progress.show(_standing(tuning, best, progress.is_live))
        time.sleep(STATUS_SECONDS)


def _has_ended(trial: Trial) -> bool:
    # Its training may have ended a moment before the tuning has made its status of that.
    return trial["trialStatusCode"] not in {"CREATED", "RUNNING"}


def _end(trial: Trial) -> tuple[str, int]:
    return trial["finishedDatetime"] or "", trial["number"]


def _standing(tuning: Tuning, best: Best | None, is_live: bool) -> str:
    """Return what goes on now. Where every change would be a line of its own, the trials' lines say enough."""
    words = jobs.TUNING.summary(tuning)
    if tuning["hyperparameterTuningStatusCode"] != "RUNNING" or not is_live:
        return words
    limit = limit_of(tuning)
    words += f": {ended_count(tuning)}{f' of {limit}' if limit else ''} trials ended, {tuning['runningTrialCount']} running"
    if tuning["createdTrialCount"]:
        words += f", {tuning['createdTrialCount']} waiting"
    if best is not None and best.value is not None:
        words += f"; best {tuning['objectiveMetricName']} {number(best.value)}"
    return words
