"""Tiny artifacts of every framework, made without one: what their own tools write, as far as an examination looks (FS-L05)."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from easymaker_local.artifacts.models.examination import examine
from easymaker_local.domain.model import Examination, ModelFormat
from easymaker_local.testing.protobuf import field


def write(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write files below a directory."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def look(path: Path, model_format: ModelFormat, name: str = "iris", root: Path | None = None) -> Examination:
    """Examine, and hold what every examination keeps to."""
    found = examine(path, model_format, name=name, root=root)
    json.dumps(asdict(found), ensure_ascii=False).encode()  # can be stored
    assert not (found.files and found.problems)
    return found


def tensor(name: str, dtype: int, shape: Sequence[int] | None) -> bytes:
    dims = b"".join(field(2, field(1, size)) for size in shape) if shape is not None else field(3, 1)
    return field(1, name) + field(2, field(1, f"{name}:0") + field(2, dtype) + field(3, dims))


def meta_graph(*, tags: Sequence[str] = ("serve",), signature: str | None = "serving_default", variables: bool = True) -> bytes:
    info = b"".join(field(4, tag) for tag in tags) + field(5, "2.21.0")
    graph = field(1, info) + field(2, b"\x0a\x00" * 1000)  # the graph itself, which nobody looks at
    if signature is not None:
        body = field(1, tensor("x", 1, (-1, 4))) + field(2, tensor("label", 7, None)) + field(3, "tensorflow/serving/predict")
        graph += field(5, field(1, signature) + field(2, body))
    graph += field(5, field(1, "__saved_model_init_op") + field(2, field(2, tensor("op", 0, None))))
    nodes = field(1, field(4, b"")) + (field(1, field(7, field(1, 1))) if variables else b"")
    return graph + field(7, nodes)


def saved_model(*graphs: bytes) -> bytes:
    return field(1, 1) + b"".join(field(2, graph) for graph in graphs or (meta_graph(),))


VARIABLES = {"variables/variables.index": b"i", "variables/variables.data-00000-of-00001": b"d"}


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def tarred(files: Mapping[str, bytes | str]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in files.items():
            body = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return data.getvalue()


def manifest(**changes: Any) -> str:
    """What torch-model-archiver writes; None leaves a key out."""
    model = {
        "modelName": "iris", "serializedFile": "model.pt", "handler": "handler.py", "modelFile": "model.py",
        "modelVersion": "1.0", "requirementsFile": "requirements.txt", **changes,
    }  # fmt: skip
    model = {key: value for key, value in model.items() if value is not None}
    return json.dumps({"createdOn": "01/02/2026 03:04:05", "runtime": "python", "model": model, "archiverVersion": "0.12.0"})


STATE = zipped({"model/data.pkl": b"\x80\x02.", "model/version": "3", "model/data/0": b"0000"})
TORCHSCRIPT = zipped({"model/data.pkl": b"\x80\x02.", "model/constants.pkl": b"\x80\x02).", "model/code/__torch__.py": ""})
EXPORT = zipped({"model/archive_format": "pt2", "model/models/model.json": "{}", "model/data/weights/model.pt": b""})
OLD_EXPORT = zipped({"serialized_exported_program.json": "{}", "serialized_state_dict.pt": b"", "version": "8.2"})
LOOSE = {"model.py": "", "handler.py": "", "model.pt": STATE}
PACKED = {"model.py": "", "handler.py": "", "model.pt": STATE, "requirements.txt": "", "MAR-INF/MANIFEST.json": manifest()}


class _Estimator:
    """Pickles as an estimator of scikit-learn does."""

    def __getstate__(self) -> dict[str, Any]:
        return {"coef_": [0.5] * 100, "_sklearn_version": "1.7.2"}


_Estimator.__module__, _Estimator.__qualname__ = "sklearn.linear_model._logistic", "LogisticRegression"


class _Pickler(pickle._Pickler):  # type: ignore[name-defined] # the one in Python, which does not insist on the import
    def save_global(self, obj: Any, name: str | None = None) -> None:
        if obj is not _Estimator:
            return super().save_global(obj, name)
        if self.proto >= 4:
            self.save(_Estimator.__module__)
            self.save(_Estimator.__qualname__)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(f"c{_Estimator.__module__}\n{_Estimator.__qualname__}\n".encode())
        self.memoize(obj)
        return None

    dispatch = {**pickle._Pickler.dispatch, type: save_global}  # type: ignore[attr-defined] # noqa: RUF012


def estimator(protocol: int = 5) -> bytes:
    data = io.BytesIO()
    _Pickler(data, protocol).dump(_Estimator())
    return data.getvalue()


def safetensors(tensors: Mapping[str, tuple[str, Sequence[int], int]]) -> bytes:
    """A file of zeros; of each tensor type, shape and bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
    return framed(json.dumps(header).encode(), bytes(position))


def framed(header: bytes, data: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def config(architecture: str = "BertForSequenceClassification", model_type: str = "bert", **more: Any) -> str:
    return json.dumps({"architectures": [architecture], "model_type": model_type, **more})


WEIGHTS = safetensors({"w": ("F32", (2, 3), 24), "b": ("BF16", (3,), 6)})
HUGGING_FACE = {"config.json": config(), "tokenizer.json": "{}", "model.safetensors": WEIGHTS}
