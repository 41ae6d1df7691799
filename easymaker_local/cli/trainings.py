"""``training``: look at trainings, watch, stop, change and delete them."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from easymaker_local.cli import completion, output, training_create
from easymaker_local.cli.exits import for_each
from easymaker_local.cli.lookup import find_experiment, find_training
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of
from easymaker_local.cli.training_spec import merge_pairs, split_pairs
from easymaker_local.errors import InvalidRequest, NotFound

app = typer.Typer(no_args_is_help=True, help="Trainings: create, watch, stop, copy, delete.")
training_create.register(app)

_HELP = "Id, beginning of an id, or name."
Which = Annotated[str, typer.Argument(metavar="TRAINING", help=_HELP, autocompletion=completion.trainings)]
Several = Annotated[list[str], typer.Argument(metavar="TRAINING...", help=_HELP, autocompletion=completion.trainings)]


_STARTING_SECONDS = 30.0


@app.command("list")
def list_trainings(
    ctx: typer.Context,
    experiment: Annotated[
        str | None, typer.Option(help="Only those of this experiment.", autocompletion=completion.experiments)
    ] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only those with this status; repeat for more.")] = None,
    limit: output.Limit = output.LIST_ROWS,
    everything: output.All = False,
    as_json: Json = False,
) -> None:
    """List trainings, newest first."""
    client = client_of(ctx)
    within = None if experiment is None else find_experiment(client, experiment)["experimentId"]
    wanted = [_status(text) for text in status or []]
    found = client.trainings(within, statuses=wanted, limit=None if everything else limit + 1)
    found = found if everything else output.cut(found, limit)
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
    node: Annotated[str, typer.Option(metavar="N|all", help="Number of a node.")] = "all",
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the training ends.", show_default=False)] = False,
    raw: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, allow_dash=True, help="Save a node's log as it was written; - is stdout."),
    ] = None,
) -> None:
    """Print what a training has written. With several nodes every line begins with its node."""
    client = client_of(ctx)
    training = find_training(client, which, newest=True)
    nodes = _nodes(node, training["instanceCount"])
    if raw is not None:
        if len(nodes) > 1:
            raise InvalidRequest("A file holds the log of one node.", hint="Choose it: --node 0")
        with client.download_training_log(training["trainingId"], nodes[0]) as (_, blocks):
            if str(raw) == "-":
                sys.stdout.buffer.writelines(blocks)
                return
            with raw.open("wb") as file:
                file.writelines(blocks)
        return
    from easymaker_local.cli.follow import print_log

    print_log(client, training, nodes, follow=follow)


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


@app.command("wait")
def wait(
    ctx: typer.Context,
    which: Several,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="Exit code 124 if it runs out.")] = None,
    as_json: Json = False,
) -> None:
    """Wait until trainings have ended: exit code 0 if all are COMPLETE, otherwise 1."""
    from easymaker_local.cli.follow import wait as wait_for

    client = client_of(ctx)
    ids = [find_training(client, text, newest=True)["trainingId"] for text in which]
    trainings, code = wait_for(client, ids, timeout)
    if as_json:
        output.print_json(trainings)
    raise typer.Exit(code)


@app.command("stop")
def stop(ctx: typer.Context, which: Several) -> None:
    """Ask trainings to end. Checkpoints written so far are kept."""
    client = client_of(ctx)
    for_each(which, lambda text: _stop(client, text))


@app.command("change")
def change(
    ctx: typer.Context,
    which: Which,
    name: Annotated[str | None, typer.Option(help="At most 50 characters.")] = None,
    description: Annotated[str | None, typer.Option(help="At most 255 characters.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Set a tag; repeat for more.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", metavar="KEY", help="Remove a tag.")] = None,
    as_json: Json = False,
) -> None:
    """Change name, description or tags; what is not given stays."""
    client = client_of(ctx)
    training = find_training(client, which)
    body: dict[str, Any] = {"trainingName": name, "description": description}
    body = {field: value for field, value in body.items() if value is not None}
    if tag or untag:
        kept = [row for row in training["tagList"] if row["tagKey"] not in (untag or [])]
        body["tagList"] = merge_pairs("tagList", kept, split_pairs("--tag", tag or []))
    changed = client.change_training(training["trainingId"], body)
    if as_json:
        output.print_json(changed)
    else:
        output.note(f"Training {changed['trainingName']!r} is changed.")


@app.command("delete")
def delete(ctx: typer.Context, which: Several) -> None:
    """Delete ended trainings with their logs; models and checkpoints stay."""
    client = client_of(ctx)
    for_each(which, lambda text: _delete(client, text))


def _stop(client: Any, text: str) -> None:
    training = find_training(client, text)
    # A training that is being created can be stopped as soon as it runs, which takes a moment.
    deadline = time.monotonic() + _STARTING_SECONDS
    while training["trainingStatusCode"] == "CREATE_IN_PROGRESS" and time.monotonic() < deadline:
        time.sleep(0.1)
        training = client.training(training["trainingId"])
    client.stop_training(training["trainingId"])
    output.note(f"Training {training['trainingName']!r} ({training['trainingId']}) is asked to stop.")


def _delete(client: Any, text: str) -> None:
    training = find_training(client, text)
    client.delete_training(training["trainingId"])
    output.note(f"Training {training['trainingName']!r} ({training['trainingId']}) is deleted.")


def _status(text: str) -> str:
    from easymaker_local.domain.training import TrainingStatus

    code = re.sub(r"[\s-]+", "_", text.strip()).upper()
    if code not in set(TrainingStatus):
        raise typer.BadParameter(f"{text!r} is none of {', '.join(TrainingStatus)}.", param_hint="--status")
    return code


def _nodes(text: str, count: int) -> list[int]:
    if text == "all":
        return list(range(count))
    if not text.isdigit():
        raise typer.BadParameter(f"write a number or all, not {text!r}.", param_hint="--node")
    if int(text) >= count:
        raise NotFound(f"The training has the nodes 0 to {count - 1}, not {text}.")
    return [int(text)]
