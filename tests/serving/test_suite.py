"""Every framework's server passes the same suite, as a workload of either driver (OI-L02)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from easymaker_local.domain.model import ModelFormat
from easymaker_local.testing.serving_suite import Sample, ServingSuite
from tests.serving.conftest import MakeSamples
from tests.serving.served import Samples, Servers

pytestmark = pytest.mark.environment


# A group each, so that one process of the test run starts a class's server once.


@pytest.fixture(scope="class")
def samples(request: pytest.FixtureRequest, samples_of: MakeSamples) -> Samples:
    """Models and questions of the class's ``kind``."""
    return samples_of(request.cls.kind, request.cls.format)


@pytest.fixture(scope="class")
def sample(request: pytest.FixtureRequest, samples: Samples) -> Sample:
    """The questions to the model ``name``."""
    return samples.sample(request.cls.name)


@pytest.fixture(scope="class")
def client(request: pytest.FixtureRequest, samples: Samples, servers: Servers) -> Iterator[httpx.Client]:
    """A client of a server of its own for each class."""
    _, server = servers.ready(samples.model(request.cls.name, request.cls.format))
    with server.client() as made:
        yield made


@pytest.mark.xdist_group("suite-sklearn")
class TestSklearn(ServingSuite):
    """SK-01, SK-02."""

    kind, format, name = "sklearn", ModelFormat.SKLEARN, "sklearn"


@pytest.mark.xdist_group("suite-python")
class TestPython(ServingSuite):
    """A user's own class."""

    kind, format, name = "python", ModelFormat.PYTHON, "python"


@pytest.mark.xdist_group("suite-tensorflow")
class TestTensorflow(ServingSuite):
    """FS-01…FS-03."""

    kind, format, name = "tensorflow", ModelFormat.TENSORFLOW, "tensorflow"


@pytest.mark.xdist_group("suite-pytorch")
class TestPytorchArchive(ServingSuite):
    """FS-04, FS-12."""

    kind, format, name = "pytorch", ModelFormat.PYTORCH, "archive"


@pytest.mark.xdist_group("suite-pytorch")
class TestPytorchFiles(ServingSuite):
    """FS-05…FS-08."""

    kind, format, name = "pytorch", ModelFormat.PYTORCH, "files"


@pytest.mark.xdist_group("suite-pytorch")
class TestPytorchExport(ServingSuite):
    """A program of torch.export."""

    kind, format, name = "pytorch", ModelFormat.PYTORCH, "export"


@pytest.mark.xdist_group("suite-transformersclassification")
class TestTransformersClassification(ServingSuite):
    """FS-16."""

    kind, format, name = "transformers", ModelFormat.HUGGING_FACE, "classifier"


@pytest.mark.xdist_group("suite-transformersgeneration")
class TestTransformersGeneration(ServingSuite):
    """FS-16, OI-11, OI-14."""

    kind, format, name = "transformers", ModelFormat.HUGGING_FACE, "generator"
