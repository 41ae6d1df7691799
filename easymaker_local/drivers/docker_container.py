"""A workload as a container: what the engine is asked to create, and what its inspection means. No engine calls here."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.types import DeviceRequest, LogConfig, Mount

from easymaker_local.domain.usage import Usage
from easymaker_local.drivers.base import Observation, Phase, Workload
from easymaker_local.errors import PermanentError

INSTALL_LABEL = "easymaker.install"
WORKLOAD_LABEL = "easymaker.workload"

LOG_TARGET = "/easymaker-log"
ENTRYPOINT = ("/bin/sh", "-c", 'exec >>"$0" 2>&1; exec "$@"', LOG_TARGET)
"""The workload writes its log itself: the file is mounted, and the shell replaces itself by the command.

The engine's own log was rejected: whoever copies it to a file loses or doubles lines when one of the two restarts, and
everything that a job prints would pass two more processes. A command that cannot be executed makes the shell end with
126 or 127 and write the reason where the job's output would be.
"""

_NEVER = "0001-01-01"
_SIGNALS = frozenset(int(number) for number in signal.valid_signals())


@dataclass(frozen=True)
class EngineFacts:
    """What the engine's own description says about how containers have to be made."""

    cpus: float
    has_init: bool
    is_rootless: bool

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> EngineFacts:
        """Read ``docker info``."""
        return cls(
            cpus=float(info.get("NCPU") or os.cpu_count() or 1),
            # "N/A" is the engine's word for an init binary that it did not find.
            has_init=(info.get("InitCommit") or {}).get("ID") != "N/A",
            is_rootless=any("rootless" in option for option in info.get("SecurityOptions") or ()),
        )


@dataclass(frozen=True)
class User:
    """Whom the outputs belong to."""

    uid: int
    gid: int

    def in_container(self, facts: EngineFacts) -> str:
        """A rootless engine maps the container's root to the user who runs it, and other numbers to nobody's."""
        return "0:0" if facts.is_rootless else f"{self.uid}:{self.gid}"


def creation(client: APIClient, workload: Workload, network: str, user: User, facts: EngineFacts) -> dict[str, Any]:
    """Return the arguments of ``create_container``, without name and labels. The client is not called."""
    resources = workload.resources
    aliases = [workload.member, alias(workload.network, workload.member)] if workload.network and workload.member else []
    mounts = [
        # Of type "bind", because the engine then refuses a missing source; a volume string would create it, as root.
        Mount(type="bind", source=str(mount.source), target=str(mount.target), read_only=mount.read_only)
        for mount in workload.mounts
    ]
    mounts.append(Mount(type="bind", source=str(workload.log_path), target=LOG_TARGET))
    return {
        "image": workload.environment,
        "entrypoint": list(ENTRYPOINT),
        "command": list(workload.command),
        "environment": _environment(workload),
        "working_dir": str(workload.working_directory),
        "user": user.in_container(facts),
        "hostname": (workload.member or workload.name)[:63],
        "healthcheck": {"test": ["NONE"]},
        "host_config": client.create_host_config(
            mounts=mounts,
            network_mode=network,
            # The engine refuses more than the machine has, which an overcommitted flavor may ask for.
            nano_cpus=int(min(resources.cpus, facts.cpus) * 1_000_000_000),
            mem_limit=resources.memory_bytes,
            memswap_limit=resources.memory_bytes,
            pids_limit=resources.max_processes,
            shm_size=resources.shm_bytes,
            # Without an init the program would be process 1, which no signal without a handler ends.
            init=facts.has_init,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            log_config=LogConfig(type="none"),
            device_requests=_device_requests(resources.gpus),
        ),
        "networking_config": {"EndpointsConfig": {network: client.create_endpoint_config(aliases=aliases)}},
    }


def alias(network: str, member: str) -> str:
    """Return the name that peers use: a member's name alone would mean another container in another network."""
    return f"{member}.{network}"


def observation(inspected: Mapping[str, Any]) -> Observation:
    """Read the ``State`` of an inspection."""
    state: Mapping[str, Any] = inspected["State"]
    started_at = _seconds(state.get("StartedAt"))
    message = state.get("Error") or None
    match state["Status"]:
        case "created":
            return Observation(Phase.STARTING, message=message)
        case "running" | "paused" | "restarting":
            return Observation(Phase.RUNNING, started_at=started_at, message=message)
        case "exited" | "dead" | "removing":
            # One that was never started shows exit code 0 while it is removed; that is nobody's success.
            code = int(state["ExitCode"]) if started_at is not None else None
            number = code - 128 if code is not None and code - 128 in _SIGNALS else None
            return Observation(
                Phase.EXITED,
                exit_code=code,
                signal=number,
                # The engine's flag also tells of a helper process that the program outlived.
                out_of_memory=bool(state.get("OOMKilled")) and code not in (0, None),
                started_at=started_at,
                finished_at=_seconds(state.get("FinishedAt")),
                message=message,
            )
        case other:
            return Observation(Phase.UNKNOWN, message=f"The engine calls it {other!r}.")


def address(inspected: Mapping[str, Any]) -> str | None:
    """Return the address on the container's bridge, which this machine is on as well; None if it does not run."""
    networks: Mapping[str, Any] = inspected["NetworkSettings"]["Networks"]
    return next((network["IPAddress"] for network in networks.values() if network["IPAddress"]), None)


def usage(stats: Mapping[str, Any]) -> Usage | None:
    """Read the engine's counters of a container; None if it does not run."""
    memory = stats.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    # The cache of files is given up when memory gets short; cgroup v1 calls it by another name.
    details = memory.get("stats") or {}
    cache = details.get("inactive_file", details.get("total_inactive_file", 0))
    disk = {"read": 0, "write": 0}
    for entry in (stats.get("blkio_stats") or {}).get("io_service_bytes_recursive") or []:
        if entry["op"].lower() in disk:
            disk[entry["op"].lower()] += entry["value"]
    networks = (stats.get("networks") or {}).values()
    return Usage(
        cpu_seconds=stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, memory_bytes=max(0, memory["usage"] - cache),
        processes=(stats.get("pids_stats") or {}).get("current"),
        disk_read_bytes=disk["read"], disk_written_bytes=disk["write"],
        network_received_bytes=sum(network["rx_bytes"] for network in networks),
        network_sent_bytes=sum(network["tx_bytes"] for network in networks),
    )  # fmt: skip


def prepare_host(workload: Workload, user: User) -> None:
    """Make what must exist before the container does, so that it belongs to the user: the log and nested mount points.

    The engine makes missing mount points itself, as root, inside the directory of the outer mount, where the user
    could not remove them any more.
    """
    try:
        workload.log_path.parent.mkdir(parents=True, exist_ok=True)
        _touch(workload.log_path, user)
        for mount in workload.mounts:
            outer = max(
                (m for m in workload.mounts if m.target in mount.target.parents and not m.read_only),
                key=lambda m: len(m.target.parts),
                default=None,
            )
            if outer is None or not outer.source.is_dir():
                continue
            point = outer.source / mount.target.relative_to(outer.target)
            directory = point if mount.source.is_dir() else point.parent
            _make_directories(directory, user)
            if directory is not point:
                _touch(point, user)
    except OSError as error:
        raise PermanentError(f"{workload.name} cannot be started: {error}.") from error


def _environment(workload: Workload) -> dict[str, str]:
    # The user has no entry in the image's passwd file; programs that ask for a name or a home find these.
    found = {"HOME": "/tmp", "USER": "easymaker", "LOGNAME": "easymaker", **workload.env}  # noqa: S108
    # With NVIDIA's runtime as the default one this variable alone opens every GPU, and CUDA images set it to "all".
    # The engine sets it from the device request.
    found.pop("NVIDIA_VISIBLE_DEVICES", None)
    if not workload.resources.gpus:
        found["NVIDIA_VISIBLE_DEVICES"] = "void"
    return found


def _device_requests(gpus: tuple[str, ...]) -> list[DeviceRequest] | None:
    return [DeviceRequest(device_ids=list(gpus), capabilities=[["gpu"]])] if gpus else None


def _seconds(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text and not text.startswith(_NEVER) else None


def _touch(path: Path, user: User) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return
    os.close(descriptor)
    _give(path, user)


def _make_directories(path: Path, user: User) -> None:
    missing = [parent for parent in (path, *path.parents) if not parent.exists()]
    for directory in reversed(missing):
        directory.mkdir(exist_ok=True)
        _give(directory, user)


def _give(path: Path, user: User) -> None:
    if os.geteuid() == 0 and user.uid != 0:
        os.chown(path, user.uid, user.gid)
