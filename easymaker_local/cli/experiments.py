"""``experiment``: groups of trainings."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from easymaker_local.cli import completion, output
from easymaker_local.cli.lookup import SHORT_ID, find_experiment
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

app = typer.Typer(no_args_is_help=True, help="Experiments: groups of trainings.")

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
    ctx: typer.Context, limit: output.Limit = output.LIST_ROWS, everything: output.All = False, as_json: Json = False
) -> None:
    """List experiments, newest first."""
    found = client_of(ctx).experiments(limit=None if everything else limit + 1)
    found = found if everything else output.cut(found, limit)
    if as_json:
        output.print_json(found)
    elif not found:
        output.note("There are no experiments yet. Make one: easymaker-local experiment create NAME")
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
    """Show an experiment, its newest trainings and its history."""
    client = client_of(ctx)
    experiment = find_experiment(client, which)
    trainings = client.trainings(experiment["experimentId"], limit=output.LIST_ROWS + 1)
    if len(trainings) > output.LIST_ROWS:
        output.note(
            f"Its newest {output.LIST_ROWS} trainings; for all: training list --experiment {experiment['experimentId']} --all"
        )
        trainings.pop()
    events = client.experiment_events(experiment["experimentId"])
    if as_json:
        output.print_json({**experiment, "trainingList": trainings, "eventList": events})
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


def _tell(experiment: Any, as_json: bool) -> None:
    if as_json:
        output.print_json(experiment)
    else:
        output.note(f"Experiment {experiment['experimentName']!r} is {experiment['experimentStatusCode']}.")
