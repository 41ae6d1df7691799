"""Catalogue images: the environments in which users' code runs (IT-01…03, IM-05…IM-14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class CoreType(StrEnum):
    """What an image or flavor computes on (IT-01)."""

    CPU = "CPU"
    GPU = "GPU"


class Framework(StrEnum):
    """Which framework an image brings (IT-02)."""

    PYTORCH = "PYTORCH"
    TENSORFLOW = "TENSORFLOW"
    PYTHON = "PYTHON"


@dataclass(frozen=True)
class Image:
    """One row of the catalogue; ``folder`` holds ``requirements.txt``, its name is the image's id."""

    folder: Path
    name: str
    description: str
    group: str
    core_type: CoreType
    framework: Framework
    framework_version: str
    python_version: str
    repository: str
    tag: str
    base_image: str
    vendor_address: str | None = None
    wheel_index: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """At most 36 characters (GN-02)."""
        return self.folder.name
