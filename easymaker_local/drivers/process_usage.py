"""What process workloads use, read from ``/proc`` in one look for all of them (GN-L09). Networks cannot be told apart."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.domain.usage import Usage
from easymaker_local.drivers.process_records import ProcessWorkload

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class _Process:
    own_ticks: int
    reaped_ticks: int
    resident_bytes: int


def usage_of(workloads: Sequence[ProcessWorkload]) -> Mapping[str, Usage]:
    """Return the use of each workload that runs, by name.

    A supervisor is the parent, at last, of everything in its workload, so the tree below it is complete; what has ended is
    counted in whoever waited for it. Memory is resident memory; pages shared by several processes count for each.
    """
    supervisors = {workload.name: pid for workload in workloads if (pid := workload.supervisor_pid()) is not None}
    if not supervisors:
        return {}
    processes, below = _processes()
    return {name: _usage(pid, processes, below) for name, pid in supervisors.items() if pid in processes}


def _usage(supervisor: int, processes: Mapping[int, _Process], below: Mapping[int, list[int]]) -> Usage:
    tree: list[int] = []
    todo = list(below.get(supervisor, ()))
    while todo:
        pid = todo.pop()
        tree.append(pid)
        todo += below.get(pid, ())
    members = [processes[pid] for pid in tree]
    ticks = processes[supervisor].reaped_ticks + sum(p.own_ticks + p.reaped_ticks for p in members)
    read, written = (sum(counts) for counts in zip(*(_disk(pid) for pid in (supervisor, *tree)), strict=True))
    return Usage(
        cpu_seconds=ticks / _TICKS, memory_bytes=sum(p.resident_bytes for p in members), processes=len(members),
        disk_read_bytes=read, disk_written_bytes=written,
    )  # fmt: skip


def _processes() -> tuple[dict[int, _Process], dict[int, list[int]]]:
    """Return every process of the machine, and the children of each."""
    found: dict[int, _Process] = {}
    below: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        try:
            fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        user, system, children_user, children_system = map(int, fields[11:15])
        found[pid] = _Process(user + system, children_user + children_system, int(fields[21]) * _PAGE_BYTES)
        below.setdefault(int(fields[1]), []).append(pid)
    return found, below


def _disk(pid: int) -> tuple[int, int]:
    """Return bytes read from and written to disks, by it and by the children that it has waited for."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return 0, 0  # ended, or another user's
    counts = dict(line.split(": ") for line in lines)
    return int(counts["read_bytes"]), int(counts["write_bytes"])
