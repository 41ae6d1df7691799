"""The docker driver: workloads as containers of any Docker-compatible engine.

A workload is one container named ``easymaker-<install id>-<name>``. The engine keeps its exit until ``remove``, so
nothing here has to be written down; a new object on the same engine knows everything. Starting is two calls, create and
start, which is what ``docker run`` does.

Networks are kept apart by the engine's packet filter. Before version 28 the engine takes the jump to those rules out and puts
it back whenever anybody makes a network, and for these milliseconds a connection from one network to another gets through. No
option of a network closes the gap: also an internal one is reached from one that is not, because the engine then makes the
sender look like the bridge. Jobs without peers are not concerned among themselves, for what keeps them apart in their common
network is a rule that stays. README.md names a rule for the administrator, who alone can close it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from weakref import WeakValueDictionary

from docker import APIClient
from docker.errors import APIError, ImageNotFound, NotFound

from easymaker_local.domain.usage import Usage
from easymaker_local.drivers.base import Address, Capabilities, Observation, Phase, Workload
from easymaker_local.drivers.docker_container import (
    INSTALL_LABEL,
    WORKLOAD_LABEL,
    EngineFacts,
    User,
    address,
    alias,
    creation,
    observation,
    prepare_host,
    usage,
)
from easymaker_local.drivers.docker_engine import Engine
from easymaker_local.errors import EngineUnavailable, PermanentError, TransientError

log = logging.getLogger(__name__)

FIRST_PORT = 29500
"""Ports of a network are counted from here. Every member has an address of its own, so the numbers may repeat."""

_SLOWEST_RETRY_SECONDS = 10.0


class DockerDriver:
    """Runs workloads as containers. ``uid`` and ``gid`` own what they write; default: whoever runs the daemon."""

    name = "docker"
    capabilities = Capabilities(private_paths=True, private_network=True, limits_enforced=True)

    def __init__(self, docker_host: str | None, install_id: str, *, uid: int | None = None, gid: int | None = None) -> None:
        # Without a dash in it no install's prefix is the beginning of another's.
        if not re.fullmatch(r"[A-Za-z0-9_.]+", install_id):
            raise ValueError(f"{install_id!r} cannot be part of a container's name")
        self._install_id = install_id
        self._prefix = f"easymaker-{install_id}"
        self._user = User(os.getuid() if uid is None else uid, os.getgid() if gid is None else gid)
        self._engine = Engine(docker_host)
        self._first_use = threading.Lock()
        self._facts: EngineFacts | None = None
        self._has_shared_network = False
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._killers: dict[str, asyncio.Task[None]] = {}
        self._watchers: list[asyncio.Task[None]] = []

    async def start(self, workload: Workload) -> None:
        async with self._changing(workload.name):
            await self._engine.call(lambda client: self._start(client, workload))

    async def observe(self, name: str) -> Observation:
        def inspect(client: APIClient) -> Observation:
            try:
                return observation(client.inspect_container(self._container(name)))
            except NotFound:
                return Observation(Phase.ABSENT)

        try:
            return await self._engine.call(inspect)
        except EngineUnavailable as error:
            return Observation(Phase.UNKNOWN, message=str(error))

    async def stop(self, name: str, grace_seconds: float) -> None:
        if name in self._killers:
            return

        def terminate(client: APIClient) -> bool:
            if self._signal(client, name, "SIGTERM"):
                return True
            try:
                status = client.inspect_container(self._container(name))["State"]["Status"]
            except NotFound:
                return False
            if status == "created":
                # A crash came between create and start. It cannot end, for it never began; gone is the truth.
                self._remove(client, name)
            return False

        deadline = asyncio.get_running_loop().time() + grace_seconds
        async with self._changing(name):
            has_receiver = await self._engine.call(terminate)
        if has_receiver and name not in self._killers:
            killer = asyncio.create_task(self._kill_at(name, deadline), name=f"kill {name}")
            self._killers[name] = killer
            killer.add_done_callback(lambda done: self._forget_killer(name, done))

    async def remove(self, name: str) -> None:
        if killer := self._killers.pop(name, None):
            # Left alone it would kill the next container of this name.
            killer.cancel()
        await self._engine.call(lambda client: self._remove(client, name))

    async def usage(self, names: Sequence[str]) -> Mapping[str, Usage]:
        def count(name: str) -> Callable[[APIClient], Usage | None]:
            def ask(client: APIClient) -> Usage | None:
                try:
                    return usage(client.stats(self._container(name), stream=False, one_shot=True))
                except NotFound:
                    return None

            return ask

        # The engine counts once a second, for all that ask at the same time.
        found = await asyncio.gather(*(self._engine.patient_call(count(name)) for name in names))
        return {name: used for name, used in zip(names, found, strict=True) if used is not None}

    async def owned(self) -> Sequence[str]:
        def names(client: APIClient) -> list[str]:
            found = client.containers(all=True, filters={"label": f"{INSTALL_LABEL}={self._install_id}"})
            return [container["Labels"][WORKLOAD_LABEL] for container in found]

        return await self._engine.call(names)

    async def open_network(
        self, name: str, members: Sequence[str], ports: Sequence[str]
    ) -> Mapping[str, Mapping[str, Address]]:
        if len(members) > 1:  # one alone needs none: address ranges are few
            await self._engine.call(lambda client: self._make_network(client, f"{self._prefix}-{name}", {}))
        return {
            member: {port: Address(alias(name, member), FIRST_PORT + number) for number, port in enumerate(ports)}
            for member in members
        }

    async def close_network(self, name: str) -> None:
        def remove(client: APIClient) -> None:
            try:
                client.remove_network(f"{self._prefix}-{name}")
            except NotFound:
                return
            except APIError as error:
                if error.status_code == HTTPStatus.FORBIDDEN:
                    raise TransientError(f"Network {name} is still in use: {error.explanation}") from error
                raise

        await self._engine.call(remove)

    async def reach(self, name: str, port: int) -> Address | None:
        def inspect(client: APIClient) -> str | None:
            try:
                return address(client.inspect_container(self._container(name)))
            except NotFound:
                return None

        found = await self._engine.call(inspect)
        return None if found is None else Address(found, port)

    def watch(self, on_exit: Callable[[str], None]) -> None:
        self._watchers.append(asyncio.create_task(self._watch(on_exit), name="docker events"))

    async def close(self) -> None:
        """Containers go on. A grace period under way is forgotten; the next ``stop`` begins it anew."""
        tasks = [*self._watchers, *self._killers.values()]
        self._watchers.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._engine.close()

    def _changing(self, name: str) -> asyncio.Lock:
        """Between create and start a container looks like one that a crash left: nobody else may act on it then.

        A second start would run it once more, a stop would remove it.
        """
        return self._locks.setdefault(name, asyncio.Lock())

    def _container(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _labels(self) -> dict[str, str]:
        return {INSTALL_LABEL: self._install_id}

    def _start(self, client: APIClient, workload: Workload) -> None:
        prepare_host(workload, self._user)
        try:
            self._create_and_start(client, workload)
        except NotFound as error:
            if "network" not in str(error.explanation) or workload.network is not None:
                raise TransientError(f"{workload.name} could not be started: {error.explanation}.") from error
            # Somebody pruned the networks that no container was using. The container may exist by now; that is fine.
            self._has_shared_network = False
            self._create_and_start(client, workload)

    def _create_and_start(self, client: APIClient, workload: Workload) -> None:
        facts = self._prepare_engine(client)
        network = self._prefix if workload.network is None else f"{self._prefix}-{workload.network}"
        name = self._container(workload.name)
        labels = {**workload.labels, **self._labels(), WORKLOAD_LABEL: workload.name}
        try:
            arguments = creation(client, workload, network, self._user, facts)
            container: str = client.create_container(name=name, labels=labels, **arguments)["Id"]
        except ImageNotFound as error:
            raise PermanentError(f"Image {workload.environment} is not on this machine.") from error
        except APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            existing = _appears(lambda: client.inspect_container(name), f"Container {name}")
            if existing["Config"]["Labels"].get(INSTALL_LABEL) != self._install_id:
                raise PermanentError(f"A container named {name} exists and is not ours.") from error
            if existing["State"]["Status"] != "created":
                return
            container = existing["Id"]
        client.start(container)

    def _prepare_engine(self, client: APIClient) -> EngineFacts:
        """What every start needs, once per object: a job must not wait for a network to be made."""
        with self._first_use:
            if self._facts is None:
                self._facts = EngineFacts.of(client.info())
            if not self._has_shared_network:
                # Shared by all that have no peers: a network each would cost every start a tenth of a second and soon
                # all address ranges. With this option they reach the outside and not each other.
                options = {"com.docker.network.bridge.enable_icc": "false"}
                self._make_network(client, self._prefix, options)
                self._has_shared_network = True
            return self._facts

    def _make_network(self, client: APIClient, name: str, options: Mapping[str, str]) -> None:
        # The engine lets two networks have one name if they are made at once, and starts nothing in either then. It
        # never lets them have one bridge, so that deriving the bridge's name from the network's excludes it.
        bridge = f"em{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        try:
            client.create_network(
                name,
                driver="bridge",
                check_duplicate=True,
                options={**options, "com.docker.network.bridge.name": bridge},
                labels=self._labels(),
            )
        except APIError as error:
            if error.status_code == HTTPStatus.CONFLICT:
                return
            if "same bridge name" not in str(error.explanation):
                raise
            _appears(lambda: client.inspect_network(name), f"Network {name}")

    def _signal(self, client: APIClient, name: str, number: str) -> bool:
        """Send a signal; False if there is nobody to receive it."""
        try:
            client.kill(self._container(name), number)
        except NotFound:
            return False
        except APIError as error:
            if error.status_code == HTTPStatus.CONFLICT:
                return False
            raise
        return True

    def _remove(self, client: APIClient, name: str) -> None:
        try:
            client.remove_container(self._container(name), force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            # Somebody else is removing it. It is gone when that is done.
            try:
                client.wait(self._container(name), condition="removed")
            except NotFound:
                return

    def _forget_killer(self, name: str, done: asyncio.Task[None]) -> None:
        if self._killers.get(name) is done:
            del self._killers[name]

    async def _kill_at(self, name: str, deadline: float) -> None:
        await asyncio.sleep(deadline - asyncio.get_running_loop().time())
        delay = 0.1
        while True:
            try:
                await self._engine.call(lambda client: self._signal(client, name, "SIGKILL"))
            except TransientError as error:
                log.warning("%s could not be killed, trying again: %s", name, error)
            else:
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, _SLOWEST_RETRY_SECONDS)

    async def _watch(self, on_exit: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        # A new connection asks for what happened since the last event: repeats are harmless, gaps cost a resync.
        since, delay = int(time.time()), 0.1

        def listen(client: APIClient) -> None:
            nonlocal since, delay
            filters = {"type": "container", "event": "die", "label": f"{INSTALL_LABEL}={self._install_id}"}
            events = client.events(since=since, filters=filters, decode=True)
            delay = 0.1
            for event in events:
                since = event["time"]
                loop.call_soon_threadsafe(on_exit, event["Actor"]["Attributes"][WORKLOAD_LABEL])

        while True:
            try:
                await self._engine.long_call(listen)
            except (TransientError, PermanentError) as error:
                log.debug("The engine's events ended: %s", error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, _SLOWEST_RETRY_SECONDS)


def _appears(inspect: Callable[[], Mapping[str, Any]], what: str) -> Mapping[str, Any]:
    """Inspect what somebody else is making right now: its name is taken milliseconds before it can be found."""
    for _ in range(100):
        try:
            return inspect()
        except NotFound:
            time.sleep(0.02)
    raise TransientError(f"{what} is being made by somebody else and does not appear.")
