"""What is known of one process workload: the files in its directory, and the processes that are left of it."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easymaker_local.drivers.base import Observation, Phase
from easymaker_local.drivers.process_launch import MARKER
from easymaker_local.errors import TransientError
from easymaker_local.kit.files import read_json, write_json
from easymaker_local.kit.ids import new_id

END_SECONDS = 10.0
"""How long killed processes may take to go away before we give up for now."""

REMOVED_PREFIX = ".removed-"


def boot_id() -> str:
    """Name this run of the machine: pids of an earlier one mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def stat_of(pid: int) -> tuple[str, int]:
    """Return a process's state and its start in clock ticks since boot. Raises FileNotFoundError, ProcessLookupError."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return fields[0].decode(), int(fields[19])


@dataclass(frozen=True)
class ProcessWorkload:
    """One workload's directory (its files are described in ``supervisor.py``)."""

    directory: Path
    install_id: str

    @property
    def name(self) -> str:
        return self.directory.name

    def observe(self) -> Observation:
        """See ``Driver.observe``. Where no supervisor ever ran the answer is ABSENT, so that ``start`` is tried again."""
        requested = read_json(self.directory / "workload.json")
        if requested is None:
            return Observation(Phase.ABSENT)
        supervisor = self._supervisor()
        if supervisor is not None and self._is_alive(supervisor):
            return Observation(Phase.RUNNING, started_at=supervisor["started_at"])
        # Only now: the record is written before the supervisor ends.
        ended = read_json(self.directory / "exit.json")
        if ended is not None:
            return Observation(
                Phase.EXITED, ended["exit_code"], ended["signal"], ended["out_of_memory"], ended["started_at"],
                ended["finished_at"], ended["message"], ended["peak_memory_bytes"],
            )  # fmt: skip
        if supervisor is None and requested["boot_id"] == boot_id():
            return Observation(Phase.ABSENT)
        started_at = None if supervisor is None else supervisor["started_at"]
        if requested["boot_id"] != boot_id():
            message = "Lost: the machine was restarted while it ran."
        elif left := len(self._leftovers()):
            message = f"Its supervisor was killed from outside; {left} of its processes are still alive."
            return Observation(Phase.RUNNING, started_at=started_at, message=message)
        else:
            message = "Lost: its supervisor was killed from outside, so nobody knows how it ended."
        return Observation(Phase.EXITED, started_at=started_at, message=message)

    def supervisor_pid(self) -> int | None:
        """Return the pid of the living supervisor; None if there is none."""
        supervisor = self._supervisor()
        return int(supervisor["pid"]) if supervisor is not None and self._is_alive(supervisor) else None

    def pidfd(self) -> int | None:
        """Return a descriptor that becomes readable when the supervisor ends; None if none lives."""
        supervisor = self._supervisor()
        if supervisor is None:
            return None
        try:
            descriptor = os.pidfd_open(supervisor["pid"])
        except ProcessLookupError:
            return None
        # Checked after opening: from here on the descriptor cannot come to mean another process.
        if self._is_alive(supervisor):
            return descriptor
        os.close(descriptor)
        return None

    def request_stop(self, grace_seconds: float) -> None:
        """Ask the supervisor to stop the workload. The request is a file: it outlives us, and the first one counts."""
        descriptor = self.pidfd()
        if descriptor is None:
            return self.kill_leftovers()
        try:
            if not (self.directory / "stop.json").exists():
                write_json(self.directory / "stop.json", {"grace_seconds": grace_seconds})
            _send(descriptor, signal.SIGTERM)
        finally:
            os.close(descriptor)
        return None

    def kill(self) -> None:
        """Kill all of it and wait until it is gone. Raises TransientError if it does not go."""
        descriptor = self.pidfd()
        if descriptor is not None:
            try:
                _send(descriptor, signal.SIGUSR1)
                if not _has_ended(descriptor, END_SECONDS):
                    raise TransientError(f"{self.name} was killed but does not end.", delay_seconds=5)
            finally:
                os.close(descriptor)
        self.kill_leftovers()

    def kill_leftovers(self) -> None:
        """Kill what a supervisor left behind that was killed itself; in any other case there is nothing to do."""
        supervisor = self._supervisor()
        if supervisor is None or self._is_alive(supervisor) or (self.directory / "exit.json").exists():
            return
        deadline = time.monotonic() + END_SECONDS
        while left := self._leftovers():
            if time.monotonic() > deadline:
                raise TransientError(f"Processes of {self.name} were killed but do not end: {left}.", delay_seconds=5)
            for pid in left:
                self._kill_leftover(pid)

    def delete(self) -> None:
        """Kill it if need be, then forget it: the directory vanishes in one step, never while a supervisor holds it."""
        deadline = time.monotonic() + END_SECONDS
        while self.directory.is_dir():
            self.kill()
            with open_locked(self.directory / "lock", wait=False) as locked:
                if locked:
                    self.directory.rename(self.directory.with_name(f"{REMOVED_PREFIX}{self.name}-{new_id()}"))
            # Not locked by us: a supervisor is starting. It can be killed as soon as it has said which process it is.
            if not locked:
                if time.monotonic() > deadline:
                    raise TransientError(f"{self.name} is being started and cannot be removed yet.")
                time.sleep(0.01)
        for removed in self.directory.parent.glob(f"{REMOVED_PREFIX}*"):
            shutil.rmtree(removed, ignore_errors=True)

    def _supervisor(self) -> dict[str, Any] | None:
        record: dict[str, Any] | None = read_json(self.directory / "supervisor.json")
        return record

    @staticmethod
    def _is_alive(supervisor: dict[str, Any]) -> bool:
        try:
            state, started = stat_of(supervisor["pid"])
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state not in "ZX" and started == supervisor["start_ticks"] and supervisor["boot_id"] == boot_id()

    def _leftovers(self) -> list[int]:
        """Find living processes by the marker in their environment, which survives sessions and parents.

        What wiped its environment is not found; while the supervisor lives that does not matter.
        """
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if self._is_marked(int(path.name))]

    def _is_marked(self, pid: int) -> bool:
        marker = f"{MARKER}={self.install_id}/{self.name}".encode()
        try:
            return marker in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False  # ended, or another user's

    def _kill_leftover(self, pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            if self._is_marked(pid):
                _send(descriptor, signal.SIGKILL)
                _has_ended(descriptor, END_SECONDS)
        finally:
            os.close(descriptor)


@contextmanager
def open_locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock on a file; yields False if somebody else has it and ``wait`` is False, or if its directory is gone."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking the directory may have been removed, and made anew with another lock.
            is_current = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except (BlockingIOError, FileNotFoundError):
            is_current = False
        yield is_current


def _send(descriptor: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended meanwhile, which is what every signal here is for
        signal.pidfd_send_signal(descriptor, number)


def _has_ended(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
