"""Model servers for a module, on each driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from easymaker_local.domain.model import ModelFormat
from tests.serving.served import Samples, Servers, make_samples
from tests.serving.transformers_process import make_models

MakeSamples = Callable[[str, ModelFormat], Samples]


@pytest.fixture(scope="module")
def servers(driver: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A driver whose workloads are model servers."""
    made = Servers(driver, tmp_path_factory.mktemp(driver))
    yield made
    made.close()


@pytest.fixture(scope="session")
def samples_of(tmp_path_factory: pytest.TempPathFactory) -> MakeSamples:
    """What ``make_samples.py`` makes of a kind, once for all tests of a run."""

    @cache
    def made(kind: str, model_format: ModelFormat) -> Samples:
        return make_samples(kind, model_format, tmp_path_factory.mktemp(kind) / "made")

    return made


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny models of ``make_transformers.py``; tests put others beside them and change none."""
    return make_models(tmp_path_factory.mktemp("models"))
