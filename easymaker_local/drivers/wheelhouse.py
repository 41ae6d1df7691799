"""The wheelhouse: a directory of wheels that installs look into first, so that they work offline (architecture 13)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from packaging import tags
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version


def matching_wheels(requirements: Path, wheelhouse: Path | None, python_version: str | None = None) -> list[Path]:
    """Return, for each requirement of the file that the wheelhouse can serve, its best wheel there.

    Best is what pip would take: the highest version that the requirement allows, then the most specific build for this
    machine and ``python_version`` (``"3.11"`` or longer; default: the running Python). Requirements that it cannot
    serve are left out, as are those that do not apply here; what the wheels themselves require is not followed.
    """
    if wheelhouse is None or not wheelhouse.is_dir():
        return []
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
    found = []
    for requirement in _requirements(requirements, python_version):
        fitting = [c for c in candidates.get(canonicalize_name(requirement.name), ()) if c[0] in requirement.specifier]
        if fitting:
            found.append(max(fitting)[2])
    return found


def _requirements(file: Path, python_version: str | None) -> Iterator[Requirement]:
    """Yield the requirements that apply; options, addresses and paths are pip's business alone."""
    environment = {} if python_version is None else {"python_version": ".".join(python_version.split(".")[:2])}
    for line in file.read_text().replace("\\\n", " ").splitlines():
        text = line.partition(" #")[0].partition(" --")[0].strip()
        if not text or text.startswith(("#", "-")):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.url is None and (requirement.marker is None or requirement.marker.evaluate(environment)):
            yield requirement


def _tag_ranks(python_version: str | None) -> dict[tags.Tag, int]:
    if python_version is None:
        supported = list(tags.sys_tags())
    else:
        version = tuple(int(part) for part in python_version.split(".")[:2])
        interpreter = "cp" + "".join(map(str, version))
        supported = [*tags.cpython_tags(version), *tags.compatible_tags(version, interpreter)]
    return {tag: rank for rank, tag in enumerate(supported)}
