"""``experiment``: groups of trainings and tunings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from easymaker_local.cli import completion, listing, output
from easymaker_local.cli.lookup import SHORT_ID, find_experiment
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Experiments: groups of trainings and tunings.")

Which = Annotated[
    str, typer.Argument(metavar="EXPERIMENT", help="Id, beginning of an id, or name.", autocompletion=completion.experiments)
]
Description = Annotated[str | None, typer.Option(help="At most 255 characters.")]


@app.command("create")
def create(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME")], description: Description = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Create an experiment."""
    made = client_of(ctx).create_experiment(name, description)
    if as_json:
        output.print_json(made)
        return
    output.out().print(made["experimentId"])
    output.note(f"Experiment {name!r} is {made['experimentStatusCode']}.")


@app.command("list")
def list_experiments(
    ctx: typer.Context,
    search: listing.Search = None,
    sort: listing.Sort = listing.By.CREATED,
    reverse: listing.Reverse = False,
    limit: listing.Limit = listing.ROWS,
    everything: listing.All = False,
    as_json: Json = False,
) -> None:
    """List experiments, newest first unless sorted otherwise."""
    found = listing.rows(client_of(ctx).experiments, search, sort, limit, reverse=reverse, everything=everything)
    if as_json:
        output.print_json(found)
    elif not found:
        output.note("There are none. Make one: easymaker-local experiment create NAME")
    else:
        output.table(
            ["ID", "NAME", "STATUS", "CREATED", "DESCRIPTION"],
            [
                [
                    e["experimentId"][:SHORT_ID], e["experimentName"], output.status(e["experimentStatusCode"]),
                    output.ago(e["createdDatetime"]), e["description"],
                ]
                for e in found
            ],
        )  # fmt: skip


@app.command("show")
def show(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Show an experiment, its newest trainings and tunings, and its history."""
    client = client_of(ctx)
    experiment = find_experiment(client, which)
    experiment_id = experiment["experimentId"]
    trainings = _newest("training", client.trainings, experiment_id)
    tunings = _newest("tuning", client.tunings, experiment_id)
    events = client.experiment_events(experiment_id)
    if as_json:
        output.print_json({**experiment, "trainingList": trainings, "hyperparameterTuningList": tunings, "eventList": events})
        return
    output.details([
        ("Id", experiment["experimentId"]), ("Name", experiment["experimentName"]),
        ("Status", output.status(experiment["experimentStatusCode"])),
        *([("Message", experiment["statusMessage"])] if experiment["statusMessage"] else []),
        ("Description", experiment["description"]), ("Created", output.local_time(experiment["createdDatetime"])),
    ])  # fmt: skip
    if trainings:
        from easymaker_local.cli.training_views import print_trainings

        output.heading("Trainings")
        print_trainings(trainings, with_experiment=False)
    if tunings:
        from easymaker_local.cli.tuning_views import print_tunings

        output.heading("Hyperparameter tunings")
        print_tunings(tunings, with_experiment=False)
    output.heading("History")
    output.events(events)


@app.command("rename")
def rename(
    ctx: typer.Context, which: Which, name: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None,
    description: Description = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Give an experiment another name, another description or both."""
    client = client_of(ctx)
    wanted: dict[str, Any] = {"experimentName": name, "description": description}
    body = {key: value for key, value in wanted.items() if value is not None}
    _tell(client.change_experiment(find_experiment(client, which)["experimentId"], body), as_json)


@app.command("retry")
def retry(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Repair an experiment whose creation failed."""
    client = client_of(ctx)
    _tell(client.retry_experiment(find_experiment(client, which)["experimentId"]), as_json)


@app.command("delete")
def delete(ctx: typer.Context, which: Which) -> None:
    """Delete an experiment. Refused while something in it has not ended; what ended is kept."""
    client = client_of(ctx)
    experiment = find_experiment(client, which)
    client.delete_experiment(experiment["experimentId"])
    output.note(f"Experiment {experiment['experimentName']!r} is deleted.")


def _newest(kind: str, ask: Callable[..., list[T]], experiment_id: str) -> list[T]:
    found = ask(experiment_id, limit=listing.ROWS + 1)
    if len(found) > listing.ROWS:
        output.note(f"Its newest {listing.ROWS} {kind}s; for all: {kind} list --experiment {experiment_id} --all")
        found.pop()
    return found


def _tell(experiment: Any, as_json: bool) -> None:
    if as_json:
        output.print_json(experiment)
    else:
        output.note(f"Experiment {experiment['experimentName']!r} is {experiment['experimentStatusCode']}.")
