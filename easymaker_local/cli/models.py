"""``model``: register models, look at what was found in them, change and delete them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easymaker_local.cli import completion, jobs, listing, output
from easymaker_local.cli.addresses import expand
from easymaker_local.cli.job_spec import split_pairs
from easymaker_local.cli.lookup import WHICH, find_model, find_training, find_tuning
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of, session_of
from easymaker_local.errors import InvalidRequest

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Model

app = typer.Typer(no_args_is_help=True, help="Models: register what was trained here or elsewhere, look at it, delete it.")

Which = Annotated[str, typer.Argument(metavar="MODEL", help=WHICH, autocompletion=completion.models)]
Several = Annotated[list[str], typer.Argument(metavar="MODEL...", help=WHICH, autocompletion=completion.models)]


@app.command("create")
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="At most 50 characters; of a PyTorch archive the name in it.")],
    from_training: Annotated[
        str | None,
        typer.Option(metavar="TRAINING", help="What this training stored.", autocompletion=completion.trainings),
    ] = None,
    from_tuning: Annotated[
        str | None,
        typer.Option(metavar="TUNING", help="What its best trial stored.", autocompletion=completion.tunings),
    ] = None,
    path: Annotated[str | None, typer.Option(metavar="URI", help="Where the artifact lies: a directory or a file.")] = None,
    hugging_face: Annotated[
        str | None, typer.Option(metavar="ID", help="Model of the Hugging Face hub in the local cache: org/name.")
    ] = None,
    framework: Annotated[
        str | None,
        typer.Option(help="tensorflow, pytorch, sklearn, hugging-face or python. Unless given: that of the training's image."),
    ] = None,
    framework_version: Annotated[str | None, typer.Option(metavar="VERSION", help="For people; at most 50 characters.")] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="What the model is served with; repeat for more."),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            "--secret", metavar="NAME",
            help="Parameter whose value comes from the environment variable that it becomes (hf_token: HF_TOKEN), "
            "is asked for, or read as a line of stdin.",
        ),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Tag; repeat for more.")] = None,
    description: jobs.Description = None,
    follow: Annotated[bool, typer.Option("--follow/--detach", help="Wait until it is examined, or return at once.")] = True,
    check: jobs.Check = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Register a model and wait until its artifact is examined: exit code 0 if it can be served, 1 if not.

    One of --from-training, --from-tuning, --path and --hugging-face says where it comes from. The artifact stays yours: it is
    referred to, and never deleted.
    """
    client = client_of(ctx)
    parameters = split_pairs("--parameter", parameter or [])
    _refuse_secrets(parameters)
    if hugging_face is not None:
        parameters["model_id"] = hugging_face
        framework = framework or "hugging-face"
    parameters |= {one: _secret_value(one) for one in secret or []}
    training = None if from_training is None else find_training(client, from_training, newest=True)["trainingId"]
    tuning = None if from_tuning is None else find_tuning(client, from_tuning, newest=True)["hyperparameterTuningId"]
    body: dict[str, Any] = {
        "modelName": name, "trainingId": training, "hyperparameterTuningId": tuning,
        "modelUploadUri": None if path is None else expand(path, session_of(ctx).settings.tenant_id),
        "modelFormatCode": None if framework is None else framework.strip().upper().replace("-", "_"),
        "frameworkVersion": framework_version, "description": description,
        "parameterList": [{"parameterName": key, "parameterValue": value} for key, value in parameters.items()],
        "tagList": [{"tagKey": key, "tagValue": value} for key, value in split_pairs("--tag", tag or []).items()],
    }  # fmt: skip
    body = {field: value for field, value in body.items() if value is not None}
    if check:
        jobs.tell_checked(client.check_model, body)
        return
    made = client.create_model(body)
    _tell(client, made, follow, as_json)


@app.command("list")
def list_models(
    ctx: typer.Context,
    status: jobs.Statuses = None,
    search: listing.Search = None,
    sort: listing.Sort = listing.By.CREATED,
    reverse: listing.Reverse = False,
    limit: listing.Limit = listing.ROWS,
    everything: listing.All = False,
    as_json: Json = False,
) -> None:
    """List models, newest first unless sorted otherwise."""
    from easymaker_local.domain.model_record import ModelStatus

    wanted = jobs.status_codes(status or [], ModelStatus)
    found = listing.rows(
        partial(client_of(ctx).models, statuses=wanted), search, sort, limit, reverse=reverse, everything=everything
    )
    if as_json:
        output.print_json(found)
    elif found:
        from easymaker_local.cli.model_views import print_models

        print_models(found)
    else:
        output.note("There are none. Make one: easymaker-local model create --help")


@app.command("show")
def show(
    ctx: typer.Context,
    which: Which,
    files: Annotated[bool, typer.Option("--files", help="Every file with its checksum.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Show everything about a model: where it comes from, how it stands and why, what was found in its artifact, history."""
    client = client_of(ctx)
    model = find_model(client, which, newest=True)
    examination = None if model["formatCode"] is None else client.model_examination(model["modelId"])
    events = client.model_events(model["modelId"])
    if as_json:
        output.print_json({**model, "examination": examination, "eventList": events})
        return
    from easymaker_local.cli.model_views import print_model

    print_model(model, examination, events, every_file=files)


@app.command("wait")
def wait(ctx: typer.Context, which: Several, timeout: jobs.Timeout = None, as_json: Json = False) -> None:
    """Wait until models are examined: exit code 0 if all are ACTIVE, otherwise 1."""
    jobs.wait(jobs.MODEL, client_of(ctx), which, timeout, as_json)


@app.command("change")
def change(
    ctx: typer.Context, which: Which, name: jobs.Name = None, description: jobs.Description = None, tag: jobs.Tag = None,
    untag: jobs.Untag = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Change name, description or tags; what is not given stays."""
    jobs.change(jobs.MODEL, client_of(ctx), which, name, description, tag, untag, as_json)


@app.command("delete")
def delete(ctx: typer.Context, which: Several) -> None:
    """Delete models. Their artifacts stay where they are."""
    jobs.delete(jobs.MODEL, client_of(ctx), which)


def _refuse_secrets(parameters: Iterable[str]) -> None:
    from easymaker_local.domain.model_spec import is_secret

    for name in parameters:
        if is_secret(name):
            raise InvalidRequest(
                f"{name!r} is a secret, which every user of this machine could read from a command line.",
                hint=f"Give it as --secret {name} instead, without the value.",
            )


def _secret_value(name: str) -> str:
    """Return what no command line should hold: it would show in lists of processes and in the shell's history."""
    from easymaker_local.domain.model_spec import is_secret, variable_name

    if not is_secret(name):
        raise typer.BadParameter(
            f"{name!r} would be stored as it is: only names with token, secret, password or key are encrypted.",
            param_hint="--secret",
        )
    value = os.environ.get(variable_name(name))
    if value is None:
        value = typer.prompt(name, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not value:
        raise typer.BadParameter(f"there is no value for {name!r}.", param_hint="--secret")
    return value


def _tell(client: Client, made: Model, follow: bool, as_json: bool) -> None:
    code = 0
    if follow:
        from easymaker_local.cli.follow import wait as wait_for

        (made,), code = wait_for(jobs.MODEL, client, [made["modelId"]], None)
    if as_json:
        output.print_json(made)
    else:
        output.out().print(made["modelId"])
    if not follow:
        output.note(f"Wait for it: easymaker-local model wait {made['modelId']}")
    raise typer.Exit(code)
