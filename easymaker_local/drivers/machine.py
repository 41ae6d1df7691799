"""What the whole machine uses, by the system's own counters."""

from __future__ import annotations

import psutil

from easymaker_local.domain.usage import Usage


def machine_usage() -> Usage:
    """Return the counters since the machine's start; loopback traffic and the caches of files do not count."""
    cpu = psutil.cpu_times()
    idle = cpu.idle + getattr(cpu, "iowait", 0.0)
    # Guests' time is counted in their hosts' already.
    busy = sum(cpu) - idle - getattr(cpu, "guest", 0.0) - getattr(cpu, "guest_nice", 0.0)
    memory = psutil.virtual_memory()
    disk = psutil.disk_io_counters()
    networks = [counters for name, counters in psutil.net_io_counters(pernic=True).items() if name != "lo"]
    return Usage(
        cpu_seconds=busy, memory_bytes=memory.total - memory.available,
        disk_read_bytes=None if disk is None else disk.read_bytes,
        disk_written_bytes=None if disk is None else disk.write_bytes,
        network_received_bytes=sum(counters.bytes_recv for counters in networks),
        network_sent_bytes=sum(counters.bytes_sent for counters in networks),
    )  # fmt: skip
