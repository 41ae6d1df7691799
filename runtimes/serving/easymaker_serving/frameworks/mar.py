"""A directory as torch-model-archiver packs it and TorchServe unpacks it, made of each form in which a model comes.

It is temporary, since the artifact is read-only and handlers may write beside their files. What need not be unpacked is linked.
Archives are a stranger's: nothing is written outside of the directory, and no more than fits.
"""

from __future__ import annotations

import json
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any

from easymaker_serving.model import LoadFailed

MANIFEST = "MAR-INF/MANIFEST.json"
_MAX_FILES = 10_000
_OPTIONAL = {"requirementsFile": "requirements.txt", "configFile": "model-config.yaml"}


def unpack(archive: Path) -> TemporaryDirectory[str]:
    """Unpack a ``.mar``, which is a zip, or a ``.tar.gz`` with one directory in it. Raises LoadFailed."""
    return _made(lambda folder: _unpack(archive, folder))


def lay_out(source: Path) -> TemporaryDirectory[str]:
    """Link all files of a directory that was archived without being packed."""
    return _made(lambda folder: _link(source, folder))


def lay_out_loose(source: Path, weights: str, name: str) -> TemporaryDirectory[str]:
    """Link the files of FS-05 as the archiver would have placed them: what lies in ``extra`` lies at the top."""

    def fill(folder: Path) -> None:
        _link(source, folder)
        if (source / "extra").is_dir():
            _link(source / "extra", folder)
        optional = {key: file for key, file in _OPTIONAL.items() if (folder / file).is_file()}
        needed = {"modelFile": "model.py", "handler": "handler.py", "serializedFile": weights}
        manifest = {"runtime": "python", "model": {"modelName": name, "modelVersion": "1.0", **needed, **optional}}
        (folder / MANIFEST).parent.mkdir()
        (folder / MANIFEST).write_text(json.dumps(manifest))

    return _made(fill)


def _made(fill: Callable[[Path], None]) -> TemporaryDirectory[str]:
    folder = TemporaryDirectory(prefix="model-")
    try:
        fill(Path(folder.name))
    except BaseException:
        folder.cleanup()
        raise
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    try:
        if archive.name.endswith(".tar.gz"):
            with tarfile.open(archive) as tar:
                _write(folder, _tar_members(tar))
        else:
            with zipfile.ZipFile(archive) as packed:
                _write(folder, _zip_members(packed))
    except LoadFailed:
        raise
    except Exception as error:  # the modules for archives raise many kinds
        raise LoadFailed(f"{archive.name!r} cannot be unpacked: {error}") from error
    if not (folder / MANIFEST).is_file():
        raise LoadFailed(f"{archive.name!r} holds no {MANIFEST!r}, so torch-model-archiver did not make it.")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what the manifest says of the model. Raises LoadFailed."""
    try:
        model = json.loads((folder / MANIFEST).read_text())["model"]
    except (ValueError, LookupError, TypeError) as error:
        raise LoadFailed(f"{MANIFEST!r} describes no model.") from error
    if not isinstance(model, dict) or not isinstance(model.get("handler"), str):
        raise LoadFailed(f"{MANIFEST!r} names no handler.")
    return model


def _zip_members(packed: zipfile.ZipFile) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Yield name, size and content of each file. Raises LoadFailed for what is neither file nor directory."""
    for info in packed.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise LoadFailed(f"The archive holds {info.filename!r}, which is no regular file.")
        if not info.is_dir():
            with packed.open(info) as content:
                yield info.filename, info.file_size, content


def _tar_members(tar: tarfile.TarFile) -> Iterator[tuple[str, int, IO[bytes]]]:
    """The same of a tar, relative to the one directory that its files are in."""
    for info in tar:
        if not (info.isfile() or info.isdir()):
            raise LoadFailed(f"The archive holds {info.name!r}, which is no regular file.")
        content = tar.extractfile(info)
        if content is not None:
            yield info.name.removeprefix("./").partition("/")[2] or info.name, info.size, content


def _write(folder: Path, members: Iterator[tuple[str, int, IO[bytes]]]) -> None:
    free = shutil.disk_usage(folder).free
    for count, (name, size, content) in enumerate(members):
        parts = PurePosixPath(name).parts
        if not parts or PurePosixPath(name).is_absolute() or ".." in parts or "\0" in name:
            raise LoadFailed(f"The archive holds {name!r}, which leads out of it.")
        free -= size
        if count >= _MAX_FILES or free < 0:
            raise LoadFailed(f"The archive holds more than {_MAX_FILES:,} files, or more than fits on the disk.")
        target = folder.joinpath(*parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                shutil.copyfileobj(content, file)
        except (FileExistsError, NotADirectoryError) as error:
            raise LoadFailed(f"The archive holds {name!r} twice.") from error


def _link(source: Path, folder: Path) -> None:
    """Link what is not there yet; directories are made, so that handlers can write into them."""
    for path in sorted(source.rglob("*")):
        target = folder / path.relative_to(source)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        elif not target.exists():
            target.symlink_to(path.resolve())
