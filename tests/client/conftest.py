"""A daemon for the client's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from easymaker_local.client import Client, connect
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import Appliance


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """One daemon for a module: these tests keep out of each other's way."""
    made = Appliance(tmp_path_factory.mktemp("client"), "process")
    made.start()
    yield made
    made.discard()


@pytest.fixture
def settings(daemon: Appliance) -> Settings:
    return Settings(home=daemon.home, port=daemon.port)


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    with connect(settings) as made:
        yield made
