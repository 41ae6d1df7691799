"""The options that fill the form of a training, for every command that fills one: as wire names, with faults by option."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from easymaker_local.cli import completion, output
from easymaker_local.cli.job_spec import PAIRS, Body, merge_pairs, split_pairs
from easymaker_local.cli.lookup import find_template
from easymaker_local.errors import FieldError

if TYPE_CHECKING:
    from easymaker_local.client import Client

NAME_LIMIT = 50

Command = TypeVar("Command", bound=Callable[..., None])

# In the order in which help shows them.
_FORM: Mapping[str, Any] = {
    "name": Annotated[str | None, typer.Option(help="At most 50 characters.")],
    "experiment": Annotated[str | None, typer.Option(help="Id or name.", autocompletion=completion.experiments)],
    "image": Annotated[str | None, typer.Option(help="Id or name.", autocompletion=completion.images)],
    "flavor": Annotated[str | None, typer.Option(help="Instance type.", autocompletion=completion.flavors)],
    "source": Annotated[str | None, typer.Option(metavar="URI", help="Directory with the code.")],
    "entry_point": Annotated[str | None, typer.Option(metavar="FILE", help="Script in it.")],
    "dataset": Annotated[list[str] | None, typer.Option("--dataset", metavar="NAME=URI", help="Data set; repeat for more.")],
    "param": Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="Hyperparameter; repeat for more.")
    ],
    "model_output": Annotated[str | None, typer.Option(metavar="URI", help="Where the model goes.")],
    "checkpoint_input": Annotated[str | None, typer.Option(metavar="URI", help="Checkpoint to go on from.")],
    "checkpoint_output": Annotated[str | None, typer.Option(metavar="URI", help="Where checkpoints go.")],
    "nodes": Annotated[int | None, typer.Option(min=1, help="Number of nodes, 1 to 10.")],
    "torchrun": Annotated[bool | None, typer.Option("--torchrun/--no-torchrun", help="Start by torchrun (PyTorch images).")],
    "processes_per_node": Annotated[int | None, typer.Option(min=1, help="Processes per node, with torchrun.")],
    "timeout_hours": Annotated[float | None, typer.Option(help="Maximum time, 1 to 720 hours.")],
    "data_storage_size": Annotated[int | None, typer.Option(metavar="GB", help="Data storage size.")],
    "tag": Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Tag; repeat for more.")],
    "description": Annotated[str | None, typer.Option(help="At most 255 characters.")],
    "use_log": Annotated[bool | None, typer.Option("--use-log/--no-use-log", help="Bring what it writes into the log store.")],
}

Template = Annotated[
    str | None,
    typer.Option(
        help="Id or name of a template to begin with. What is given beside it replaces its values; pairs are merged by key.",
        autocompletion=completion.templates,
    ),
]

RunExperiment = Annotated[
    str | None,
    typer.Option(
        help="Id or name, made if need be. Unless given: the template's, or default.", autocompletion=completion.experiments
    ),
]
Follow = Annotated[bool, typer.Option("--follow/--detach", help="Watch it to the end, or return at once.")]

_PAIRS = ("dataset", "param", "tag")
# The field that each parameter of a command fills; the option is named as the parameter.
_FIELDS = {
    "description": "description", "experiment": "experimentId", "image": "imageId", "flavor": "flavorId",
    "source": "sourceDirUri", "entry_point": "entryPoint", "dataset": "datasetList", "param": "hyperparameterList",
    "model_output": "modelUploadUri", "checkpoint_input": "checkPointInputUri", "checkpoint_output": "checkPointUploadUri",
    "nodes": "instanceCount", "torchrun": "useTorchrun", "processes_per_node": "nprocPerNode",
    "timeout_hours": "timeoutMinutes", "data_storage_size": "dataStorageSize", "tag": "tagList", "use_log": "useLog",
}  # fmt: skip
# Where a fault is reported that the daemon found in a field.
_OPTIONS = {
    "trainingName": "--name",
    "trainingTemplateName": "--name",
    **{field: f"--{name.replace('_', '-')}" for name, field in _FIELDS.items()},
}


def with_form(*, without: Collection[str] = (), **others: Any) -> Callable[[Command], Command]:
    """Give a command the options of the form, which it gets as ``**form``; ``others`` come beside them or in their place.

    They come after its own parameters, but before those that are keywords only.
    """
    options = {name: option for name, option in {**_FORM, **others}.items() if name not in without}

    def give(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [found for found in signature.parameters.values() if found.kind is not inspect.Parameter.VAR_KEYWORD]
        last = [found for found in own if found.kind is inspect.Parameter.KEYWORD_ONLY]
        form = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
            for name, option in options.items()
        ]
        parameters = [*(found for found in own if found not in last), *form, *last]
        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return command

    return give


def made_name(form: Mapping[str, Any], body: Body) -> str:
    """Return the name that was given; otherwise one of the entry point and the time."""
    stem = PurePosixPath(form["entry_point"] or body.get("entryPoint", "job")).stem
    return form["name"] or f"{stem[: NAME_LIMIT - 14]}-{time.strftime('%m%d-%H%M%S')}"


def given(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return which options of the form were given, by wire name; pairs as dictionaries."""
    found: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        value = form.get(name)
        if name in _PAIRS:
            value = split_pairs(f"--{name}", value or []) or None
        elif name == "timeout_hours" and value is not None:
            value = round(value * 60)
        if value is not None:
            found[field] = value
    return found


def field_of(option: str) -> str:
    """Return the field that an option fills; raises BadParameter."""
    names = {name.replace("_", "-"): field for name, field in _FIELDS.items()}
    try:
        return names[option.removeprefix("--")]
    except KeyError:
        raise typer.BadParameter(f"write one of {', '.join(names)}, not {option!r}.", param_hint="--clear") from None


def from_template(client: Client, which: str, options: Collection[str], use: str = "training") -> Body:
    """Return the values of a template; says what is missing of it, unless one of ``options`` (wire names) replaces it."""
    template = find_template(client, which, newest=True)
    loaded = client.training_template_values(template["trainingTemplateId"], use)
    for left_out in loaded["unresolvedFieldList"]:
        if left_out["field"] not in options:
            name, field, reason = template["trainingTemplateName"], left_out["field"], left_out["message"].removesuffix(".")
            output.note(f"{field} of template {name!r} is left out: {reason}.", "yellow")
    return loaded["values"]


def overridden(body: Body, options: Mapping[str, Any]) -> Body:
    """Return the body with the values of ``given``; pairs are merged by key."""
    merged = dict(body)
    for field, value in options.items():
        merged[field] = merge_pairs(field, body.get(field, []), value) if field in PAIRS else value
    return merged


def by_option(fault: FieldError) -> FieldError:
    """Return a fault of a field as one of the option that fills it."""
    return FieldError(_OPTIONS.get(fault.field.partition(".")[0], fault.field), fault.message)
