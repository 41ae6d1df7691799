"""From a board to the workload that serves it. Pure."""

from __future__ import annotations

from pathlib import Path

from easymaker_local.controllers.web_workload import Start, build_web_workload, listening_host
from easymaker_local.domain import contract
from easymaker_local.domain.tensorboard import Board
from easymaker_local.drivers.base import Capabilities, Mount, Workload
from easymaker_local.settings import Settings


def build_workload(board: Board, start: Start, *, logs: Path, capabilities: Capabilities, settings: Settings) -> Workload:
    """Return the workload; ``logs`` is what it shows."""
    seen = contract.TENSORBOARD_ROOT if capabilities.private_paths else logs
    options = {
        "--logdir": str(seen), "--port": str(start.port), "--path_prefix": board.path.rstrip("/"),
        "--host": listening_host(capabilities),
        # The fast reader is a second server that asks for no key: only where nobody else reaches it.
        "--load_fast": "auto" if capabilities.private_network else "false",
    }  # fmt: skip
    idle_seconds = str(settings.tensorboard_idle_minutes * 60)
    return build_web_workload(
        start, name=board.workload, script=contract.TENSORBOARD_SERVER,
        arguments=[idle_seconds, *(text for option in options.items() for text in option)],
        data=Mount(logs, seen), memory_gib=settings.tensorboard_memory_gib, capabilities=capabilities,
    )  # fmt: skip
