"""Environments of tests: those of shipped images, and those of clients; prepared once and kept between runs."""

from __future__ import annotations

import asyncio
import platform
from functools import cache
from pathlib import Path

from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.domain.image import CoreType, Framework, Image
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.serving import serving_image
from easymaker_local.drivers.environments import VirtualEnvironments
from easymaker_local.kit.bundled import bundled
from easymaker_local.settings import load_settings
from tests.conftest import CACHE


def image_of(image_id: str) -> Image:
    """Return a shipped image."""
    image = Catalogue([bundled("images")]).by_id(image_id)
    assert image is not None
    return image


def image_for(model_format: ModelFormat) -> Image:
    """Return the image that serves a format."""
    return image_of(serving_image(model_format, CoreType.CPU))


@cache
def interpreter(image_id: str) -> Path:
    """Return the Python of a shipped image's environment."""
    return _python(image_of(image_id), CACHE / "environments")


@cache
def client_python(folder: Path) -> Path:
    """Return the Python of an environment with what ``requirements.txt`` of a client's folder names."""
    image = Image(
        folder=folder, name=folder.name, description="", group="", core_type=CoreType.CPU, framework=Framework.PYTHON,
        framework_version="", python_version=platform.python_version(), repository="", tag="", base_image="",
    )  # fmt: skip
    return _python(image, CACHE / "clients")


def _python(image: Image, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(asyncio.run(VirtualEnvironments(folder, load_settings().wheelhouse).prepare(image, print))) / "bin" / "python"
