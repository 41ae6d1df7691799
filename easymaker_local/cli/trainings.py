"""``training``: look at trainings, watch, stop, change and delete them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from easymaker_local.cli import completion, jobs, listing, output, training_create
from easymaker_local.cli.lookup import WHICH, find_training
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

app = typer.Typer(no_args_is_help=True, help="Trainings: create, watch, stop, copy, delete.")
training_create.register(app)

Which = Annotated[str, typer.Argument(metavar="TRAINING", help=WHICH, autocompletion=completion.trainings)]
Several = Annotated[list[str], typer.Argument(metavar="TRAINING...", help=WHICH, autocompletion=completion.trainings)]


@app.command("list")
def list_trainings(
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
    """List trainings, newest first unless sorted otherwise."""
    from easymaker_local.domain.training import TrainingStatus

    client = client_of(ctx)
    wanted = jobs.status_codes(status or [], TrainingStatus)
    ask = partial(client.trainings, jobs.within(client, experiment), statuses=wanted)
    found = listing.rows(ask, search, sort, limit, reverse=reverse, everything=everything)
    if as_json:
        output.print_json(found)
    elif found:
        from easymaker_local.cli.training_views import print_trainings

        print_trainings(found)
    else:
        output.note("There are none. Make one: easymaker-local training run --help")


@app.command("show")
def show(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Show everything about a training: settings, how it stands and why, history."""
    client = client_of(ctx)
    training = find_training(client, which, newest=True)
    events = client.training_events(training["trainingId"])
    if as_json:
        output.print_json({**training, "eventList": events})
        return
    from easymaker_local.cli.training_views import print_training

    print_training(training, events)


@app.command("logs")
def logs(
    ctx: typer.Context,
    which: Which,
    node: jobs.Node = "all",
    follow: jobs.FollowLog = False,
    raw: jobs.Raw = None,
) -> None:
    """Print what a training has written. With several nodes every line begins with its node."""
    client = client_of(ctx)
    training = find_training(client, which, newest=True)
    from easymaker_local.cli.follow import show_log

    show_log(client, training, node, follow=follow, raw=raw)


@app.command("usage")
def usage(
    ctx: typer.Context,
    which: Which,
    begin: Annotated[str | None, typer.Option("--from", metavar="TIME", help="ISO 8601; default: its start.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="ISO 8601; default: its end, or now.")] = None,
    as_json: Json = False,
) -> None:
    """Show how much CPU, memory, disk and network each node used, on average, at most and over time."""
    client = client_of(ctx)
    training = find_training(client, which, newest=True)
    found = client.training_monitoring(training["trainingId"], begin, end)
    if as_json:
        output.print_json(found)
        return
    from easymaker_local.cli.usage import print_usage

    print_usage(training["trainingName"], found)


@app.command("metrics")
def metrics(
    ctx: typer.Context,
    which: Which,
    metric: Annotated[str | None, typer.Option(metavar="NAME", help="Only this one, drawn by step.")] = None,
    as_json: Json = False,
) -> None:
    """Show what a training has logged for TensorBoard or MLflow: of each metric the first, latest, lowest and highest value."""
    client = client_of(ctx)
    training = find_training(client, which, newest=True)
    found = client.training_metrics(training["trainingId"])
    from easymaker_local.cli import metric_views

    if metric is not None:
        found = [metric_views.find_metric(found, metric)]
    if as_json:
        output.print_json(found)
    elif metric is not None:
        metric_views.print_metric(found[0])
    elif found:
        metric_views.print_metrics(found)
    else:
        output.note("It has logged none, neither for TensorBoard into EM_TENSORBOARD_LOG_DIR nor with mlflow.log_metric.")


@app.command("wait")
def wait(ctx: typer.Context, which: Several, timeout: jobs.Timeout = None, as_json: Json = False) -> None:
    """Wait until trainings have ended: exit code 0 if all are COMPLETE, otherwise 1."""
    jobs.wait(jobs.TRAINING, client_of(ctx), which, timeout, as_json)


@app.command("stop")
def stop(ctx: typer.Context, which: Several) -> None:
    """Ask trainings to end. Checkpoints written so far are kept."""
    jobs.stop(jobs.TRAINING, client_of(ctx), which)


@app.command("change")
def change(
    ctx: typer.Context, which: Which, name: jobs.Name = None, description: jobs.Description = None, tag: jobs.Tag = None,
    untag: jobs.Untag = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Change name, description or tags; what is not given stays."""
    jobs.change(jobs.TRAINING, client_of(ctx), which, name, description, tag, untag, as_json)


@app.command("delete")
def delete(ctx: typer.Context, which: Several) -> None:
    """Delete ended trainings with their logs; models and checkpoints stay."""
    jobs.delete(jobs.TRAINING, client_of(ctx), which)
