"""What all tests share: a cleaned environment, the engine or the reason why there is none, real appliances.

Real here: SQLite, processes, containers, HTTP, the vendor's SDK. Nothing is faked but GPUs and, in unit tests, the clock and
the driver (``testing/fakes.py``).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from easymaker_local.settings import PREFIX
from easymaker_local.testing import daemons
from easymaker_local.testing.appliance import Appliance, plain_image
from easymaker_local.testing.engine import docker_host
from easymaker_local.testing.venvs import quick_python

# Their failed assertions are explained as those of test modules are.
pytest.register_assert_rewrite(
    "tests.faults.fault_jobs", "tests.faults.invariants", "tests.api.envelope_check", "easymaker_local.testing.serving_suite"
)

# Prepared environments are minutes of work: they are kept between tests and between runs.
CACHE = Path(os.environ.get(PREFIX + "TEST_CACHE", Path.home() / ".cache" / "easymaker-local-tests"))

KILLS, CHECKS = "kills", "checks"

# Chance finds new cases at a desk; CI, whose verdict must not depend on it, takes the same ones every time. How slow a machine
# is says nothing about what is tested.
_CALM = [HealthCheck.too_slow]
settings.register_profile("calm", suppress_health_check=_CALM)
settings.register_profile("ci", derandomize=True, suppress_health_check=_CALM)
settings.load_profile("ci" if os.environ.get("CI") else "calm")

# Tests start hundreds of daemons.
Appliance.launch = staticmethod(daemons.fork)

MakeAppliance = Callable[..., Appliance]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("EM_", PREFIX)) and name not in {PREFIX + "REQUIRE_DOCKER", PREFIX + "TEST_CACHE"}:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def quick_venv(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Instead of ``sys.executable``: a Python that makes environments by copying one that was made."""
    return str(quick_python(tmp_path_factory.mktemp("venv")))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def driver_name(request: pytest.FixtureRequest) -> str:
    """Each driver in turn; docker only where an engine answers."""
    name: str = request.param
    if name == "docker":
        docker_host()
    return name


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def driver(request: pytest.FixtureRequest) -> str:
    """Each driver in turn, for an appliance that a module shares."""
    name: str = request.param
    if name == "docker":
        docker_host()
    return name


@pytest.fixture
def make_appliance(tmp_path: Path, driver_name: str) -> Iterator[MakeAppliance]:
    """Return a maker of appliances with the plain image, buckets ``code`` and ``models``, and prepared environments shared."""
    made: list[Appliance] = []

    def make(name: str = "home", **settings: str) -> Appliance:
        home = tmp_path / name
        plain_image(home)
        for container in ("code", "models"):
            (home / "storage" / container).mkdir(parents=True, exist_ok=True)
        environments = CACHE / "environments"
        environments.mkdir(parents=True, exist_ok=True)
        if not (home / "environments").exists():
            (home / "environments").symlink_to(environments)
        # Jobs of tests sleep and print: several may share a small machine.
        appliance = Appliance(home, driver_name, **{"cpu_overcommit": "8", "reserved_memory_gib": "0", **settings})
        made.append(appliance)
        return appliance

    yield make
    for appliance in made:
        appliance.discard()


@pytest.fixture
def appliance(make_appliance: MakeAppliance) -> Appliance:
    """A running daemon on each driver."""
    made = make_appliance()
    made.start()
    return made


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Count here what a test killed, by the moment. Shown at the end: a fault test that met no fault proves nothing."""
    yield from _counted(request, KILLS)


@pytest.fixture
def checks(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Count here how often an invariant was looked at, by its name. Shown at the end, as kills are."""
    yield from _counted(request, CHECKS)


def _counted(request: pytest.FixtureRequest, what: str) -> Iterator[Counter[str]]:
    counted: Counter[str] = Counter()
    yield counted
    # A report's properties also travel from the processes that run tests to the one that shows the summary.
    request.node.user_properties += [(what, (f"{request.node.name}: {name}", n)) for name, n in counted.items()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found]
    properties = [
        found for report in reports if getattr(report, "when", None) == "teardown" for found in report.user_properties
    ]
    for what, title in ((KILLS, "daemons killed"), (CHECKS, "invariants checked")):
        counts = sorted(value for name, value in properties if name == what)
        if counts:
            terminalreporter.section(title)
            for name, number in counts:
                terminalreporter.write_line(f"{number:4d}  {name}")
            terminalreporter.write_line(f"{sum(number for _, number in counts):4d}  in all")
