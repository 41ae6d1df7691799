"""From a TOML file or from options to a creation body with wire names, ids and full addresses.

The daemon judges values. Here only what the daemon cannot see is refused: TOML that is none, and keys that it would ignore.
"""

from __future__ import annotations

import difflib
import json
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from easymaker_local.cli.addresses import expand
from easymaker_local.cli.lookup import find_experiment, find_flavor, find_image
from easymaker_local.errors import Conflict, FieldError, InvalidRequest, NotFound

if TYPE_CHECKING:
    from pydantic import BaseModel

    from easymaker_local.client import Client
    from easymaker_local.client.shapes import Experiment

_PAIRS = {
    "hyperparameterList": ("parameterName", "parameterValue"),
    "datasetList": ("datasetName", "dataUri"),
    "tagList": ("tagKey", "tagValue"),
}
_URIS = ("sourceDirUri", "modelUploadUri", "checkPointInputUri", "checkPointUploadUri")

Body = dict[str, Any]
Shape = Callable[[str, Any, list[FieldError]], Any]
"""Makes a field of what a file says about it; what it cannot be is added to the faults."""


@dataclass(frozen=True)
class Form:
    """What a file may hold: ``fields`` by their wire names or ``short`` words; those with ``shapes`` may be written simpler."""

    fields: Callable[[], Iterable[str]]
    short: Mapping[str, str]
    shapes: Mapping[str, Shape]


def read_file(file: Path) -> tuple[str, str]:
    """Return the text of a file, ``-`` for stdin, and what to call it; raises BadParameter if it cannot be read."""
    if str(file) == "-":
        return sys.stdin.read(), "standard input"
    try:
        return file.read_text(encoding="utf-8"), str(file)
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}.") from error


def parse(text: str, file: str, form: Form) -> Body:
    """Return the body that a TOML file describes.

    Raises InvalidRequest that names the line or the keys at fault.
    """
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{file} is not TOML: {error}.") from error
    try:
        written = json.loads(json.dumps(written, default=str, allow_nan=False))
    except ValueError as error:
        raise InvalidRequest(f"{file} holds nan or inf.", hint="Write it as text, in quotes.") from error
    known = [*form.fields(), *form.short]
    body: Body = {}
    faults: list[FieldError] = []
    for key, value in written.items():
        field = form.short.get(key, camel(key))
        if field not in known:
            faults.append(FieldError(key, f"unknown{suggestion(key, known)}"))
        elif field in body:
            faults.append(FieldError(key, f"the same as another key of the file: {field}"))
        else:
            shape = form.shapes.get(field)
            body[field] = value if shape is None else shape(field, value, faults)
    if faults:
        raise InvalidRequest(faults, hint=f"In {file}.")
    return body


@contextmanager
def faults_named(rename: Callable[[FieldError], FieldError]) -> Iterator[None]:
    """Name what the user wrote at fault instead of the fields that were made of it."""
    try:
        yield
    except InvalidRequest as error:
        raise InvalidRequest([rename(fault) for fault in error.fields] or error.message, hint=error.hint) from error


def split_pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Return ``KEY=VALUE`` options as a dictionary; raises BadParameter that names the option."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"write KEY=VALUE, not {text!r}.", param_hint=option)
        found[key] = value
    return found


def merge_pairs(field: str, old: Sequence[Mapping[str, Any]], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a list of pairs in which ``new`` replaces and extends ``old``."""
    key, value = _PAIRS[field]
    if not all(isinstance(row, Mapping) and key in row for row in old):
        raise InvalidRequest([FieldError(field, f"write a table, or a list of tables with {key}")])
    kept = {str(row[key]): row.get(value, "") for row in old}
    return [{key: k, value: v} for k, v in {**kept, **new}.items()]


def overlaid(base: Body, body: Body) -> Body:
    """Return ``base`` with what ``body`` says; pairs are merged by key."""
    merged = {**base, **body}
    for field, (key, value) in _PAIRS.items():
        rows = body.get(field)
        if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get(key), str) for row in rows):
            continue
        new = {row[key]: row.get(value, "") for row in rows}
        # A key that is there twice is for the daemon to refuse.
        if len(new) == len(rows):
            merged[field] = merge_pairs(field, base.get(field, []), new)
    return merged


def resolve(client: Client, body: Body, tenant: str, *, make_experiment: bool = False) -> Body:
    """Replace names by ids and short addresses by full ones; what is not found stays, for the daemon to name."""
    found = dict(body)
    for field in _URIS:
        if isinstance(found.get(field), str):
            found[field] = _expanded(field, found[field], tenant)
    if isinstance(found.get("datasetList"), list):
        found["datasetList"] = [
            {**row, "dataUri": _expanded(f"datasetList.{i}.dataUri", row["dataUri"], tenant)}
            if isinstance(row, dict) and isinstance(row.get("dataUri"), str) else row
            for i, row in enumerate(found["datasetList"])
        ]  # fmt: skip
    if isinstance(found.get("imageId"), str):
        found["imageId"] = _id_or_text(lambda text: find_image(client, text)["imageId"], found["imageId"])
    if isinstance(found.get("flavorId"), str):
        found["flavorId"] = _id_or_text(lambda text: find_flavor(client, text)["id"], found["flavorId"])
    wanted = found.get("experimentId")
    if isinstance(wanted, str):
        try:
            found["experimentId"] = find_experiment(client, wanted)["experimentId"]
        except NotFound:
            if make_experiment:
                found["experimentId"] = _made_experiment(client, wanted)["experimentId"]
    return found


def _made_experiment(client: Client, name: str) -> Experiment:
    try:
        return client.create_experiment(name)
    except Conflict:
        # Somebody else made it meanwhile: several runs that a script starts at once.
        return find_experiment(client, name)


def _expanded(field: str, address: str, tenant: str) -> str:
    try:
        return expand(address, tenant)
    except InvalidRequest as error:
        raise InvalidRequest([FieldError(field, error.message)], hint=error.hint) from error


def _id_or_text(find: Any, text: str) -> str:
    try:
        return str(find(text))
    except NotFound:
        return text


def _pairs(field: str, value: Any, faults: list[FieldError]) -> Any:
    key, content = _PAIRS[field]
    if isinstance(value, dict):
        return [{key: k, content: v} for k, v in value.items()]
    return tables(field, value, faults, _PAIRS[field])


def tables(field: str, value: Any, faults: list[FieldError], known: Sequence[str]) -> Any:
    """Return a list of tables with wire names; keys that are not ``known`` are faults."""
    if not isinstance(value, list):
        return value
    found: list[Any] = []
    for i, row in enumerate(value):
        if not isinstance(row, dict):
            found.append(row)
            continue
        named = {camel(k): v for k, v in row.items()}
        faults += [FieldError(f"{field}.{i}.{k}", f"unknown{suggestion(k, known)}") for k in named if k not in known]
        found.append(named)
    return found


def suggestion(key: str, known: Sequence[str]) -> str:
    """Return what may have been meant by a key, as the end of a sentence."""
    near = difflib.get_close_matches(camel(key), known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def camel(text: str) -> str:
    """Return a wire name for one with underscores."""
    head, *tail = text.split("_")
    return head + "".join(piece[:1].upper() + piece[1:] for piece in tail)


def _training_fields() -> Iterable[str]:
    from easymaker_local.domain.training_spec import TrainingSpec

    return wire_names(TrainingSpec)


def _template_fields() -> Iterable[str]:
    from easymaker_local.domain.training_template import TrainingTemplateSpec

    return wire_names(TrainingTemplateSpec)


def wire_names(spec: type[BaseModel]) -> Iterable[str]:
    """Return the fields of a creation body."""
    return [str(field.alias) for field in spec.model_fields.values()]


# Short words for the same fields; lists of pairs may be written as tables.
SHORT = {"experiment": "experimentId", "image": "imageId", "flavor": "flavorId", "datasets": "datasetList", "tags": "tagList"}
PAIRS: Mapping[str, Shape] = dict.fromkeys(_PAIRS, _pairs)
TRAINING = Form(_training_fields, {**SHORT, "name": "trainingName", "parameters": "hyperparameterList"}, PAIRS)
TEMPLATE = Form(_template_fields, {**TRAINING.short, "name": "trainingTemplateName"}, PAIRS)
