"""A daemon for the commands, and homes for those that start one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.kit.lock import ProcessLock
from easymaker_local.settings import PREFIX
from easymaker_local.testing.appliance import Appliance, plain_image
from tests.cli.cli_runner import Cli, in_this_process

# As in the tests' root: prepared environments are kept between runs.
CACHE = Path(os.environ.get(PREFIX + "TEST_CACHE", Path.home() / ".cache" / "easymaker-local-tests"))


@pytest.fixture(scope="package")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """One daemon for all commands that only talk to it; its plain image is built once for all runs."""
    home = tmp_path_factory.mktemp("cli")
    plain_image(home)
    (CACHE / "environments").mkdir(parents=True, exist_ok=True)
    (home / "environments").symlink_to(CACHE / "environments")
    made = Appliance(home, "process", cpu_overcommit="8", reserved_memory_gib="0")
    made.start()
    yield made
    made.discard()


@pytest.fixture
def cli(daemon: Appliance) -> Cli:
    """Commands against that daemon."""
    return in_this_process(daemon.environment)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Appliance]:
    """A home of its own where nothing runs yet; whatever daemon is started there ends with the test."""
    made = Appliance(tmp_path / "home", "process")
    yield made
    pid = ProcessLock(made.home / "daemon.lock").holder()
    if pid:
        os.kill(pid, 9)
    made.discard()
