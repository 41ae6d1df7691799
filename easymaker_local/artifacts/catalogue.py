"""The catalogue of images: ``<folder>/<image id>/image.toml`` with ``requirements.txt`` beside it (architecture 3)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from easymaker_local.domain.image import CoreType, Framework, Image
from easymaker_local.domain.runtime_version import version_of
from easymaker_local.domain.serving import SERVING_IMAGES
from easymaker_local.errors import DaemonError

MAX_ID_LENGTH = 36
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _ImageFile(BaseModel):
    """The keys of ``image.toml``; unknown ones are refused, so that a slip of the pen shows at the start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Text
    description: str
    group: _Text
    core_type: CoreType
    framework: Framework
    framework_version: _Text
    python_version: Annotated[str, StringConstraints(pattern=r"^3\.\d+(\.\d+)?$")]
    repository: _Text
    tag: _Text
    base_image: _Text
    vendor_address: _Text | None = None
    wheel_index: _Text | None = None
    environment: Mapping[str, str] = Field(default_factory=dict)


class Catalogue:
    """All images, read once. Raises DaemonError, naming the file, if one is wrong or two have the same id or name."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read ``folders`` in this order; those that do not exist are skipped, a user need not have one."""
        self._by_id: dict[str, Image] = {}
        self._by_name: dict[str, Image] = {}
        for folder in folders:
            for file in sorted(folder.glob("*/image.toml")):
                self._add(file)

    def list(self) -> Sequence[Image]:
        """Return the images in the order of the folders, in each by id."""
        return tuple(self._by_id.values())

    def by_id(self, image_id: str) -> Image | None:
        return self._by_id.get(image_id)

    def by_name(self, name: str) -> Image | None:
        return self._by_name.get(name)

    @cached_property
    def runtime_version(self) -> str:
        """The name of the set of serving images as it is now (UP-L01)."""
        folders = [image.folder for image_id in SERVING_IMAGES if (image := self.by_id(image_id)) is not None]
        return version_of(
            (folder.name, b"\0".join((folder / name).read_bytes() for name in ("image.toml", "requirements.txt")))
            for folder in folders
        )

    def _add(self, file: Path) -> None:
        image = _read(file)
        for kind, value, known in (("id", image.id, self._by_id), ("name", image.name, self._by_name)):
            if value in known:
                other = known[value].folder / "image.toml"
                raise DaemonError(f"{file}: the image {kind} {value!r} is taken already, by {other}.")
        self._by_id[image.id] = image
        self._by_name[image.name] = image


def _read(file: Path) -> Image:
    folder = file.parent
    try:
        with file.open("rb") as stream:
            values = _ImageFile.model_validate(tomllib.load(stream))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise DaemonError(f"{file} is not valid: {faults}.") from error
    except (OSError, ValueError) as error:
        raise DaemonError(f"{file} cannot be read: {error}.") from error
    if len(folder.name) > MAX_ID_LENGTH:
        raise DaemonError(f"{file}: the folder's name is the image's id, which has at most {MAX_ID_LENGTH} characters.")
    if not (folder / "requirements.txt").is_file():
        raise DaemonError(f"{file}: there is no requirements.txt beside it.")
    return Image(folder=folder, env=values.environment, **values.model_dump(exclude={"environment"}))
