"""The contract between the controllers and whatever runs workloads.

A *workload* is one long-lived process tree or container with a name. The name is the handle: it is built from the
resource's kind, id and attempt, and every verb takes it. A new driver object on the same state knows every workload that an
earlier one started, so a killed daemon loses nothing. (A separate opaque handle was considered; with deterministic names it
would be a second identity for the same thing.)

Rules that every driver keeps, proved by ``testing/driver_suite.py``:

- Every verb may be called again at any time, also after a crash in the middle of an earlier call.
- ``observe`` never changes anything. Absence is an answer. ``UNKNOWN`` means "cannot tell now", never success.
- An exit that happened while nobody looked is still answered by ``observe`` until ``remove``.
- Output goes to ``Workload.log_path``, appended by the workload itself: whole, in order, also if no daemon lives.
- A driver touches only workloads of its own ``install_id``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from easymaker_local.domain.disk import StoredEnvironment
from easymaker_local.domain.image import Image
from easymaker_local.domain.usage import Usage
from easymaker_local.domain.workload import Observation, Phase

__all__ = [
    "Address",
    "Capabilities",
    "Driver",
    "Environments",
    "Image",
    "Mount",
    "Observation",
    "Phase",
    "Resources",
    "Usage",
    "Workload",
]


@dataclass(frozen=True)
class Mount:
    """A host directory or file that the workload sees at ``target``.

    Drivers without private paths (see ``Capabilities.private_paths``) need ``target == source``; callers ask
    ``Capabilities`` before they choose targets.
    """

    source: Path
    target: Path
    read_only: bool = True


@dataclass(frozen=True)
class Resources:
    """What the workload may use. ``gpus`` are device UUIDs; an empty tuple means that no GPU is visible."""

    cpus: float
    memory_bytes: int
    gpus: tuple[str, ...] = ()
    shm_bytes: int = 1 << 30
    max_processes: int = 4096


@dataclass(frozen=True)
class Address:
    """Where members of a network reach a port of one member."""

    host: str
    port: int


@dataclass(frozen=True)
class Workload:
    """Everything that a driver needs to run one process tree or container.

    ``environment`` is what ``Environments.ready`` returned: an image reference or a virtual environment's path. ``command[0]``
    is looked up on the environment's PATH. ``network`` names a network made by ``open_network`` before for several, in which
    this workload is the member ``member``; None gives no peers. ``labels`` are kept for people and for ``owned``.
    ``env`` is the whole environment that the caller wants set; drivers add only what makes programs run (PATH, HOME, user
    name) and never the daemon's own variables.
    """

    name: str
    environment: str
    command: tuple[str, ...]
    log_path: Path
    resources: Resources
    working_directory: Path
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    network: str | None = None
    member: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Capabilities:
    """What a driver can do; tests of the rest skip by these names."""

    private_paths: bool
    """Mounts appear at targets of the caller's choice, read-only ones cannot be written."""
    private_network: bool
    """A network's members reach each other and nobody else reaches them."""
    limits_enforced: bool
    """CPU, memory and process limits are kept by the kernel; otherwise memory is watched and the rest only booked."""


class Driver(Protocol):
    """Runs workloads. All methods may block on I/O inside but not the event loop."""

    name: str
    capabilities: Capabilities

    async def start(self, workload: Workload) -> None:
        """Make the workload run; returns once it runs (or has run and exited already).

        A name that exists, running or exited, is left as it is: the second call changes nothing.
        A command that cannot be executed is not an error of ``start``: it is observed as EXITED with 126 or 127 and the reason
        is in the log. Raises TransientError if trying again may help, PermanentError if not.
        """
        ...

    async def observe(self, name: str) -> Observation:
        """Say where the workload is. Raises TransientError only where UNKNOWN would hide something to act on."""
        ...

    async def stop(self, name: str, grace_seconds: float) -> None:
        """Ask the workload to end: SIGTERM, and SIGKILL to everything that is left after ``grace_seconds``.

        Returns at once; ``observe`` tells when it is over. Calm about names that are absent or ended, and about repeats: the
        grace period of the first call goes on (after a daemon's restart it may begin anew).
        """
        ...

    async def remove(self, name: str) -> None:
        """Forget a workload and free what it held. Kills it first if it still runs. Keeps the log. Calm about absence."""
        ...

    async def usage(self, names: Sequence[str]) -> Mapping[str, Usage]:
        """Return what each of these workloads uses that runs now; the others are left out. One look serves all: cheap."""
        ...

    async def owned(self) -> Sequence[str]:
        """Return the names of all workloads of this installation, running or exited, not yet removed."""
        ...

    async def open_network(
        self, name: str, members: Sequence[str], ports: Sequence[str]
    ) -> Mapping[str, Mapping[str, Address]]:
        """Make a network for ``members`` and say where each is reached: member -> port name -> address.

        Called again with the same arguments it returns the same addresses, also from a new driver object. Two networks never
        share an address. A single member has no peers: its workload names no network and only listens on the ports told here,
        where ``reach`` finds it.
        """
        ...

    async def close_network(self, name: str) -> None:
        """Give back what ``open_network`` took. Its members must be removed before. Calm about absence."""
        ...

    async def reach(self, name: str, port: int) -> Address | None:
        """Return where this machine reaches a port on which a workload listens; None unless it runs.

        Nothing is published for it: who else reaches that address is a matter of the machine, so what listens there has to
        ask who comes. With ``Capabilities.private_network`` the workload must listen on all its addresses, otherwise on
        loopback. The answer may be another one after the workload was started anew.
        """
        ...

    def watch(self, on_exit: Callable[[str], None]) -> None:
        """Call ``on_exit(name)`` soon after any workload ends, from the event loop, best effort: a hint, not a record."""
        ...

    async def close(self) -> None:
        """Release descriptors and threads. Workloads go on."""
        ...


class Environments(Protocol):
    """Turns catalogue images into what ``Workload.environment`` names: built images, or virtual environments."""

    async def ready(self, image: Image) -> str | None:
        """Return the prepared environment, None if ``prepare`` has to run first. Cheap: called on every pass."""
        ...

    async def prepare(self, image: Image, progress: Callable[[str], None]) -> str:
        """Build the environment and return it; ``progress`` gets a line for people now and then.

        Safe to call again after a crash; two callers at once, also in two processes, build once. Cancelling it ends the work.
        Raises EnvironmentFailed with the builder's last words (pip's, the engine's).
        """
        ...

    async def stored(self) -> Sequence[StoredEnvironment]:
        """Return everything that ``prepare`` has left on this machine, current or not, and its size. Slow: it is counted."""
        ...

    async def discard(self, name: str) -> None:
        """Remove one of ``stored``; the caller has seen to it that nothing needs it.

        Calm about absence. Raises Conflict if it is in use or being made.
        """
        ...

    async def close(self) -> None:
        """Release connections and threads."""
        ...
