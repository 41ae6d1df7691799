"""``training create``, ``run`` and ``copy``: three ways to ask for a training."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easymaker_local.cli import completion, output
from easymaker_local.cli.lookup import find_training
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of, session_of
from easymaker_local.cli.training_spec import Body, merge_pairs, parse, resolve, split_pairs
from easymaker_local.errors import FieldError, InvalidRequest

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Training

_NAME_LIMIT = 50

Name = Annotated[str | None, typer.Option(help="At most 50 characters.")]
Description = Annotated[str | None, typer.Option(help="At most 255 characters.")]
Experiment = Annotated[str | None, typer.Option(help="Id or name.", autocompletion=completion.experiments)]
Image = Annotated[str | None, typer.Option(help="Id or name.", autocompletion=completion.images)]
Flavor = Annotated[str | None, typer.Option(help="Instance type.", autocompletion=completion.flavors)]
Source = Annotated[str | None, typer.Option(metavar="URI", help="Directory with the code.")]
EntryPoint = Annotated[str | None, typer.Option(metavar="FILE", help="Script in it.")]
Datasets = Annotated[list[str] | None, typer.Option("--dataset", metavar="NAME=URI", help="Data set; repeat for more.")]
Parameters = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="Hyperparameter; repeat for more.")
]
ModelOutput = Annotated[str | None, typer.Option(metavar="URI", help="Where the model goes.")]
CheckpointInput = Annotated[str | None, typer.Option(metavar="URI", help="Checkpoint to go on from.")]
CheckpointOutput = Annotated[str | None, typer.Option(metavar="URI", help="Where checkpoints go.")]
Nodes = Annotated[int | None, typer.Option(min=1, help="Number of nodes, 1 to 10.")]
Torchrun = Annotated[bool | None, typer.Option("--torchrun/--no-torchrun", help="Start by torchrun (PyTorch images).")]
ProcessesPerNode = Annotated[int | None, typer.Option(min=1, help="Processes per node, with torchrun.")]
UseLog = Annotated[bool | None, typer.Option("--use-log/--no-use-log", help="Bring what it writes into the log store.")]
TimeoutHours = Annotated[float | None, typer.Option(help="Maximum time, 1 to 720 hours.")]
DataStorageSize = Annotated[int | None, typer.Option(metavar="GB", help="Data storage size.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Tag; repeat for more.")]
Follow = Annotated[bool, typer.Option("--follow/--detach", help="Watch it to the end, or return at once.")]


# Where a fault is reported that the daemon found in a field.
_OPTIONS = {
    "trainingName": "--name", "description": "--description", "experimentId": "--experiment", "imageId": "--image",
    "flavorId": "--flavor", "sourceDirUri": "--source", "entryPoint": "--entry-point", "modelUploadUri": "--model-output",
    "checkPointInputUri": "--checkpoint-input", "checkPointUploadUri": "--checkpoint-output", "instanceCount": "--nodes",
    "useTorchrun": "--torchrun", "nprocPerNode": "--processes-per-node", "timeoutMinutes": "--timeout-hours",
    "useLog": "--use-log",
    "dataStorageSize": "--data-storage-size", "datasetList": "--dataset", "hyperparameterList": "--param", "tagList": "--tag",
}  # fmt: skip


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
    options = _options(
        description=description, experiment=experiment, image=image, flavor=flavor, source=source, entry_point=entry_point,
        dataset=dataset, param=param, model_output=model_output, checkpoint_input=checkpoint_input,
        checkpoint_output=checkpoint_output, nodes=nodes, torchrun=torchrun, processes_per_node=processes_per_node,
        timeout_hours=timeout_hours, data_storage_size=data_storage_size, tag=tag, use_log=use_log,
    )  # fmt: skip
    client = client_of(ctx)
    with _faults_by_option():
        body = resolve(client, _overridden(body, options), session_of(ctx).settings.tenant_id, make_experiment=True)
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
    options = _options(
        description=description, experiment=experiment, image=image, flavor=flavor, source=source, entry_point=entry_point,
        dataset=dataset, param=param, model_output=model_output, checkpoint_input=checkpoint_input,
        checkpoint_output=checkpoint_output, nodes=nodes, torchrun=torchrun, processes_per_node=processes_per_node,
        timeout_hours=timeout_hours, data_storage_size=data_storage_size, tag=tag, use_log=use_log,
    )  # fmt: skip
    body = _overridden({**original, "trainingName": title}, options)
    with _faults_by_option():
        training = client.create_training(resolve(client, body, session_of(ctx).settings.tenant_id))
    _tell(client, training, follow and not as_json, as_json)


def _options(
    *, experiment: str | None, image: str | None, flavor: str | None, source: str | None, entry_point: str | None,
    dataset: list[str] | None, param: list[str] | None, model_output: str | None, checkpoint_input: str | None,
    checkpoint_output: str | None, nodes: int | None, torchrun: bool | None, processes_per_node: int | None,
    timeout_hours: float | None, data_storage_size: int | None, tag: list[str] | None, description: str | None,
    use_log: bool | None,
) -> dict[str, Any]:  # fmt: skip
    """Return what was given, by wire name; pairs as dictionaries."""
    values: dict[str, Any] = {
        "description": description, "experimentId": experiment, "imageId": image, "flavorId": flavor,
        "sourceDirUri": source, "entryPoint": entry_point, "modelUploadUri": model_output,
        "checkPointInputUri": checkpoint_input, "checkPointUploadUri": checkpoint_output, "instanceCount": nodes,
        "useTorchrun": torchrun, "nprocPerNode": processes_per_node, "useLog": use_log,
        "timeoutMinutes": None if timeout_hours is None else round(timeout_hours * 60),
        "dataStorageSize": data_storage_size,
        "datasetList": split_pairs("--dataset", dataset or []), "hyperparameterList": split_pairs("--param", param or []),
        "tagList": split_pairs("--tag", tag or []),
    }  # fmt: skip
    return {field: value for field, value in values.items() if value not in (None, {})}


def _overridden(body: Body, options: dict[str, Any]) -> Body:
    merged = dict(body)
    for field, value in options.items():
        merged[field] = merge_pairs(field, body.get(field, []), value) if isinstance(value, dict) else value
    return merged


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}.", param_hint="--file") from error


@contextmanager
def _faults_by_option() -> Iterator[None]:
    """Name the options at fault instead of the fields that were made of them."""
    try:
        yield
    except InvalidRequest as error:
        raise InvalidRequest(
            [FieldError(_OPTIONS.get(fault.field.partition(".")[0], fault.field), fault.message) for fault in error.fields]
            or error.message,
            hint=error.hint,
        ) from error


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
