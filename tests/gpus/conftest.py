"""The stand-in for NVIDIA's library, compiled once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.testing.gpus import VARIABLE, StubDriver, build_library


@pytest.fixture(scope="session")
def stub_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def stub(stub_library: Path, tmp_path: Path) -> StubDriver:
    """No devices yet: ``stub.tell([...])``. Programs find it by ``stub.environment``."""
    made = StubDriver(stub_library, tmp_path / "devices.txt")
    made.tell([])
    return made


@pytest.fixture
def here(stub: StubDriver, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubDriver]:
    """The same for this process."""
    monkeypatch.setenv(VARIABLE, str(stub.file))
    stub.load_here()
    yield stub
