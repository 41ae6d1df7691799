"""From a site to the workload that serves it: what all web servers have in common. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.domain import contract
from easymaker_local.drivers.base import Capabilities, Mount, Resources, Workload
from easymaker_local.kit.bundled import bundled
from easymaker_local.kit.secret_files import derive

MEMBER = "main"
PORT = "http"

# Pages are small; one core works through data and a second one keeps the pages quick meanwhile.
_CPUS = 2


@dataclass(frozen=True)
class Start:
    """What a server is started with: its environment, the file for what it has to say, its port, and the key it asks for."""

    environment: str
    log_path: Path
    port: int
    key: str


def key_of(workload: str, secret_key: bytes) -> str:
    """Return what a server asks for; the same after a restart of the daemon, and of no use anywhere else."""
    return derive(secret_key, workload).hex()


def listening_host(capabilities: Capabilities) -> str:
    """Return the address that a server listens on."""
    return "0.0.0.0" if capabilities.private_network else "127.0.0.1"  # noqa: S104 only this machine reaches it


def build_web_workload(
    start: Start, *, name: str, script: Path, arguments: Sequence[str], data: Mount, memory_gib: float,
    capabilities: Capabilities,
) -> Workload:  # fmt: skip
    """Return the workload of the server that ``script``, below the runtimes, starts with ``data`` as its working directory."""
    kind, resource_id, *_ = name.split("-")
    runtimes = contract.RUNTIMES_ROOT if capabilities.private_paths else bundled("runtimes")
    return Workload(
        name=name,
        environment=start.environment,
        command=("python", "-I", str(runtimes / script), *arguments),
        log_path=start.log_path,
        resources=Resources(cpus=_CPUS, memory_bytes=int(memory_gib * (1 << 30)), shm_bytes=64 << 20),
        working_directory=data.target,
        env={contract.WEB_KEY_VARIABLE: start.key, "PYTHONUNBUFFERED": "1"},
        mounts=(data, Mount(bundled("runtimes"), runtimes)),
        labels={"easymaker.kind": kind, "easymaker.id": resource_id, "easymaker.attempt": "1"},
    )
