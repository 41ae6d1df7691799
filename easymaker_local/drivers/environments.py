"""Virtual environments of the process driver: one per catalogue image, filled by pip from its ``requirements.txt``.

A virtual environment cannot be moved, so it is built where it stays. It is ready when its marker was written, the last
step of all; what has no marker is the leftover of a crash, and is removed and begun anew. The lock file is inherited by
pip: one that outlives a killed daemon keeps it, so that the next daemon does not build into the same directory.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import sys
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from easymaker_local.domain.disk import StoredEnvironment
from easymaker_local.domain.image import Framework, Image
from easymaker_local.drivers.wheelhouse import supply
from easymaker_local.errors import Conflict, EnvironmentFailed, NotFound
from easymaker_local.kit.files import write_json
from easymaker_local.kit.trees import allocated_bytes

MARKER = "easymaker-ready.json"
_FRAMEWORK_PACKAGES = {
    Framework.PYTORCH: {"torch"},
    Framework.TENSORFLOW: {"tensorflow", "tensorflow-cpu"},
    Framework.PYTHON: set[str](),
}
_LOCK_POLL_SECONDS = 0.2
_LINES_KEPT = 40
_ERRORS_SHOWN = 8


class VirtualEnvironments:
    """Implements ``Environments`` of ``drivers/base.py``; what it returns is the directory of a virtual environment."""

    def __init__(self, directory: Path, wheelhouse: Path | None) -> None:
        self._directory = directory
        self._wheelhouse = wheelhouse
        self._locks: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ready(self, image: Image) -> str | None:
        path = self._path(image)
        return str(path) if _is_ready(path) else None

    async def prepare(self, image: Image, progress: Callable[[str], None]) -> str:
        path = self._path(image)
        async with self._locks[path], _locked(path.with_name(f".{path.name}.lock"), progress) as lock:
            if not _is_ready(path):
                try:
                    await self._build(image, path, lock, progress)
                except BaseException:
                    await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)  # nobody needs half of it on the disk
                    raise
        return str(path)

    async def stored(self) -> Sequence[StoredEnvironment]:
        return await asyncio.to_thread(self._stored)

    async def discard(self, name: str) -> None:
        path = Path(name)
        if path.parent != self._directory or path.name.startswith("."):
            raise NotFound(f"{name} is no environment of this appliance.")
        async with self._locks[path]:
            await asyncio.to_thread(self._discard, path)

    async def close(self) -> None:
        """Nothing is kept open."""

    def _stored(self) -> list[StoredEnvironment]:
        if not self._directory.is_dir():
            return []
        found = [path for path in self._directory.iterdir() if path.is_dir() and not path.name.startswith(".")]
        return [
            StoredEnvironment(str(path), path.name.rpartition("-")[0] or None, allocated_bytes(path), _is_ready(path))
            for path in sorted(found)
        ]

    def _discard(self, path: Path) -> None:
        with path.with_name(f".{path.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"The environment {path.name} is being made.") from None
            # The marker first: what a crash leaves of it is never taken for a whole one.
            (path / MARKER).unlink(missing_ok=True)
            shutil.rmtree(path, ignore_errors=True)

    def _path(self, image: Image) -> Path:
        """Name the directory after everything that decides what is in it, so that a changed image gets another one."""
        requirements = (image.folder / "requirements.txt").read_bytes()
        parts = [requirements, platform.python_version(), sys.base_prefix, image.wheel_index or ""]
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()
        return self._directory / f"{image.id}-{digest[:12]}"

    async def _build(self, image: Image, path: Path, lock: int, progress: Callable[[str], None]) -> None:
        await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
        temporary = path / "tmp"  # in here, it is removed with the rest after a crash, and /tmp may be small
        temporary.mkdir(parents=True)
        progress(f"Creating the environment {image.id}")
        run = partial(self._run, image=image, temporary=temporary, lock=lock, progress=progress)
        await run([sys.executable, "-m", "venv", str(path)])
        await run([str(path / "bin/python"), "-m", "pip", *self._pip_arguments(image)])
        await asyncio.to_thread(shutil.rmtree, temporary)
        write_json(path / MARKER, {"image": image.id, "python": platform.python_version()})

    def _pip_arguments(self, image: Image) -> list[str]:
        requirements = image.folder / "requirements.txt"
        arguments = ["install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
        if self._wheelhouse is not None:
            arguments += ["--find-links", str(self._wheelhouse)]
        # pip asks every index that it is given, also for what the wheelhouse has: offline that means waiting in vain.
        found = supply(requirements, self._wheelhouse)
        if found.is_complete:
            arguments.append("--no-index")
        elif image.wheel_index and not found.has(_FRAMEWORK_PACKAGES[image.framework]):
            arguments += ["--extra-index-url", image.wheel_index]
        return [*arguments, "--requirement", str(requirements)]

    async def _run(
        self, command: Sequence[str], *, image: Image, temporary: Path, lock: int, progress: Callable[[str], None]
    ) -> None:
        """Run one step in a process group of its own, which ends with this coroutine, however that ends."""
        # Where our own modules come from must not decide what pip sees as installed; pip's own configuration is kept.
        environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**environment, "TMPDIR": str(temporary)},
            start_new_session=True,
            pass_fds=(lock,),
            limit=1 << 20,  # one line of pip's lists every package that it installs
        )
        lines: deque[str] = deque(maxlen=_LINES_KEPT)
        errors: deque[str] = deque(maxlen=_ERRORS_SHOWN)
        try:
            assert process.stdout is not None
            async for raw in process.stdout:
                line = raw.decode(errors="replace").strip()
                lines.append(line)
                if line.lower().startswith("error"):
                    errors.append(line)
                elif remark := _shortened(line):
                    progress(remark)
            code = await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if code != 0:
            raise self._failure(image, "\n".join(errors or list(lines)[-_ERRORS_SHOWN:]), lines)

    def _failure(self, image: Image, message: str, lines: Sequence[str]) -> EnvironmentFailed:
        hint = None
        if any("No space left on device" in line for line in lines):
            free = shutil.disk_usage(self._directory).free / 2**30
            hint = f"The disk is full: {free:.1f} GiB are free in {self._directory}."
        elif tuple(image.python_version.split(".")[:2]) != platform.python_version_tuple()[:2]:
            hint = f"The image is made for Python {image.python_version}, this is {platform.python_version()}."
        return EnvironmentFailed(f"The environment {image.id} could not be made: {message}", hint=hint)


def _is_ready(path: Path) -> bool:
    return (path / MARKER).is_file()


@asynccontextmanager
async def _locked(file: Path, progress: Callable[[str], None]) -> AsyncIterator[int]:
    """Hold the lock between processes; yields its descriptor. Waits by asking again, so that it can be cancelled."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    progress("Another process is making this environment")
                    told = True
                await asyncio.sleep(_LOCK_POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def _shortened(line: str) -> str | None:
    """Return what a line of pip's tells people, None if nothing."""
    if match := re.match(r"Collecting (\S+)", line):
        return f"Collecting {match[1]}"
    if match := re.match(r"Processing (?:\S*/)?(\S+)", line):
        return f"Reading {match[1]}"
    if match := re.match(r"(?:Downloading|Using cached) (?:\S*/)?(\S+)( \(.*\))?", line):
        return f"Downloading {match[1]}{match[2] or ''}"
    if match := re.match(r"Installing collected packages: (.*)", line):
        return f"Installing {len(match[1].split(','))} packages"
    return None
