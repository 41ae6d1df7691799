"""Fakes for unit tests: a clock that is set, a driver that does as it is told, environments that are ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from easymaker_local.domain.disk import StoredEnvironment
from easymaker_local.domain.image import Image
from easymaker_local.domain.usage import Usage
from easymaker_local.domain.workload import Observation, Phase
from easymaker_local.drivers.base import Address, Capabilities, Workload
from easymaker_local.errors import EasyMakerError
from easymaker_local.kit.clock import Uptime


@dataclass
class FakeClock:
    """Time stands still until it is moved."""

    time: float = 1_000_000.0
    running: Uptime = field(default_factory=lambda: Uptime("boot", 1000.0))

    def now(self) -> float:
        return self.time

    def uptime(self) -> Uptime:
        return self.running

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.time += seconds
        self.running = replace(self.running, seconds=self.running.seconds + seconds)

    def jump(self, seconds: float) -> None:
        """Let somebody set the clock."""
        self.time += seconds


class FakeDriver:
    """Runs nothing. A started workload is RUNNING until the test lets it ``end`` or ``vanish``.

    ``fail_start`` is raised by the next calls of ``start``; ``stubborn`` workloads ignore ``stop``; ``used`` is what
    ``usage`` answers.
    """

    name = "fake"
    capabilities = Capabilities(private_paths=False, private_network=False, limits_enforced=False)

    def __init__(self) -> None:
        self.workloads: dict[str, Workload] = {}
        self.states: dict[str, Observation] = {}
        self.networks: dict[str, Mapping[str, Mapping[str, Address]]] = {}
        self.stops: list[str] = []
        self.fail_start: EasyMakerError | None = None
        self.fail_observe: EasyMakerError | None = None
        self.stubborn = False
        self.used: dict[str, Usage] = {}

    async def start(self, workload: Workload) -> None:
        if self.fail_start is not None:
            raise self.fail_start
        if workload.name not in self.workloads:
            self.workloads[workload.name] = workload
            self.states[workload.name] = Observation(Phase.RUNNING)

    async def observe(self, name: str) -> Observation:
        if self.fail_observe is not None:
            raise self.fail_observe
        return self.states.get(name, Observation(Phase.ABSENT))

    async def stop(self, name: str, grace_seconds: float) -> None:
        self.stops.append(name)
        if not self.stubborn and name in self.states and self.states[name].is_alive:
            self.end(name, 143, signal=15)

    async def remove(self, name: str) -> None:
        self.workloads.pop(name, None)
        self.states.pop(name, None)

    async def usage(self, names: Sequence[str]) -> Mapping[str, Usage]:
        return {name: self.used[name] for name in names if name in self.used}

    async def owned(self) -> Sequence[str]:
        return list(self.workloads)

    async def open_network(
        self, name: str, members: Sequence[str], ports: Sequence[str]
    ) -> Mapping[str, Mapping[str, Address]]:
        self.networks[name] = {
            member: {port: Address(member, 2000 + place) for place, port in enumerate(ports)} for member in members
        }
        return self.networks[name]

    async def close_network(self, name: str) -> None:
        self.networks.pop(name, None)

    async def reach(self, name: str, port: int) -> Address | None:
        is_running = name in self.states and self.states[name].phase is Phase.RUNNING
        return Address("127.0.0.1", port) if is_running else None

    def watch(self, on_exit: Callable[[str], None]) -> None:
        """Exits are told by nobody: tests ask for passes themselves."""

    async def close(self) -> None:
        """Nothing to release."""

    def end(self, name: str, exit_code: int | None, **details: object) -> None:
        """Let a workload end."""
        self.states[name] = replace(Observation(Phase.EXITED, exit_code), **details)  # type: ignore[arg-type]

    def vanish(self, name: str) -> None:
        """Let a workload be removed behind everybody's back."""
        self.workloads.pop(name)
        self.states.pop(name)


@dataclass
class FakeEnvironments:
    """Ready from the start, unless ``prepared`` is emptied; ``error`` makes preparation fail.

    ``kept`` is what ``stored`` answers: name -> the other fields.
    """

    prepared: set[str] = field(default_factory=lambda: {"plain"})
    error: EasyMakerError | None = None
    built: list[str] = field(default_factory=list)
    kept: dict[str, tuple[str | None, int, bool]] = field(default_factory=dict)

    async def ready(self, image: Image) -> str | None:
        return f"environment-of-{image.id}" if image.id in self.prepared else None

    async def prepare(self, image: Image, progress: Callable[[str], None]) -> str:
        self.built.append(image.id)
        progress("working")
        if self.error is not None:
            raise self.error
        self.prepared.add(image.id)
        return f"environment-of-{image.id}"

    async def stored(self) -> Sequence[StoredEnvironment]:
        return [StoredEnvironment(name, *details) for name, details in self.kept.items()]

    async def discard(self, name: str) -> None:
        self.kept.pop(name, None)

    async def close(self) -> None:
        """Nothing to release."""
