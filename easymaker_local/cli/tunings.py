"""``tuning``: look at hyperparameter tunings and their trials, watch, stop, change and delete them."""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from easymaker_local.cli import completion, jobs, listing, output, tuning_create
from easymaker_local.cli.lookup import WHICH, find_trial, find_tuning
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of
from easymaker_local.errors import NotFound

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.shapes import MetricCheck, Trial, Tuning

app = typer.Typer(no_args_is_help=True, help="Hyperparameter tunings: create, watch, compare trials, stop, copy, delete.")
tuning_create.register(app)

Which = Annotated[str, typer.Argument(metavar="TUNING", help=WHICH, autocompletion=completion.tunings)]
Several = Annotated[list[str], typer.Argument(metavar="TUNING...", help=WHICH, autocompletion=completion.tunings)]
_TRIAL_HELP = "Number, id, beginning of an id, or name."


class Order(StrEnum):
    """In which order trials are listed."""

    NUMBER = "number"
    OBJECTIVE = "objective"


@app.command("list")
def list_tunings(
    ctx: typer.Context,
    experiment: jobs.Experiment = None,
    status: jobs.Statuses = None,
    search: listing.Search = None,
    sort: listing.Sort = listing.By.CREATED,
    reverse: listing.Reverse = False,
    limit: listing.Limit = listing.ROWS,
    everything: listing.All = False,
    as_json: Json = False,
) -> None:
    """List hyperparameter tunings, newest first unless sorted otherwise."""
    from easymaker_local.domain.tuning import TuningStatus

    client = client_of(ctx)
    wanted = jobs.status_codes(status or [], TuningStatus)
    ask = partial(client.tunings, jobs.within(client, experiment), statuses=wanted)
    found = listing.rows(ask, search, sort, limit, reverse=reverse, everything=everything)
    if as_json:
        output.print_json(found)
    elif found:
        from easymaker_local.cli.tuning_views import print_tunings

        print_tunings(found)
    else:
        output.note("There are none. Make one: easymaker-local tuning run --help")


@app.command("show")
def show(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Show everything about a hyperparameter tuning: settings, how it stands and why, its best trial, how it converged."""
    client = client_of(ctx)
    tuning = find_tuning(client, which, newest=True)
    tuning_id = tuning["hyperparameterTuningId"]
    analysis = None if jobs.TUNING.status(tuning) == jobs.BROKEN else client.tuning_analysis(tuning_id)
    events = client.tuning_events(tuning_id)
    if as_json:
        output.print_json({**tuning, "analysis": analysis, "eventList": events})
        return
    from easymaker_local.cli.tuning_views import print_tuning

    print_tuning(tuning, analysis, events)


@app.command("trials")
def list_trials(
    ctx: typer.Context,
    which: Which,
    sort: Annotated[Order, typer.Option(help="By number, or those with the best objective first.")] = Order.NUMBER,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Lowest, highest and latest value of each metric.", show_default=False)
    ] = False,
    as_json: Json = False,
) -> None:
    """List the trials of a tuning: how each stands, what it tried and what came of it."""
    client = client_of(ctx)
    tuning = find_tuning(client, which, newest=True)
    found = client.trials(tuning["hyperparameterTuningId"])
    if sort is Order.OBJECTIVE:
        sign = -1 if tuning["objectiveTypeCode"] == "MAXIMIZE" else 1
        # Those without a value come last.
        found.sort(key=lambda t: (t["objectiveValue"] is None, sign * (t["objectiveValue"] or 0.0), t["number"]))
    if as_json:
        output.print_json(found)
    elif found:
        from easymaker_local.cli.trial_views import print_trials

        print_trials(tuning, found, with_metrics=metrics)
    else:
        output.note("There are no trials yet.")


@app.command("trial")
def show_trial(
    ctx: typer.Context, which: Which, trial: Annotated[str, typer.Argument(metavar="TRIAL", help=_TRIAL_HELP)],
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show everything about a trial of a tuning: its hyperparameters, and its metrics with their course."""
    client = client_of(ctx)
    tuning = find_tuning(client, which, newest=True)
    found = find_trial(client, tuning, trial)
    names = [metric["trialMetricName"] for metric in found["trialMetricList"]]
    courses = {name: client.trial_points(tuning["hyperparameterTuningId"], found["trialId"], name) for name in names}
    if as_json:
        output.print_json({**found, "pointList": courses})
        return
    from easymaker_local.cli.trial_views import print_trial

    print_trial(tuning, found, courses)


@app.command("logs")
def logs(
    ctx: typer.Context,
    which: Which,
    trial: Annotated[
        str | None,
        typer.Argument(metavar="[TRIAL]", help=f"{_TRIAL_HELP} Unless given: the newest, of an ended tuning the best."),
    ] = None,
    node: jobs.Node = "all",
    follow: jobs.FollowLog = False,
    raw: jobs.Raw = None,
) -> None:
    """Print what a trial of a tuning has written."""
    client = client_of(ctx)
    tuning = find_tuning(client, which, newest=True)
    if trial is None:
        chosen = _shown_first(client, tuning)
        output.note(f"Trial #{chosen['number']} ({chosen['trialId']}), {chosen['trialStatusCode']}")
    else:
        chosen = find_trial(client, tuning, trial)
    from easymaker_local.cli.follow import show_log

    show_log(client, client.training(chosen["trialId"]), node, follow=follow, raw=raw)


@app.command("follow")
def follow(ctx: typer.Context, which: Which) -> None:
    """Watch a hyperparameter tuning to the end, trial by trial: exit code 0 if it completes, 1 if not."""
    from easymaker_local.cli.tuning_follow import follow_to_end

    client = client_of(ctx)
    raise typer.Exit(follow_to_end(client, find_tuning(client, which, newest=True)))


@app.command("wait")
def wait(ctx: typer.Context, which: Several, timeout: jobs.Timeout = None, as_json: Json = False) -> None:
    """Wait until hyperparameter tunings have ended: exit code 0 if all are COMPLETE, otherwise 1."""
    jobs.wait(jobs.TUNING, client_of(ctx), which, timeout, as_json)


@app.command("stop")
def stop(ctx: typer.Context, which: Several) -> None:
    """Ask hyperparameter tunings to end, with the trials that run. What they stored is kept."""
    jobs.stop(jobs.TUNING, client_of(ctx), which)


@app.command("change")
def change(
    ctx: typer.Context, which: Which, name: jobs.Name = None, description: jobs.Description = None, tag: jobs.Tag = None,
    untag: jobs.Untag = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Change name, description or tags; what is not given stays."""
    jobs.change(jobs.TUNING, client_of(ctx), which, name, description, tag, untag, as_json)


@app.command("delete")
def delete(ctx: typer.Context, which: Several) -> None:
    """Delete ended hyperparameter tunings with their trials and logs; models and checkpoints stay."""
    jobs.delete(jobs.TUNING, client_of(ctx), which)


@app.command("check-metrics")
def check_metrics(
    ctx: typer.Context,
    log: Annotated[Path, typer.Option(metavar="FILE", dir_okay=False, allow_dash=True, help="Lines of a log; - is stdin.")],
    regex: Annotated[str | None, typer.Option(help="Metric format: group 1 is the name, group 2 the value.")] = None,
    metric: Annotated[list[str] | None, typer.Option("--metric", metavar="NAME", help="Metric; repeat for more.")] = None,
    as_json: Json = False,
) -> None:
    """Show what a metric format finds in a log: exit code 0 if it finds every metric, otherwise 1."""
    try:
        # Whatever the terminal speaks, logs are UTF-8, or what comes nearest.
        text = (sys.stdin.buffer.read() if str(log) == "-" else log.read_bytes()).decode(errors="replace")
    except OSError as error:
        raise typer.BadParameter(f"{log} cannot be read: {error.strerror}.", param_hint="--log") from error
    body: dict[str, Any] = {"metricRegex": regex, "metricList": [{"name": name} for name in metric or []], "log": text}
    found = client_of(ctx).check_metrics({field: value for field, value in body.items() if value is not None})
    if as_json:
        output.print_json(found)
    else:
        _print(found)
    raise typer.Exit(0 if found["metricList"] and not found["missingMetricList"] else 1)


def _shown_first(client: Client, tuning: Tuning) -> Trial:
    best = tuning["optimalTrial"]
    if tuning["isFinished"] and best is not None:
        return best
    begun = [trial for trial in client.trials(tuning["hyperparameterTuningId"]) if trial["startedDatetime"]]
    if not begun:
        raise NotFound(
            "No trial has begun yet.", hint=f"Watch it: easymaker-local tuning follow {tuning['hyperparameterTuningId']}"
        )
    return begun[-1]


def _print(found: MetricCheck) -> None:
    if found["metricList"]:
        columns = ("minimum", "maximum", "latest")
        rows = [[m["name"], str(m["count"]), *(f"{m[column]:g}" for column in columns)] for m in found["metricList"]]
        output.table(["METRIC", "VALUES", "MIN", "MAX", "LATEST"], rows)
    for name in found["missingMetricList"]:
        output.note(f"No value of {name!r} was found.")
    almost = [line for line in found["lineList"] if line["isAlmost"]][:10]
    if almost:
        output.heading("Lines that name a metric without a value that the format finds")
        output.table(["LINE", "TEXT"], [[str(line["lineNumber"]), Text(output.clean(line["text"]))] for line in almost])
    if not found["metricList"]:
        output.note(f"The format finds nothing in {found['lineCount']} lines.")
