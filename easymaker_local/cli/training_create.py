"""``training create``, ``run`` and ``copy``: three ways to ask for a training."""

from __future__ import annotations

import sys
import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import completion, output
from easymaker_local.cli.lookup import find_training
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of, session_of
from easymaker_local.cli.training_options import (
    CheckpointInput,
    CheckpointOutput,
    Datasets,
    DataStorageSize,
    Description,
    EntryPoint,
    Experiment,
    Flavor,
    Image,
    ModelOutput,
    Name,
    Nodes,
    Parameters,
    ProcessesPerNode,
    Source,
    Tags,
    TimeoutHours,
    Torchrun,
    UseLog,
    faults_by_option,
    given,
    overridden,
)
from easymaker_local.cli.training_spec import Body, parse, resolve

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Training

_NAME_LIMIT = 50

Follow = Annotated[bool, typer.Option("--follow/--detach", help="Watch it to the end, or return at once.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (create, run, copy):
        app.command()(command)


def create(
    ctx: typer.Context,
    file: Annotated[Path, typer.Option("-f", "--file", help="TOML; - reads stdin.")],
    follow: Follow = False,
    as_json: Json = False,
) -> None:
    """Create a training from a TOML file.

    Keys are the API's (trainingName) or the same with underscores (training_name); name, experiment, image, flavor and the
    tables [parameters], [datasets] and [tags] are short for theirs. Experiment, image and flavor may be given by name.
    """
    text = sys.stdin.read() if str(file) == "-" else _text(file)
    body = resolve(
        client_of(ctx), parse(text, "standard input" if str(file) == "-" else str(file)), session_of(ctx).settings.tenant_id
    )
    _tell(client_of(ctx), client_of(ctx).create_training(body), follow and not as_json, as_json)


def run(
    ctx: typer.Context, name: Name = None, experiment: Experiment = "default", image: Image = None, flavor: Flavor = None,
    source: Source = None, entry_point: EntryPoint = None, dataset: Datasets = None, param: Parameters = None,
    model_output: ModelOutput = None, checkpoint_input: CheckpointInput = None, checkpoint_output: CheckpointOutput = None,
    nodes: Nodes = None, torchrun: Torchrun = None, processes_per_node: ProcessesPerNode = None,
    timeout_hours: TimeoutHours = None, data_storage_size: DataStorageSize = None, tag: Tags = None,
    description: Description = None, use_log: UseLog = None, follow: Follow = True, as_json: Json = False,
) -> None:  # fmt: skip
    """Create a training and watch it to the end: exit code 0 if it completes, 1 if not. The experiment is made if need be."""
    stem = PurePosixPath(entry_point or "training").stem
    body: Body = {"trainingName": name or f"{stem[: _NAME_LIMIT - 14]}-{time.strftime('%m%d-%H%M%S')}"}
    client = client_of(ctx)
    with faults_by_option():
        body = resolve(client, overridden(body, given(ctx.params)), session_of(ctx).settings.tenant_id, make_experiment=True)
        training = client.create_training(body)
    _tell(client, training, follow and not as_json, as_json)


def copy(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="TRAINING", autocompletion=completion.trainings)],
    name: Name = None, experiment: Experiment = None, image: Image = None, flavor: Flavor = None,
    source: Source = None, entry_point: EntryPoint = None, dataset: Datasets = None, param: Parameters = None,
    model_output: ModelOutput = None, checkpoint_input: CheckpointInput = None, checkpoint_output: CheckpointOutput = None,
    nodes: Nodes = None, torchrun: Torchrun = None, processes_per_node: ProcessesPerNode = None,
    timeout_hours: TimeoutHours = None, data_storage_size: DataStorageSize = None, tag: Tags = None,
    description: Description = None, use_log: UseLog = None, follow: Follow = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Create a training with the settings of another one; options replace them, pairs are merged by key."""
    client = client_of(ctx)
    original = client.training_copy_source(find_training(client, which, newest=True)["trainingId"])
    title = name or f"{original['trainingName'][: _NAME_LIMIT - 5]}-copy"
    body = overridden({**original, "trainingName": title}, given(ctx.params))
    with faults_by_option():
        training = client.create_training(resolve(client, body, session_of(ctx).settings.tenant_id))
    _tell(client, training, follow and not as_json, as_json)


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}.", param_hint="--file") from error


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
