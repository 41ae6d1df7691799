"""The wheelhouse: a directory of wheels that installs look into first, so that they work offline (architecture 13)."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from packaging import tags
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version


@dataclass(frozen=True)
class Supply:
    """What a wheelhouse has for an installation. ``is_complete``: everything, so that no index needs to be asked."""

    wheels: tuple[Path, ...] = ()
    is_complete: bool = False

    def has(self, names: Collection[str]) -> bool:
        """True if a wheel of one of the distributions is among them."""
        return any(parse_wheel_filename(wheel.name)[0] in names for wheel in self.wheels)


def supply(requirements: Path, wheelhouse: Path | None, python_version: str | None = None) -> Supply:
    """Return the wheels that serve the file's requirements and what those wheels require in turn.

    Each is what pip would take: the highest version that the requirement allows, then the most specific build for this
    machine and ``python_version`` (``"3.11"`` or longer; default: the running Python). What does not apply here is left out.
    """
    if wheelhouse is None or not wheelhouse.is_dir():
        return Supply()
    candidates = _candidates(wheelhouse, python_version)
    environment = _environment(python_version)
    found: dict[str, Path] = {}
    seen: set[str] = set()
    queue, is_complete = _requirements(requirements, environment)
    while queue:
        requirement = queue.pop(0)
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        name = canonicalize_name(requirement.name)
        fitting = [c for c in candidates.get(name, ()) if c[0] in requirement.specifier]
        if fitting:
            wheel = found.setdefault(name, max(fitting)[2])
            try:
                queue += _required_by(wheel, requirement.extras, environment)
            except (zipfile.BadZipFile, StopIteration):
                is_complete = False  # pip will say what is wrong with it
        else:
            is_complete = False
    return Supply(tuple(found.values()), is_complete)


def _candidates(wheelhouse: Path, python_version: str | None) -> dict[str, list[tuple[Version, int, Path]]]:
    ranks = _tag_ranks(python_version)
    candidates: dict[str, list[tuple[Version, int, Path]]] = {}
    for path in sorted(wheelhouse.glob("*.whl")):
        try:
            name, version, _, wheel_tags = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue  # pip ignores such files as well
        rank = min((ranks[tag] for tag in wheel_tags if tag in ranks), default=None)
        if rank is not None:
            candidates.setdefault(name, []).append((version, -rank, path))
    return candidates


def _required_by(wheel: Path, extras: Collection[str], environment: dict[str, str]) -> list[Requirement]:
    """Return what a wheel's metadata requires, with the extras that were asked for."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1)
        metadata = archive.read(name).decode(errors="replace")
    found = []
    for text in Parser().parsestr(metadata, headersonly=True).get_all("Requires-Dist", []):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)):
            found.append(requirement)
    return found


def _environment(python_version: str | None) -> dict[str, str]:
    return {} if python_version is None else {"python_version": ".".join(python_version.split(".")[:2])}


def _requirements(file: Path, environment: dict[str, str]) -> tuple[list[Requirement], bool]:
    """Return the requirements that apply, and whether these are all: options, addresses and paths are pip's business."""
    found, are_all = [], True
    for line in file.read_text().replace("\\\n", " ").splitlines():
        text = line.partition(" #")[0].partition(" --")[0].strip()
        if not text or text.startswith("#"):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            are_all = False
            continue
        if requirement.url is not None:
            are_all = False
        elif requirement.marker is None or requirement.marker.evaluate(environment):
            found.append(requirement)
    return found, are_all


def _tag_ranks(python_version: str | None) -> dict[tags.Tag, int]:
    if python_version is None:
        supported = list(tags.sys_tags())
    else:
        version = tuple(int(part) for part in python_version.split(".")[:2])
        interpreter = "cp" + "".join(map(str, version))
        supported = [*tags.cpython_tags(version), *tags.compatible_tags(version, interpreter)]
    return {tag: rank for rank, tag in enumerate(supported)}
