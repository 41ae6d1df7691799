"""TensorFlow: a SavedModel, or numbered versions of one (FS-01…FS-03)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from easymaker_local.artifacts.models.files import Findings, ModelFiles
from easymaker_local.artifacts.models.protobuf import Reader, Span
from easymaker_local.domain.model import SavedModelDetails, Signature, Tensor
from easymaker_local.errors import StorageError

_GRAPH = "saved_model.pb"
_SERVE = "serve"
_MAX_SIGNATURES = 1000
_MAX_RANK = 254  # TensorFlow's own
_SHARD = re.compile(r"variables/variables\.data-(\d{5})-of-(\d{5})")
_INITIALISER = "__saved_model_init_op"  # a signature for the loader, nothing to call

# Field numbers of TensorFlow's saved_model.proto, meta_graph.proto, tensor_shape.proto and saved_object_graph.proto.
_META_GRAPHS = 2
_INFO, _SAVER, _SIGNATURES, _OBJECTS = 1, 3, 5, 7
_TAGS, _VERSION = 4, 5
_KEY, _VALUE = 1, 2
_INPUTS, _OUTPUTS = 1, 2
_DTYPE, _SHAPE = 2, 3
_DIMENSIONS, _UNKNOWN_RANK = 2, 3
_NODES, _VARIABLE = 1, 7
_DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64", 9: "int64",
    10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 20: "resource", 21: "variant", 22: "uint32",
    23: "uint64",
}  # fmt: skip


@dataclass(frozen=True)
class _Graph:
    tags: tuple[str, ...]
    signatures: tuple[Signature, ...]
    tensorflow_version: str | None
    has_variables: bool


def choose(files: ModelFiles) -> tuple[ModelFiles, int | None]:
    """Return what is served of an artifact, and the number of its version: the highest one's directory."""
    versions = {folder for folder in files.folders() if folder.isascii() and folder.isdigit()}
    if _GRAPH in files.sizes or not versions:
        return files, None
    highest = max(versions, key=lambda folder: (int(folder), folder))
    return files.below(highest), int(highest)


def look(files: ModelFiles, version: int | None, findings: Findings) -> SavedModelDetails | None:
    """Examine what ``choose`` returned."""
    place = "" if version is None else f" of version {version}"
    if _GRAPH not in files.sizes:
        others = files.names(".pbtxt", ".h5", ".keras", ".tflite", ".ckpt")
        said = f" {', '.join(map(repr, others))} cannot be served." if others else ""
        findings.problems.append(f"{_GRAPH!r}{place} is missing.{said}")
        return None
    with files.open(_GRAPH) as file:
        try:
            graphs = _read(Reader(file))
        except ValueError as error:
            raise StorageError(f"{_GRAPH!r}{place} is no SavedModel: it has {error}.") from error
    graph = next((graph for graph in graphs if set(graph.tags) == {_SERVE}), None)
    if graph is None:
        tags = "; ".join(", ".join(graph.tags) or "none" for graph in graphs) or "none, it holds no graph"
        findings.problems.append(f"{_GRAPH!r}{place} has no graph with the tag {_SERVE!r} alone; its tags are {tags}.")
        return None
    if not graph.signatures:
        findings.problems.append(f"{_GRAPH!r}{place} has no signature, so nothing in it can be called.")
    _check_variables(files, graph, place, findings)
    return SavedModelDetails(version, graph.tags, graph.signatures, graph.tensorflow_version, graph.has_variables)


def _check_variables(files: ModelFiles, graph: _Graph, place: str, findings: Findings) -> None:
    if graph.has_variables and "variables/variables.index" not in files.sizes:
        findings.problems.append(f"'variables/variables.index'{place} is missing, and the graph has variables.")
        return
    shards = {(int(match[1]), int(match[2])) for name in files.sizes if (match := _SHARD.fullmatch(name))}
    count = max((of for _, of in shards), default=1 if graph.has_variables else 0)
    present = {number for number, of in shards if of == count}
    missing = next((number for number in range(count) if number not in present), None)
    if missing is not None:
        findings.problems.append(f"'variables/variables.data-{missing:05}-of-{count:05}'{place} is missing.")


def _read(reader: Reader) -> list[_Graph]:
    return [_graph(reader, span) for span in reader.messages(reader.whole, _META_GRAPHS)]


def _graph(reader: Reader, message: Span) -> _Graph:
    tags: list[str] = []
    signatures: list[Signature] = []
    version = None
    objects = None
    has_saver = False
    for number, value in reader.fields(message):
        if not isinstance(value, Span):
            continue
        if number == _INFO:
            for field, text in reader.fields(value):
                if field == _TAGS and isinstance(text, Span):
                    tags.append(reader.text(text))
                elif field == _VERSION and isinstance(text, Span):
                    version = reader.text(text)
        elif number == _SIGNATURES:
            name, body = _entry(reader, value)
            if name != _INITIALISER and body is not None:
                inputs = tuple(tensor for span in reader.messages(body, _INPUTS) for tensor in _tensor(reader, span))
                outputs = tuple(tensor for span in reader.messages(body, _OUTPUTS) for tensor in _tensor(reader, span))
                signatures.append(Signature(name, inputs, outputs))
        elif number == _OBJECTS:
            objects = value
        elif number == _SAVER:
            has_saver = True
        if len(signatures) > _MAX_SIGNATURES or len(tags) > _MAX_SIGNATURES:
            raise ValueError(f"more than {_MAX_SIGNATURES:,} signatures or tags")
    # TensorFlow 1 had no objects; it wrote a saver where there were variables. TensorFlow 2 always writes one.
    has_variables = has_saver if objects is None else _has_variables(reader, objects)
    signatures.sort(key=lambda signature: signature.name)
    return _Graph(tuple(sorted(tags)), tuple(signatures), version, has_variables)


def _has_variables(reader: Reader, objects: Span) -> bool:
    nodes = reader.messages(objects, _NODES)
    return any(number == _VARIABLE for node in nodes for number, _ in reader.fields(node))


def _entry(reader: Reader, entry: Span) -> tuple[str, Span | None]:
    """Take an entry of a map apart; an absent key is the empty one."""
    parts = {number: value for number, value in reader.fields(entry) if isinstance(value, Span)}
    key = parts.get(_KEY)
    return reader.text(key) if key else "", parts.get(_VALUE)


def _tensor(reader: Reader, entry: Span) -> list[Tensor]:
    name, body = _entry(reader, entry)
    if body is None:
        return []
    dtype, shape = 0, ()
    known: tuple[int, ...] | None = shape
    for number, value in reader.fields(body):
        if number == _DTYPE and isinstance(value, int):
            dtype = value
        elif number == _SHAPE and isinstance(value, Span):
            known = _shape(reader, value)
    return [Tensor(name, _DTYPES.get(dtype, f"type {dtype}"), known)]


def _shape(reader: Reader, message: Span) -> tuple[int, ...] | None:
    sizes: list[int] = []
    for number, value in reader.fields(message):
        if number == _UNKNOWN_RANK and value:
            return None
        if number == _DIMENSIONS and isinstance(value, Span):
            size = next((size for field, size in reader.fields(value) if field == 1 and isinstance(size, int)), 0)
            sizes.append(size - (1 << 64) if size >> 63 else size)
            if len(sizes) > _MAX_RANK:
                raise ValueError(f"a shape of more than {_MAX_RANK} dimensions")
    return tuple(sizes)
