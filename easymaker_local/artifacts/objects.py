"""Objects of buckets as files: what the Swift API's words mean on a file system (rest-api §8). Everything here blocks.

Where the two differ:

- Slashes at the beginning and doubled ones mean nothing, as everywhere in this appliance.
- A name cannot be a file and a directory at once. Swift's large objects need just that: parts ``model/001``, ``model/002``
  and the manifest ``model``. On the manifest the parts become one file ``model``, since jobs read files and know no
  manifests. Parts that come while the old file still lies there wait in a hidden place (``_WAITING``) and replace it
  together.
- A directory is an object only if a client made it one (a marker, see the index); a directory that becomes empty goes
  away, since clients do not know that it was ever there.
"""

from __future__ import annotations

import os
import re
import time
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from easymaker_local.artifacts import trees
from easymaker_local.artifacts.locations import HIDDEN, Address, Kind, Location, check_container_name, check_part
from easymaker_local.artifacts.object_walk import Listed, Query, list_objects
from easymaker_local.artifacts.storage import Storage, Upload, translated
from easymaker_local.errors import Conflict, InvalidRequest, NotFound, StorageError

MAX_NAME_BYTES = 1024

_WAITING = f"{HIDDEN}segments"
_FORGOTTEN_SECONDS = 7 * 24 * 3600.0
_SEGMENT = re.compile(r"[0-9]{3,}")


def clean_name(name: str) -> str:
    """Return the name that an object has here; raises InvalidRequest if it can have none."""
    found = re.sub(r"/+", "/", name).removeprefix("/")
    if not found:
        raise InvalidRequest("The name of the object is empty.")
    if len(found.encode(errors="surrogatepass")) > MAX_NAME_BYTES:
        raise InvalidRequest(f"The name of the object has more than {MAX_NAME_BYTES} bytes.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in found):
        raise InvalidRequest("The name of the object holds control characters or broken text.")
    try:
        for part in found.removesuffix("/").split("/"):
            check_part(part)
    except StorageError as error:
        raise InvalidRequest(error.message, hint=error.hint) from error
    return found


class ObjectFiles:
    """Names have been through ``clean_name``; a trailing slash asks for a directory."""

    def __init__(self, storage: Storage, buckets: Path) -> None:
        self._storage = storage
        self._waiting = buckets / _WAITING

    def bucket(self, container: str) -> Path:
        """Return a bucket's directory; raises NotFound or InvalidRequest."""
        _check_container(container)
        try:
            return self._storage.root(_address(container, ""))[0]
        except StorageError as error:
            raise NotFound(f"There is no container {container!r}.") from error

    def list(self, container: str, query: Query, markers: Sequence[str] = ()) -> Iterator[Listed]:
        """Yield the objects that a query finds, in order; see ``object_walk``."""
        return list_objects(self.bucket(container), query, markers)

    def usage(self, container: str) -> tuple[int, int]:
        """Count a bucket's files and their bytes; reads all of its directories."""
        sizes = [listed.found.st_size for listed in self.list(container, Query()) if listed.found is not None]
        return len(sizes), sum(sizes)

    def create_bucket(self, container: str) -> bool:
        """Make a bucket; False if it exists already."""
        _check_container(container)
        return self._storage.create_container(container)

    def delete_bucket(self, container: str) -> None:
        """Delete a bucket without objects; empty directories go with it. Raises Conflict."""
        root = self.bucket(container)
        if next(self.list(container, Query()), None) is not None:
            raise Conflict(f"The container {container!r} is not empty.")
        with translated(container):
            try:
                for folder, _, _ in os.walk(root, topdown=False):
                    Path(folder).rmdir()
            except OSError as error:
                # Links that lead out, hidden files of a publication: no objects, and not ours to remove.
                message = f"The container {container!r} holds files that are no objects: {error.filename}."
                raise Conflict(message) from error
        trees.remove(self._waiting / container)

    def open(self, container: str, name: str) -> BinaryIO:
        """Open an object's file; the caller closes it. Raises NotFound; links that lead out lead to nothing."""
        path = self._find(container, name)
        with translated(f"{container}/{name}"):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotFound(f"There is no object {name!r} in {container!r}.")
        return os.fdopen(descriptor, "rb")

    def is_directory(self, container: str, name: str) -> bool:
        """Tell whether a directory lies where ``name`` points."""
        try:
            return trees.is_directory(self._place(container, name).path)
        except (StorageError, NotFound):
            return False

    def make_directory(self, container: str, name: str) -> None:
        """Make a directory; raises Conflict if a file has its name."""
        try:
            place = self._place(container, name)
        except StorageError as error:
            raise Conflict(error.message) from error
        with translated(f"{container}/{name}"):
            try:
                place.path.mkdir(parents=True, exist_ok=True)
            except FileExistsError as error:
                raise Conflict(f"{name!r} in {container!r} is a file.") from error

    def begin(self, container: str, name: str) -> Upload:
        """Begin to write an object's file; raises Conflict where a directory or a file is in its way."""
        if name.endswith("/"):
            raise InvalidRequest("A name that ends in a slash is a directory and has no content.")
        self.bucket(container)
        address = _address(container, name)
        try:
            place = self._storage.locate_entry(address)
        except StorageError as error:
            above, _, last = name.rpartition("/")
            if not (_SEGMENT.fullmatch(last) and self._is_file(container, above)):
                raise Conflict(error.message) from error
            path = self._waiting / container / name
            place = Location(f"{container}/{name}", Kind.OBS, container, name, path, self._waiting, read_only=False)
            return Upload(place, self._waiting.parent, lambda: place)
        if trees.is_directory(place.path):
            raise Conflict(f"{name!r} in {container!r} is a directory.")
        return self._storage.begin(address)

    def finish(self, upload: Upload, container: str, name: str) -> os.stat_result:
        """Let a written file take its name; segments that waited to replace what was there are outdated now."""
        found = upload.finish()
        if upload.location.root != self._waiting:
            trees.remove(self._waiting / container / name)
        return found

    def delete(self, container: str, name: str, markers: Collection[str] = ()) -> None:
        """Delete a file, or an empty directory, and the directories that it leaves empty, up to one of ``markers``."""
        try:
            place = self._place(container, name)
        except StorageError:
            trees.remove(self._waiting / container / name)  # it waited below a file
            return
        kept = {marker.rstrip("/") for marker in markers}
        if trees.is_directory(place.path):
            _remove_empty(place.path)
        else:
            with translated(f"{container}/{name}"):
                place.path.unlink(missing_ok=True)
            trees.remove(self._waiting / container / name)
        relative = name.rstrip("/").rpartition("/")[0]
        while relative and relative not in kept and _remove_empty(self._place(container, relative).path):
            relative = relative.rpartition("/")[0]

    def segments(self, container: str, prefix: str) -> Sequence[str]:
        """Return the names of the objects that a manifest over ``prefix`` joins, in order."""
        names = {listed.name for listed in self.list(container, Query(prefix=prefix)) if listed.found is not None}
        root = self._waiting / container
        if root.is_dir():
            names |= {listed.name for listed in list_objects(root.resolve(), Query(prefix=prefix))}
        return sorted(names, key=str.encode)

    def join(self, container: str, name: str, source: str, segments: Sequence[str]) -> os.stat_result:
        """Make one file of segments, which go away, and return it. Readers see what was there before, or all of it.

        Raises Conflict if a directory of that name holds anything else, which would be lost.
        """
        place = self._storage.locate_entry(_address(container, name))
        if trees.is_directory(place.path):
            if source != container:
                raise Conflict(f"{name!r} in {container!r} is a directory.")
            self._check_nothing_else(place.path, name, segments)
        upload = Upload(place, self._waiting.parent, lambda: place)
        try:
            for segment in segments:
                with self.open(source, segment) as file:
                    upload.append(file)
            found = upload.finish(replace_directory=True)
        finally:
            upload.discard()
        trees.remove(self._waiting / container / name)
        for segment in segments:
            # Those of a directory that was exchanged are gone already.
            self.delete(source, segment)
        return found

    def _check_nothing_else(self, folder: Path, name: str, segments: Sequence[str]) -> None:
        known = set(segments)
        for above, folders, files in os.walk(folder):
            links = [entry for entry in folders if Path(above, entry).is_symlink()]
            for entry in (*files, *links):
                relative = Path(above, entry).relative_to(folder).as_posix()
                if f"{name}/{relative}" not in known:
                    raise Conflict(f"The directory {name!r} holds {relative!r}, which is no segment.")

    def sweep(self) -> None:
        """Remove waiting segments that nobody asked for in a week."""
        if not self._waiting.is_dir():
            return
        for folder, _, names in os.walk(self._waiting, topdown=False):
            for name in names:
                file = Path(folder, name)
                if file.lstat().st_mtime < time.time() - _FORGOTTEN_SECONDS:
                    file.unlink()
            _remove_empty(Path(folder))

    def _place(self, container: str, name: str) -> Location:
        self.bucket(container)
        return self._storage.locate_entry(_address(container, name))

    def _find(self, container: str, name: str) -> Path:
        self.bucket(container)
        missing = NotFound(f"There is no object {name!r} in {container!r}.")
        if name.endswith("/"):
            raise missing
        try:
            path = self._storage.locate(_address(container, name)).path
            if path.exists():
                return path
        except StorageError:
            pass
        waiting = self._waiting / container / name
        if waiting.is_file():
            return waiting
        raise missing

    def _is_file(self, container: str, name: str) -> bool:
        try:
            return S_ISREG(self._place(container, name).path.lstat().st_mode)
        except (StorageError, OSError):
            return False


def _check_container(name: str) -> None:
    try:
        check_container_name(name)
    except StorageError as error:
        raise InvalidRequest(error.message, hint=error.hint) from error


def _address(container: str, name: str) -> Address:
    parts = name.strip("/").split("/") if name else ()
    return Address(f"{container}/{name}", Kind.OBS, container, tuple(parts))


def _remove_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False  # not empty, or gone: either way it is none of our business
    return True
