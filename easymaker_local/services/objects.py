"""Objects and containers for clients of the Swift API: files and index together (GN-L05, rest-api §8)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import BinaryIO, TypeVar

from easymaker_local.artifacts.object_walk import Query
from easymaker_local.artifacts.objects import ObjectFiles, clean_name
from easymaker_local.artifacts.storage import Upload
from easymaker_local.errors import Conflict, DatabaseUnavailable, EasyMakerError, InvalidRequest, NotFound
from easymaker_local.kit.clock import Clock
from easymaker_local.services.object_records import (
    DIRECTORY_TYPES,
    EMPTY_ETAG,
    ChecksumMismatch,
    ListedObject,
    Part,
    PreconditionFailed,
    StoredObject,
    Written,
    describe,
    guess_type,
)
from easymaker_local.store import Store
from easymaker_local.store import objects as index
from easymaker_local.store.objects import MARKER, Row, stamp_of

T = TypeVar("T")

MANIFEST_HEADER = "X-Object-Manifest"

_THREADS = 16
_HASHING_AT_ONCE = 2
_LOCKS = 64
# One crossing to a thread per block; large enough not to be felt, small enough to keep many transfers small in memory.
_WRITE_BYTES = 1 << 20
_HASH_BYTES = 4 << 20


class Objects:
    """The object store. Its own threads do what blocks, so that large transfers and checksums leave others alone.

    Belongs to one event loop: that of the first call.
    """

    def __init__(self, files: ObjectFiles, database: Store, clock: Clock) -> None:
        self._files = files
        self._index = database
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="objects")
        self._hashing = asyncio.Semaphore(_HASHING_AT_ONCE)
        # The file and its row change together, one writer at a time per object.
        self._locks = [asyncio.Lock() for _ in range(_LOCKS)]

    def close(self) -> None:
        """Wait for work that runs."""
        self._threads.shutdown()

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Do in a thread what blocks."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    # -- containers

    async def create_container(self, container: str) -> bool:
        """Make one; False if it exists already."""
        return await self.run(self._files.create_bucket, container)

    async def container_headers(self, container: str) -> Mapping[str, str]:
        """Return its metadata; raises NotFound."""
        await self.run(self._files.bucket, container)
        return await self._index.read(lambda db: index.container_headers(db, container))

    async def change_container(self, container: str, changes: Mapping[str, str | None]) -> None:
        """Set metadata; None removes."""
        await self.run(self._files.bucket, container)

        def change(db: sqlite3.Connection) -> None:
            headers = {**index.container_headers(db, container), **changes}
            index.put_container(db, container, {name: value for name, value in headers.items() if value})

        if changes:
            await self._index.write(change)

    async def usage(self, container: str) -> tuple[int, int]:
        """Count objects and bytes; reads all of the bucket's directories."""
        return await self.run(self._files.usage, container)

    async def delete_container(self, container: str) -> None:
        """Delete one that holds no object; raises Conflict."""
        if await self._index.read(lambda db: index.markers(db, container)):
            found = await self.list_objects(container, Query(), 1)
            if found:
                raise Conflict(f"The container {container!r} is not empty.")
        await self.run(self._files.delete_bucket, container)
        await self._index.write(lambda db: index.forget_container(db, container))

    async def list_objects(self, container: str, query: Query, limit: int, *, details: bool = False) -> Sequence[ListedObject]:
        """Return the first ``limit`` lines of a listing; with ``details`` what JSON shows of each."""
        markers = await self._index.read(lambda db: index.markers(db, container, query.prefix))
        found = await self.run(lambda: list(islice(self._files.list(container, query, markers), limit)))
        if not details:
            return [ListedObject(listed.name, listed.is_prefix) for listed in found]
        names = [listed.name for listed in found if not listed.is_prefix]
        rows = await self._index.read(lambda db: index.get_many(db, container, names))
        return [describe(listed, rows.get(listed.name)) for listed in found]

    # -- objects

    async def open(self, container: str, name: str) -> StoredObject:
        """Return an object with its content; raises NotFound. The caller closes it."""
        name = clean_name(name)
        row, file = await asyncio.gather(self._row(container, name), self.run(self._open_file, container, name))
        if file is None:
            if row is not None and row.stamp == MARKER and await self.run(self._files.is_directory, container, name):
                content_type = row.content_type or DIRECTORY_TYPES[0]
                return StoredObject(name, 0, row.changed_at, EMPTY_ETAG, content_type, row.headers)
            raise NotFound(f"There is no object {name!r} in {container!r}.")
        try:
            found = os.fstat(file.fileno())
            if row is None or row.stamp != stamp_of(found):
                # Dropped in by its owner; or stored this moment, then there is a row of it now.
                row = await self._row(container, name)
            if row is None or row.stamp != stamp_of(found):
                row = Row(name, stamp_of(found))
            content_type = row.content_type or guess_type(name)
            if row.manifest is not None and row.etag is None:
                parts = await self._open_segments(row.manifest)
                file.close()
                etags = "".join([etag for _, etag in parts])
                return StoredObject(
                    name, sum(part.size for part, _ in parts), found.st_mtime, _md5(etags.encode()), content_type,
                    {**row.headers, MANIFEST_HEADER: row.manifest}, [part for part, _ in parts],
                )  # fmt: skip
            etag = row.etag or await self._checksum(container, row, file)
            headers = dict(row.headers) if row.manifest is None else {**row.headers, MANIFEST_HEADER: row.manifest}
            return StoredObject(name, found.st_size, found.st_mtime, etag, content_type, headers, [Part(file, found.st_size)])
        except BaseException:
            file.close()
            raise

    async def put(self, container: str, name: str, body: AsyncIterator[bytes], written: Written) -> StoredObject:
        """Store an object, whole or not at all; what is told of it comes back, without content. Makes the container."""
        name = clean_name(name)
        await self.create_container(container)
        await self._check_absent(container, name, written)
        if name.endswith("/") or (written.content_type or "").partition(";")[0].strip().lower() in DIRECTORY_TYPES:
            first = await _first_block(body)
            if not first:
                return await self._put_marker(container, name, written)
            if name.endswith("/"):
                raise InvalidRequest("A name that ends in a slash is a directory and has no content.")
            body = _joined(first, body)
        upload = await self.run(self._files.begin, container, name)
        try:
            etag = await self._receive(upload, body)
            if written.etag is not None and written.etag != etag:
                raise ChecksumMismatch(f"The checksum of what arrived is {etag}, {written.etag} was announced.")
            async with self._lock(container, name):
                await self._check_absent(container, name, written)
                found = await self.run(self._files.finish, upload, container, name)
                row = Row(name, stamp_of(found), etag, written.content_type, written.headers)
                await self._index.write(lambda db: index.put(db, container, row))
        finally:
            # Not to be cut short: what is left here would lie there until the next start.
            await asyncio.shield(self.run(upload.discard))
        return StoredObject(
            name, found.st_size, found.st_mtime, etag, written.content_type or guess_type(name), written.headers
        )

    async def put_manifest(self, container: str, name: str, manifest: str, written: Written) -> StoredObject:
        """Store a dynamic large object over the segments whose names begin as ``manifest`` says, ``container/prefix``.

        Segments that are there only for this object become one file: those below its own name, as the SDK makes them
        (rest-api §8.3), and those in ``{container}_segments``, as swift and rclone make them. Others stay objects of
        their own, and the manifest shows what they are at each time.
        """
        name = clean_name(name)
        source, _, prefix = manifest.strip("/").partition("/")
        if not source or not prefix:
            raise InvalidRequest(f"{manifest!r} is no manifest: container/prefix.")
        await self.create_container(container)
        await self._check_absent(container, name, written)
        is_own = source == container and clean_name(prefix) == name
        # Taken literally, the prefix of "model" would take in "model2" and the manifest itself.
        prefix = f"{name}/" if is_own else clean_name(manifest.lstrip("/").partition("/")[2])
        manifest = f"{source}/{prefix}"
        async with self._lock(container, name):
            try:
                segments = await self.run(self._files.segments, source, prefix)
            except NotFound:
                segments = []
            if segments and (is_own or source == f"{container}_segments"):
                etag = _md5("".join([await self.etag(source, segment) for segment in segments]).encode()) if is_own else None
                found = await self.run(self._files.join, container, name, source, segments)
                row = Row(name, stamp_of(found), etag, written.content_type, written.headers, manifest if is_own else None)
            else:
                upload = await self.run(self._files.begin, container, name)
                try:
                    found = await self.run(upload.finish)
                finally:
                    await asyncio.shield(self.run(upload.discard))
                segments = []
                row = Row(name, stamp_of(found), None, written.content_type, written.headers, manifest)

            def write(db: sqlite3.Connection) -> None:
                for segment in segments:
                    index.forget(db, source, segment)
                index.put(db, container, row)

            await self._index.write(write)
        # The checksum is that of what was sent, nothing: rclone verifies it.
        return StoredObject(name, 0, found.st_mtime, EMPTY_ETAG, written.content_type or guess_type(name), written.headers)

    async def etag(self, container: str, name: str) -> str:
        """Return an object's checksum."""
        found = await self.open(container, name)
        found.close()
        return found.etag

    async def change(self, container: str, name: str, content_type: str | None, headers: Mapping[str, str]) -> None:
        """Replace metadata, and the content type if one is given; raises NotFound."""
        name = clean_name(name)
        async with self._lock(container, name):
            row = await self._row(container, name)
            if row is None or row.stamp != MARKER:
                file = await self.run(self._files.open, container, name)
                with file:
                    stamp = stamp_of(os.fstat(file.fileno()))
                if row is None or row.stamp != stamp:
                    row = Row(name, stamp)
            changed = replace(row, headers=headers, content_type=content_type or row.content_type)
            await self._index.write(lambda db: index.put(db, container, changed))

    async def delete(self, container: str, name: str) -> None:
        """Delete an object; raises NotFound."""
        name = clean_name(name)
        async with self._lock(container, name):
            row = await self._row(container, name)
            is_marker = row is not None and row.stamp == MARKER
            if not is_marker:
                (await self.run(self._files.open, container, name)).close()
            above = [text for parent in _parents(name) for text in (parent, f"{parent}/")]
            markers = await self._index.read(lambda db: index.markers_among(db, container, above))
            await self.run(self._files.delete, container, name, markers)
            await self._index.write(lambda db: index.forget(db, container, name))

    async def read(self, part: Part, offset: int, size: int) -> bytes:
        """Return a block of a part."""
        return await self.run(os.pread, part.file.fileno(), size, offset)

    def _open_file(self, container: str, name: str) -> BinaryIO | None:
        try:
            return self._files.open(container, name)
        except NotFound:
            return None

    async def _row(self, container: str, name: str) -> Row | None:
        return await self._index.read(lambda db: index.get(db, container, name))

    def _lock(self, container: str, name: str) -> asyncio.Lock:
        return self._locks[hash((container, name)) % _LOCKS]

    async def _check_absent(self, container: str, name: str, written: Written) -> None:
        if not written.absent:
            return
        try:
            found = await self.open(container, name)
        except NotFound:
            return
        found.close()
        raise PreconditionFailed(f"There is an object {name!r} in {container!r} already.")

    async def _put_marker(self, container: str, name: str, written: Written) -> StoredObject:
        now = self._clock.now()
        row = Row(name, MARKER, EMPTY_ETAG, written.content_type, written.headers, changed_at=now)
        async with self._lock(container, name):
            await self.run(self._files.make_directory, container, name)
            await self._index.write(lambda db: index.put(db, container, row))
        return StoredObject(name, 0, now, EMPTY_ETAG, written.content_type or DIRECTORY_TYPES[0], written.headers)

    async def _receive(self, upload: Upload, body: AsyncIterator[bytes]) -> str:
        """Write blocks in a thread while the next one arrives; return the checksum."""
        digest = hashlib.md5(usedforsecurity=False)

        def store(blocks: list[bytes]) -> None:
            for block in blocks:
                upload.write(block)
                digest.update(block)

        writing: asyncio.Future[None] | None = None
        try:
            async for blocks in _gathered(body):
                if writing is not None:
                    await writing
                writing = asyncio.ensure_future(self.run(store, blocks))
            if writing is not None:
                await writing
        except BaseException:
            # The thread may still have the file in its hands.
            if writing is not None:
                with suppress(EasyMakerError, OSError):
                    await asyncio.shield(writing)
            raise
        return digest.hexdigest()

    async def _checksum(self, container: str, row: Row, file: BinaryIO) -> str:
        """Compute and remember the checksum of a file that nobody sent through here."""

        def compute() -> str:
            digest, offset = hashlib.md5(usedforsecurity=False), 0
            while block := os.pread(file.fileno(), _HASH_BYTES, offset):
                digest.update(block)
                offset += len(block)
            return digest.hexdigest()

        async with self._hashing:
            known = await self._row(container, row.name)
            if known is not None and known.stamp == row.stamp and known.etag is not None:
                return known.etag  # another request was faster
            etag = await self.run(compute)
        if stamp_of(os.fstat(file.fileno())) == row.stamp:
            # It is only remembered to be faster the next time: nobody is refused what can be read.
            with suppress(DatabaseUnavailable):
                await self._index.write(lambda db: _remember(db, container, row, etag))
        return etag

    async def _open_segments(self, manifest: str) -> list[tuple[Part, str]]:
        container, _, prefix = manifest.partition("/")
        try:
            names = await self.run(self._files.segments, container, prefix)
        except NotFound:
            return []
        parts: list[tuple[Part, str]] = []
        try:
            for name in names:
                segment = await self.open(container, name)
                parts += [(part, segment.etag) for part in segment.parts]
        except BaseException:
            for part, _ in parts:
                part.file.close()
            raise
        return parts


def _remember(db: sqlite3.Connection, container: str, row: Row, etag: str) -> None:
    known = index.get(db, container, row.name)
    current = known if known is not None and known.stamp == row.stamp else row
    index.put(db, container, replace(current, etag=etag))


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _parents(name: str) -> list[str]:
    pieces = name.rstrip("/").split("/")[:-1]
    return ["/".join(pieces[: end + 1]) for end in range(len(pieces))]


async def _first_block(body: AsyncIterator[bytes]) -> bytes:
    async for block in body:
        if block:
            return block
    return b""


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        yield block


async def _gathered(body: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    blocks: list[bytes] = []
    size = 0
    async for block in body:
        blocks.append(block)
        size += len(block)
        if size >= _WRITE_BYTES:
            yield blocks
            blocks, size = [], 0
    if blocks:
        yield blocks
