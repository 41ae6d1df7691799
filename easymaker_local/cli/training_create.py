"""``training create``, ``run`` and ``copy``: three ways to ask for a training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easymaker_local.cli import completion, jobs, output
from easymaker_local.cli.job_options import (
    NAME_LIMIT,
    Follow,
    RunExperiment,
    Template,
    by_option,
    from_template,
    given,
    made_name,
    overridden,
    with_form,
)
from easymaker_local.cli.job_spec import TRAINING, Body, faults_named, overlaid, parse, read_file, resolve
from easymaker_local.cli.lookup import WHICH, find_training
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of, session_of

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Training


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (create, run, copy):
        app.command()(command)


def create(
    ctx: typer.Context,
    file: Annotated[Path, typer.Option("-f", "--file", help="TOML; - reads stdin.")],
    template: Template = None,
    follow: Follow = False,
    check: jobs.Check = False,
    as_json: Json = False,
) -> None:
    """Create a training from a TOML file.

    Keys are the API's (trainingName) or the same with underscores (training_name); name, experiment, image, flavor and the
    tables [parameters], [datasets] and [tags] are short for theirs. Experiment, image and flavor may be given by name.
    """
    client = client_of(ctx)
    body = parse(*read_file(file), TRAINING)
    if template is not None:
        body = overlaid(from_template(client, template, body), body)
    _ask(ctx, body, check=check, follow=follow, as_json=as_json)


@with_form(experiment=RunExperiment)
def run(
    ctx: typer.Context, template: Template = None, *, follow: Follow = True, as_json: Json = False, **form: Any
) -> None:  # fmt: skip
    """Create a training and watch it to the end: exit code 0 if it completes, 1 if not. The experiment is made if need be."""
    client = client_of(ctx)
    options = given(form)
    body: Body = {"experimentId": "default", **(from_template(client, template, options) if template is not None else {})}
    body["trainingName"] = made_name(form, body)
    with faults_named(by_option):
        _ask(ctx, overridden(body, options), make_experiment=True, follow=follow, as_json=as_json)


@with_form()
def copy(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="TRAINING", help=WHICH, autocompletion=completion.trainings)],
    *,
    follow: Follow = False,
    check: jobs.Check = False,
    as_json: Json = False,
    **form: Any,
) -> None:
    """Create a training with the settings of another one; options replace them, pairs are merged by key."""
    client = client_of(ctx)
    original = client.training_copy_source(find_training(client, which, newest=True)["trainingId"])
    title = form["name"] or f"{original['trainingName'][: NAME_LIMIT - 5]}-copy"
    body = overridden({**original, "trainingName": title}, given(form))
    with faults_named(by_option):
        _ask(ctx, body, check=check, follow=follow, as_json=as_json)


def _ask(
    ctx: typer.Context, body: Body, *, check: bool = False, make_experiment: bool = False, follow: bool, as_json: bool
) -> None:
    """Create it and tell, or only say whether it could be created."""
    client = client_of(ctx)
    body = resolve(client, body, session_of(ctx).settings.tenant_id, make_experiment=make_experiment)
    if check:
        jobs.tell_checked(client.check_training, body)
        return
    _tell(client, client.create_training(body), follow and not as_json, as_json)


def _tell(client: Client, training: Training, follow: bool, as_json: bool) -> None:
    if as_json:
        output.print_json(training)
    elif follow:
        output.note(f"Training {training['trainingName']!r}: {training['trainingId']}")
    else:
        output.out().print(training["trainingId"])
        output.note(f"Watch it: easymaker-local training logs {training['trainingId']} --follow")
    if follow:
        from easymaker_local.cli.follow import follow_to_end

        raise typer.Exit(follow_to_end(client, training))
