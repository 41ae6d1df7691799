"""Data locations: the grammar of ``obs://`` and ``nas://``, and paths that cannot leave their root (GN-06…GN-09, GN-L06).

Decisions:

- Names are taken literally, as the vendor's SDK takes them: nothing is percent-decoded, ``%2e%2e`` is a strange name and not a
  way up, ``?`` and ``#`` are letters.
- Slashes at the end mean nothing, however many (users of the SDK have to write ``{container}//`` for a whole container). An
  empty name in the middle is refused: object storage would take it for another object, a file system cannot keep it.
- ``.easymaker-…`` names are ours (temporaries) and can be neither addressed nor listed.
"""

from __future__ import annotations

import errno
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from easymaker_local.errors import StorageError

MAX_URI_CHARACTERS = 255
MAX_NAME_BYTES = 255
"""A file system's limit; Swift would allow containers one byte more."""
HIDDEN = ".easymaker-"

_MAX_LINKS = 40  # the kernel's own limit
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_OBS = re.compile(r"obs://[A-Za-z0-9.:_\[\]-]+/v[0-9]+(?:\.[0-9]+)?/AUTH_[A-Za-z0-9._-]+/([^/]+)(?:/(.*))?")
_NAS = re.compile(r"nas://([^/:]+):/(.*)")
_FORMS = "Write obs://{endpoint}/v1/AUTH_{tenant id}/{container}/{path} or nas://{NAS ID}:/{path}, with the braces filled in."


class Kind(StrEnum):
    """Where data lies (GN-06)."""

    OBS = "OBS"
    NAS = "NAS"


@dataclass(frozen=True)
class Address:
    """A URI taken apart, nothing looked up. ``name`` is the container or the NAS id."""

    uri: str
    kind: Kind
    name: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Location:
    """A place on this machine. ``path`` is free of links and lies in ``root``, both absolute; it need not exist."""

    uri: str
    kind: Kind
    name: str
    relative: str
    path: Path
    root: Path
    read_only: bool

    @property
    def is_root(self) -> bool:
        """The whole container or NAS."""
        return self.path == self.root


def parse(uri: str) -> Address:
    """Take a data location apart; raises StorageError that says what is wrong with it."""
    if found := _PLACEHOLDER.search(uri):
        raise StorageError(f"The location still holds the placeholder {found.group()}.", hint="Fill it in.")
    if len(uri) > MAX_URI_CHARACTERS:
        raise StorageError(f"The location has {len(uri)} characters, {MAX_URI_CHARACTERS} are allowed.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in uri):
        raise StorageError("The location holds control characters or broken text.")
    if uri != uri.strip():
        raise StorageError("The location begins or ends with a blank.")
    for kind, grammar in ((Kind.OBS, _OBS), (Kind.NAS, _NAS)):
        if match := grammar.fullmatch(uri):
            name, path = match.group(1), (match.group(2) or "").rstrip("/")
            if kind is Kind.OBS:
                check_container_name(name)
            parts = tuple(path.split("/")) if path else ()
            for part in parts:
                check_part(part)
            return Address(uri, kind, name, parts)
    raise StorageError(f"{uri!r} is no data location.", hint=_FORMS)


def check_container_name(name: str) -> None:
    """Raise StorageError unless ``name`` can be a container."""
    if not name or "/" in name:
        raise StorageError("The name of a container is not empty and holds no slash.")
    if name.startswith("."):
        raise StorageError(f"{name!r} cannot be a container: names with a leading dot are kept for the appliance.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise StorageError("The name of a container holds control characters or broken text.")
    if _PLACEHOLDER.search(name):
        raise StorageError(f"{name!r} is a placeholder.", hint="Fill it in.")
    check_part(name)


def check_part(part: str) -> None:
    """Raise StorageError unless ``part`` can be one name of a path."""
    if part == "":
        raise StorageError("The path holds two slashes in a row.", hint="Write one.")
    if part in {".", ".."}:
        raise StorageError(f"The path holds {part!r}.", hint="Write the path without it.")
    if part.startswith(HIDDEN):
        raise StorageError(f"{part!r} is not available: names with {HIDDEN!r} are kept for the appliance.")
    if len(part.encode()) > MAX_NAME_BYTES:
        raise StorageError(f"{part[:40]!r}… has {len(part.encode())} bytes, a name may have {MAX_NAME_BYTES}.")


def walk_inside(root: Path, parts: Iterable[str], *, absolute_links: bool = True) -> Path:
    """Follow ``parts`` below ``root`` one by one, as the kernel would, and return the path without links.

    What does not exist is taken as it is written. Raises StorageError as soon as a link leads out of ``root``, also if it came
    back later, or if something lies below a file. ``root`` has to be a real path. With ``absolute_links`` a link may name
    ``root`` itself in full; without, such a link is refused too (it would break when the tree moves).
    """
    here: list[str] = []
    todo = [*parts][::-1]
    links = 0
    while todo:
        part = todo.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            if not here:
                raise StorageError("A link in the path leads out of the storage.")
            here.pop()
            continue
        step = root.joinpath(*here, part)
        target = _link_target(step)
        if target is None:
            here.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise StorageError(f"{part!r} is a link that goes in circles.")
        if target.startswith("/"):
            inside = Path(target).is_relative_to(root) and absolute_links
            if not inside:
                raise StorageError(f"{part!r} is a link that leads out of the storage.")
            here, target = [], str(Path(target).relative_to(root))
        todo.extend(target.split("/")[::-1])
    return root.joinpath(*here)


def _link_target(path: Path) -> str | None:
    try:
        return str(path.readlink())
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT}:  # no link; nothing there
            return None
        if error.errno == errno.ENOTDIR:
            raise StorageError(f"{path.parent.name!r} is a file, nothing can lie below it.") from error
        raise StorageError(f"{path.name!r} cannot be read: {error.strerror}.") from error
