"""Uploads and downloads: what goes where, block by block, with a bar for what takes time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from easymaker_local.cli import output
from easymaker_local.cli.addresses import base_name, is_container, join
from easymaker_local.errors import NotFound, StorageError

if TYPE_CHECKING:
    from easymaker_local.client import Client

_BLOCK = 1 << 20
_BAR_FROM_BYTES = 8 << 20


@dataclass(frozen=True)
class Transfer:
    """One file here and its address there."""

    path: Path
    uri: str
    size: int


def plan_upload(client: Client, path: Path, target: str) -> list[Transfer]:
    """Say what goes where. One file goes into a directory that exists or is written with a slash; else it gets that name."""
    if not path.is_dir():
        into = target.endswith("/") or is_container(target) or _is_directory(client, target)
        return [Transfer(path, join(target, path.name) if into else target, path.stat().st_size)]
    found = []
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            if file.is_file():
                uri = join(target, file.relative_to(path).as_posix())
                found.append(Transfer(file, uri, file.stat().st_size))
            else:
                output.note(f"Left out, no file: {file}", "yellow")
        for linked in [Path(folder, name) for name in folders if Path(folder, name).is_symlink()]:
            output.note(f"Left out, a link to a directory: {linked}", "yellow")
    if not found:
        raise StorageError(f"There are no files in {path}.")
    return found


def upload(client: Client, transfers: Sequence[Transfer]) -> None:
    """Send all files."""
    with _bar(transfers) as (bar, task):
        for transfer in transfers:
            bar.update(task, description=transfer.path.name)
            with transfer.path.open("rb") as file:
                client.write_object(transfer.uri, _counted(iter(lambda: file.read(_BLOCK), b""), bar, task))


def plan_download(client: Client, source: str, path: Path) -> list[Transfer]:
    """Say what comes where; raises NotFound or StorageError if nothing is there."""
    name = base_name(source)
    found = client.objects(source, recursive=True)
    if len(found) == 1 and found[0]["name"] == name and not found[0]["isDirectory"] and _is_file(client, source):
        return [Transfer(path / name if path.is_dir() else path, source, found[0]["size"])]
    path.mkdir(parents=True, exist_ok=True)
    return [Transfer(path / o["name"], join(source, o["name"]), o["size"]) for o in found if not o["isDirectory"]]


def download(client: Client, transfers: Sequence[Transfer]) -> None:
    """Fetch all files; each is seen when it is whole."""
    with _bar(transfers) as (bar, task):
        for transfer in transfers:
            bar.update(task, description=transfer.path.name)
            transfer.path.parent.mkdir(parents=True, exist_ok=True)
            aside = transfer.path.with_name(f".{transfer.path.name}.part")
            try:
                with client.read_object(transfer.uri) as (_, blocks), aside.open("wb") as file:
                    for block in _counted(blocks, bar, task):
                        file.write(block)
                aside.replace(transfer.path)
            finally:
                aside.unlink(missing_ok=True)


def to_stdout(client: Client, source: str) -> None:
    """Write one file to stdout."""
    with client.read_object(source) as (_, blocks):
        for block in blocks:
            sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()


def _is_file(client: Client, uri: str) -> bool:
    """Ask by opening: the list of a directory that holds one file of its own name looks the same as that file's."""
    try:
        with client.read_object(uri):
            return True
    except StorageError:
        return False


def _is_directory(client: Client, uri: str) -> bool:
    try:
        client.objects(uri)
    except (NotFound, StorageError):
        return False
    return not _is_file(client, uri)


def _counted(blocks: Iterator[bytes], bar: Progress, task: TaskID) -> Iterator[bytes]:
    for block in blocks:
        yield block
        bar.advance(task, len(block))


@contextmanager
def _bar(transfers: Sequence[Transfer]) -> Iterator[tuple[Progress, TaskID]]:
    total = sum(transfer.size for transfer in transfers)
    console = output.errors()
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    is_shown = console.is_terminal and total >= _BAR_FROM_BYTES
    bar = Progress(*columns, console=console, transient=True, disable=not is_shown)
    with bar:
        yield bar, bar.add_task("", total=total)
