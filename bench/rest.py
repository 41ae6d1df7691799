"""What a daemon costs while nothing happens."""

from __future__ import annotations

import time

import psutil

from easymaker_local.testing.appliance import Appliance


def at_rest(appliance: Appliance, seconds: float) -> tuple[float, float]:
    """Return how much of a core, in per cent, and of memory, in MiB, the daemon takes over so long a time."""
    daemon = psutil.Process(appliance.pid)
    before = daemon.cpu_times()
    time.sleep(seconds)  # what is measured is time that passes without work
    after = daemon.cpu_times()
    percent = 100 * max(0.0, after.user + after.system - before.user - before.system) / seconds
    return percent, daemon.memory_info().rss / (1 << 20)
