"""With what a model is served: the image, and the command line of ``runtimes/serving/serve.py`` (FS-L01, MD-11).

Nothing is started here. Values of secret parameters travel in the environment alone, where no list of processes shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from easymaker_local.domain.contract import LAUNCHER
from easymaker_local.domain.image import CoreType
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.model_spec import is_secret, variable_name

SERVER = PurePosixPath("serving/serve.py")
"""The server, below ``runtimes``."""

_FRAMEWORKS = {
    ModelFormat.TENSORFLOW: "tensorflow",
    ModelFormat.PYTORCH: "pytorch",
    ModelFormat.SKLEARN: "sklearn",
    ModelFormat.HUGGING_FACE: "hugging_face",
    ModelFormat.PYTHON: "python",
}
_PYTORCH = {CoreType.CPU: "pytorch-serving-2.13.0-cpu", CoreType.GPU: "pytorch-serving-2.13.0-gpu"}
_TENSORFLOW = {CoreType.CPU: "tensorflow-serving-2.21.0-cpu", CoreType.GPU: "tensorflow-serving-2.21.0-gpu"}
_PYTHON = {CoreType.CPU: "python-serving-3.11-cpu"}
_IMAGES: Mapping[ModelFormat, Mapping[CoreType, str]] = {
    ModelFormat.TENSORFLOW: _TENSORFLOW,
    ModelFormat.PYTORCH: _PYTORCH,
    ModelFormat.HUGGING_FACE: _PYTORCH,
    ModelFormat.SKLEARN: _PYTHON,
    ModelFormat.PYTHON: _PYTHON,
}

SERVING_IMAGES = frozenset(image for images in _IMAGES.values() for image in images.values())
"""Ids of all images on which models are served."""


@dataclass(frozen=True)
class Place:
    """Where the server finds the model, as it is seen inside its workload, and where it listens."""

    model: PurePosixPath
    port: int
    grpc_port: int | None = None
    host: str = "127.0.0.1"


def serving_image(model_format: ModelFormat, core: CoreType) -> str:
    """Return the id of the catalogue's image. On a GPU flavor what computes on no GPU is served as on any other."""
    images = _IMAGES[model_format]
    return images.get(core, images[CoreType.CPU])


def uses_gpu(model_format: ModelFormat) -> bool:
    """True if models of the format compute on a GPU where there is one."""
    return CoreType.GPU in _IMAGES[model_format]


def serving_start(runtimes: PurePath) -> list[str]:
    """Return what goes between Python and the arguments: the launcher installs a model's packages, then becomes the server."""
    return ["-I", "-S", str(runtimes / LAUNCHER), "--", str(runtimes / SERVER)]


def serving_arguments(model_format: ModelFormat, name: str, place: Place, parameters: Mapping[str, str]) -> list[str]:
    """Return the arguments of ``serve.py``; parameters go by the names as entered, secret ones without values."""
    # One argument each, so that a name or value may begin with a dash.
    arguments = [
        f"--framework={_FRAMEWORKS[model_format]}", f"--name={name}", f"--model={place.model}", f"--host={place.host}",
        f"--port={place.port}",
    ]  # fmt: skip
    if place.grpc_port is not None:
        arguments.append(f"--grpc-port={place.grpc_port}")
    for parameter, value in parameters.items():
        secret = is_secret(parameter)
        arguments.append(f"--secret-parameter={parameter}" if secret else f"--parameter={parameter}={value}")
    return arguments


def serving_environment(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of secret parameters, as ``HF_TOKEN`` (FS-L04); the server makes those of the others."""
    return {variable_name(name): value for name, value in parameters.items() if is_secret(name)}
