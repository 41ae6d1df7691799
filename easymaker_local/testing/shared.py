"""An appliance for a whole module of tests that do not disturb each other."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from easymaker_local.settings import PREFIX
from easymaker_local.testing.appliance import Appliance, plain_image

SMALL_FLAVOR = "m1.c1m1"
"""A flavor that a job fills soon, beside the generated ones."""


def cache_directory() -> Path:
    """Return where what takes minutes to prepare is kept between runs."""
    return Path(os.environ.get(PREFIX + "TEST_CACHE", Path.home() / ".cache" / "easymaker-local-tests"))


def furnish(home: Path) -> None:
    """Put the plain image and the buckets ``code`` and ``models`` into a home, and link the environments that are kept."""
    plain_image(home)
    for container in ("code", "models"):
        (home / "storage" / container).mkdir(parents=True, exist_ok=True)
    environments = cache_directory() / "environments"
    environments.mkdir(parents=True, exist_ok=True)
    (home / "environments").symlink_to(environments)


@contextmanager
def running_appliance(home: Path, driver: str, *, port: int | None = None) -> Iterator[Appliance]:
    """Run an appliance with the plain image and the buckets ``code`` and ``models``.

    Jobs of tests are small: several may share a small machine, so CPUs are promised eightfold. What serves pip on this
    machine serves the appliance, since frameworks are large.
    """
    furnish(home)
    flavors = json.dumps([{"name": SMALL_FLAVOR, "vcpus": 1, "memory_gib": 1}])
    appliance = Appliance(home, driver, port=port, cpu_overcommit="8", reserved_memory_gib="0", flavors=flavors)
    try:
        appliance.start()
        yield appliance
    finally:
        appliance.discard()
