"""From a board to the workload that serves it. Pure."""

from __future__ import annotations

from pathlib import Path

from easymaker_local.domain import contract
from easymaker_local.domain.tensorboard import KIND, Board
from easymaker_local.drivers.base import Capabilities, Mount, Resources, Workload
from easymaker_local.kit.bundled import bundled
from easymaker_local.kit.secret_files import derive
from easymaker_local.settings import Settings

MEMBER = "main"
PORT = "http"

# Pages are small; reading logs takes one core and a second one keeps the pages quick meanwhile.
_CPUS = 2


def key_of(board: Board, secret_key: bytes) -> str:
    """Return what the server asks for; the same after a restart of the daemon, and of no use anywhere else."""
    return derive(secret_key, board.workload).hex()


def build_workload(
    board: Board, *, environment: str, logs: Path, log_path: Path, port: int, key: str, capabilities: Capabilities,
    settings: Settings,
) -> Workload:  # fmt: skip
    """Return the workload; ``logs`` is what it shows, ``log_path`` where it writes what it has to say."""
    seen = contract.TENSORBOARD_ROOT if capabilities.private_paths else logs
    runtimes = contract.RUNTIMES_ROOT if capabilities.private_paths else bundled("runtimes")
    options = {
        "--logdir": str(seen), "--port": str(port), "--path_prefix": board.path.rstrip("/"),
        "--host": "0.0.0.0" if capabilities.private_network else "127.0.0.1",  # noqa: S104 a network of its own
        # The fast reader is a second server that asks for no key: only where nobody else reaches it.
        "--load_fast": "auto" if capabilities.private_network else "false",
    }  # fmt: skip
    arguments = [text for option in options.items() for text in option]
    idle_seconds = str(settings.tensorboard_idle_minutes * 60)
    return Workload(
        name=board.workload,
        environment=environment,
        command=("python", "-I", str(runtimes / contract.TENSORBOARD_SERVER), idle_seconds, *arguments),
        log_path=log_path,
        resources=Resources(cpus=_CPUS, memory_bytes=int(settings.tensorboard_memory_gib * (1 << 30)), shm_bytes=64 << 20),
        working_directory=seen,
        env={contract.TENSORBOARD_KEY_VARIABLE: key, "PYTHONUNBUFFERED": "1"},
        mounts=(Mount(logs, seen), Mount(bundled("runtimes"), runtimes)),
        network=board.network,
        member=MEMBER,
        labels={"easymaker.kind": KIND, "easymaker.id": board.id, "easymaker.attempt": "1"},
    )
