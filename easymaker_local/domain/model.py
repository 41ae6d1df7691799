"""What a model's artifact can be, and what its examination found (MD-04, MD-L01). The record is in ``model_record.py``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum


class ModelFormat(StrEnum):
    """The framework of an artifact, by its wire code (rest-api §3). PYTHON is ours; the SDK does not know it."""

    TENSORFLOW = "TENSORFLOW"
    PYTORCH = "PYTORCH"
    SKLEARN = "SKLEARN"
    HUGGING_FACE = "HUGGING_FACE"
    PYTHON = "PYTHON"


class Task(StrEnum):
    """What a Hugging Face model is served for (FS-16)."""

    SEQUENCE_CLASSIFICATION = "sequence_classification"
    TOKEN_CLASSIFICATION = "token_classification"  # noqa: S105 - no password
    FILL_MASK = "fill_mask"
    TEXT_GENERATION = "text_generation"
    TEXT2TEXT_GENERATION = "text2text_generation"


class TorchKind(StrEnum):
    """How a PyTorch model lies in its artifact: FILES are the set of FS-05, DIRECTORY an archive that was not packed."""

    ARCHIVE = "ARCHIVE"
    DIRECTORY = "DIRECTORY"
    FILES = "FILES"
    TORCHSCRIPT = "TORCHSCRIPT"
    EXPORT = "EXPORT"


class SklearnKind(StrEnum):
    """How a scikit-learn model was saved."""

    JOBLIB = "JOBLIB"
    PICKLE = "PICKLE"
    SKOPS = "SKOPS"


@dataclass(frozen=True)
class ModelFile:
    """A file of the artifact; ``name`` is relative to its directory, links were followed."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Tensor:
    """An input or output. A dimension that varies is -1; ``shape`` None: of any rank."""

    name: str
    dtype: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Signature:
    """A function of a SavedModel."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class SavedModelDetails:
    """``version``: the number of the directory that was taken, None without; ``tags`` and signatures of the graph to serve."""

    version: int | None
    tags: tuple[str, ...]
    signatures: tuple[Signature, ...]
    tensorflow_version: str | None
    has_variables: bool


@dataclass(frozen=True)
class TorchDetails:
    """``weights`` and ``handler`` are names in the artifact, or of a handler that the server brings along."""

    kind: TorchKind
    weights: str | None
    handler: str | None
    archive: str | None = None
    model_name: str | None = None
    model_version: str | None = None
    requirements: str | None = None


@dataclass(frozen=True)
class SklearnDetails:
    """``model_class`` with its module, ``library_version`` of scikit-learn; None where it could not be told without loading."""

    kind: SklearnKind
    file: str
    model_class: str | None
    library_version: str | None


@dataclass(frozen=True)
class HuggingFaceDetails:
    """``dtypes`` as safetensors spells them; ``parameters`` counts elements."""

    task: Task
    architecture: str
    model_type: str | None
    parameters: int
    dtypes: tuple[str, ...]
    weights: tuple[str, ...]


Details = SavedModelDetails | TorchDetails | SklearnDetails | HuggingFaceDetails


@dataclass(frozen=True)
class Examination:
    """What was found. With ``problems`` the model cannot be served; they and ``remarks`` are sentences for a person.

    ``is_incomplete``: a Hugging Face model lacks files, which may be had from the hub (MD-L04).
    """

    format: ModelFormat
    files: tuple[ModelFile, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    details: Details | None
    is_incomplete: bool = False

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def checksum(self) -> str:
        """What stands for the content of all files: the same for the same names and contents (MD-L02)."""
        listed = sorted((file.name, file.bytes, file.sha256) for file in self.files)
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
