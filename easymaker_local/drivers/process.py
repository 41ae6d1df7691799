"""Workloads as supervised local processes, for machines without a container engine.

No isolation: a workload is a process of this user, sees all of this user's files and the machine's network. What it gets is
a virtual environment, environment variables of its own, GPUs by ``CUDA_VISIBLE_DEVICES`` and a memory limit that is watched.
The other resources are booked and not kept.

Each workload has a directory and a supervisor (``supervisor.py``) that runs it and outlives the daemon; the directory's files
are all the state there is, so a new driver object needs nothing from the old one. If the supervisor itself is killed, the
command dies with it; what the command had started is found by a marker in its environment and killed by ``watch``, ``stop``
or ``remove``, never by ``observe``, which answers RUNNING with a message as long as any of it is alive.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from easymaker_local.domain.usage import Usage
from easymaker_local.drivers.base import Address, Capabilities, Observation, Phase, Workload
from easymaker_local.drivers.process_launch import MAY_PASS, launch, specification
from easymaker_local.drivers.process_networks import LOOPBACK, Networks
from easymaker_local.drivers.process_records import ProcessWorkload, boot_id
from easymaker_local.drivers.process_usage import usage_of
from easymaker_local.errors import PermanentError, TransientError
from easymaker_local.kit.files import write_json

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class ProcessDriver:
    """See ``Driver``. ``state_dir`` may be shared by installations; each has a directory of its own in it."""

    name = "process"
    capabilities = Capabilities(private_paths=False, private_network=False, limits_enforced=False)

    def __init__(self, state_dir: Path, install_id: str) -> None:
        self._install_id = _checked(install_id)
        self._workloads = state_dir / install_id / "workloads"
        self._networks = Networks(state_dir / install_id / "networks")
        self._on_exit: Callable[[str], None] | None = None
        self._watched: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, workload: Workload) -> None:
        """See ``Driver.start``."""
        await self._in_thread(self._start, workload)
        if self._on_exit is not None:
            await self._attach(workload.name)

    async def observe(self, name: str) -> Observation:
        """See ``Driver.observe``."""
        return await self._in_thread(self._workload(name).observe)

    async def stop(self, name: str, grace_seconds: float) -> None:
        """See ``Driver.stop``. The grace period of the first call goes on, also across a restart of the daemon."""
        await self._in_thread(self._workload(name).request_stop, grace_seconds)

    async def remove(self, name: str) -> None:
        """See ``Driver.remove``. Raises TransientError if a killed process does not go away."""
        await self._in_thread(self._workload(name).delete)

    async def usage(self, names: Sequence[str]) -> Mapping[str, Usage]:
        """See ``Driver.usage``."""
        return await self._in_thread(usage_of, [self._workload(name) for name in names])

    async def owned(self) -> Sequence[str]:
        """See ``Driver.owned``."""
        return await self._in_thread(self._names)

    async def open_network(
        self, name: str, members: Sequence[str], ports: Sequence[str]
    ) -> Mapping[str, Mapping[str, Address]]:
        """See ``Driver.open_network``. Raises PermanentError if it is open with other members or ports."""
        return await self._in_thread(self._networks.open, _checked(name), members, ports)

    async def close_network(self, name: str) -> None:
        """See ``Driver.close_network``."""
        await self._in_thread(self._networks.close, _checked(name))

    async def reach(self, name: str, port: int) -> Address | None:
        """See ``Driver.reach``."""
        return Address(LOOPBACK, port) if (await self.observe(name)).phase is Phase.RUNNING else None

    def watch(self, on_exit: Callable[[str], None]) -> None:
        """See ``Driver.watch``. Must be called from a running event loop; that loop then calls ``on_exit``."""
        self._on_exit = on_exit
        self._spawn(self._attach_all())

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._on_exit = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for name in list(self._watched):
            self._detach(name)

    def _start(self, workload: Workload) -> None:
        known = self._workload(workload.name)
        if known.observe().phase is not Phase.ABSENT:
            return
        if workload.network is not None and not self._networks.has_member(_checked(workload.network), workload.member):
            raise PermanentError(f"Network {workload.network} is not open or has no member {workload.member}.")
        # A crash from here on leaves a directory in which no supervisor ran: ABSENT, and the next start comes this way again.
        wanted = specification(workload, self._install_id, boot_id())
        workload.log_path.parent.mkdir(parents=True, exist_ok=True)
        known.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(known.directory / "workload.json", wanted, mode=0o600)
        launch(known.directory)

    def _names(self) -> list[str]:
        if not self._workloads.is_dir():
            return []
        return sorted(path.name for path in self._workloads.iterdir() if not path.name.startswith("."))

    def _workload(self, name: str) -> ProcessWorkload:
        return ProcessWorkload(self._workloads / _checked(name), self._install_id)

    async def _attach_all(self) -> None:
        for name in await self._in_thread(self._names):
            workload = self._workload(name)
            if (await self._in_thread(workload.observe)).phase is Phase.RUNNING:
                await self._attach(name)

    async def _attach(self, name: str) -> None:
        """Announce the end of a workload that was just seen to run or started; at once if it has come already."""
        if name in self._watched:
            return
        descriptor = await self._in_thread(self._workload(name).pidfd)
        if descriptor is None:
            await self._announce(name)
            return
        if self._on_exit is None or name in self._watched:  # closed, or attached by another call meanwhile
            os.close(descriptor)
            return
        self._watched[name] = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._supervisor_ended, name)

    def _supervisor_ended(self, name: str) -> None:
        self._detach(name)
        self._spawn(self._announce(name))

    async def _announce(self, name: str) -> None:
        try:
            await self._in_thread(self._workload(name).kill_leftovers)
        except TransientError as error:
            log.warning("workload %s: %s", name, error)  # ``observe`` goes on saying so, ``remove`` tries again
        if self._on_exit is not None:
            self._on_exit(name)

    def _detach(self, name: str) -> None:
        descriptor = self._watched.pop(name)
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _in_thread(work: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """The one place where blocking work leaves the event loop, and where the system's refusals become our errors."""
        try:
            return await asyncio.to_thread(work, *arguments, **keywords)
        except OSError as error:
            if error.errno in MAY_PASS:
                raise TransientError(f"The process driver cannot go on now: {error}.") from error
            raise PermanentError(f"The process driver cannot go on: {error}.") from error


def _checked(name: str) -> str:
    """Names become file names: nothing may lead elsewhere."""
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,199}", name) is None:
        raise PermanentError(f"{name!r} is no valid name: use a-z, 0-9 and -.")
    return name
