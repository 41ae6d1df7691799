"""The composition root: which driver is chosen, what machine is promised, who may start."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from easymaker_local.daemon import capacity_of, choose_driver, flavors_of, open_daemon
from easymaker_local.domain.change import Change, ChangeKind
from easymaker_local.domain.experiment import ExperimentSpec
from easymaker_local.domain.gpu import Inventory
from easymaker_local.domain.image import Image
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.drivers.environments import VirtualEnvironments
from easymaker_local.errors import DaemonError
from easymaker_local.settings import DriverChoice, Settings, load_settings
from easymaker_local.store import Store, experiments, trainings
from easymaker_local.store.changes import Lately
from easymaker_local.testing.appliance import PLAIN_IMAGE, plain_image
from easymaker_local.testing.factories import make_training
from tests.api_statistics.records import add_endpoint

pytestmark = pytest.mark.anyio

NOBODY = "unix:///nonexistent/docker.sock"


def settings(home: Path, **more: object) -> Settings:
    return Settings(home=home, docker_host=NOBODY, gateway_port=0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("choice", "bound", "chosen"),
    [
        (DriverChoice.AUTO, None, "process"),
        (DriverChoice.PROCESS, None, "process"),
        (DriverChoice.AUTO, "process", "process"),
        (DriverChoice.AUTO, "docker", "docker"),
        (DriverChoice.DOCKER, "docker", "docker"),
    ],
)
async def test_a_silent_engine_and_jobs_that_have_not_ended(
    tmp_path: Path, choice: DriverChoice, bound: str | None, chosen: str
) -> None:
    """A container job must not be taken for lost because the engine was slow to start."""
    driver, _ = await choose_driver(settings(tmp_path, driver=choice), "i1", bound)
    assert driver.name == chosen
    await driver.close()


@pytest.mark.parametrize(
    ("choice", "bound"),
    [(DriverChoice.DOCKER, None), (DriverChoice.DOCKER, "process"), (DriverChoice.PROCESS, "docker")],
)
async def test_drivers_that_would_lose_jobs_or_cannot_run_any_are_refused(
    tmp_path: Path, choice: DriverChoice, bound: str | None
) -> None:
    with pytest.raises(DaemonError):
        await choose_driver(settings(tmp_path, driver=choice), "i1", bound)


async def test_no_start_without_a_gateway_as_long_as_there_are_endpoints(tmp_path: Path) -> None:
    """GW-L01: their pods would run on without anybody, and no deletion would end."""
    store = Store(settings(tmp_path).database)
    store.open()
    await store.write(lambda db: add_endpoint(db, "e1", "shop"))
    store.close()
    with pytest.raises(DaemonError, match="gateway_port = 0, and there are endpoints: shop"):
        async with open_daemon(settings(tmp_path)):
            pass


async def test_who_listens_is_told_how_far_an_environment_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in no row: whoever builds it says so."""
    plain_image(tmp_path)
    told: list[Lately] = []

    async def prepare(_: object, image: Image, report: Callable[[str], None]) -> str:
        before = daemon.context.changes.number
        report("half of it")
        await daemon.context.changes.wait(before)
        told.append(daemon.context.changes.after(before))
        return "somewhere"

    monkeypatch.setattr(VirtualEnvironments, "prepare", prepare)
    async with open_daemon(settings(tmp_path, driver="process")) as daemon:
        image = daemon.context.catalogue.by_id(PLAIN_IMAGE)
        assert image is not None
        daemon.preparation.start(image)
        await daemon.preparation.settled(image)
        change = Change(ChangeKind.IMAGE, PLAIN_IMAGE)
        assert [change in (lately.changes or []) for lately in told] == [True]
        assert change in (daemon.context.changes.after(told[0].number).changes or []), "its end is told too"


async def test_the_driver_of_a_running_job_is_remembered(tmp_path: Path) -> None:
    async with open_daemon(settings(tmp_path, driver="process")) as daemon:
        experiment = await daemon.services.experiments.create(ExperimentSpec(experiment_name="e"))
    store = Store(tmp_path / "state.db")
    store.open()
    training = make_training(experimentId=experiment.id)

    def insert(db: sqlite3.Connection) -> None:
        assert experiments.find(db, experiment.id) is not None
        trainings.add(db, training)
        trainings.transition(db, training, to=TrainingStatus.CREATE_IN_PROGRESS, cause=None, now=1.0)

    await store.write(insert)
    store.close()
    with pytest.raises(DaemonError, match="have not ended"):
        async with open_daemon(settings(tmp_path, driver="docker")):
            pass


async def test_a_second_daemon_on_the_same_home_is_refused_and_a_stale_lock_is_not(tmp_path: Path) -> None:
    (tmp_path / "daemon.lock").write_text("12345\n")
    async with open_daemon(settings(tmp_path)):
        with pytest.raises(DaemonError, match=f"pid {os.getpid()}"):
            async with open_daemon(settings(tmp_path)):
                pass
    async with open_daemon(settings(tmp_path)):
        pass


async def test_a_damaged_secret_is_never_replaced_by_itself(tmp_path: Path) -> None:
    """What the key had sealed would be lost; the user has to decide."""
    chosen = settings(tmp_path)
    chosen.secret_key_file.write_bytes(b"short")
    with pytest.raises(DaemonError, match=r"secret\.key holds 5 bytes"):
        async with open_daemon(chosen):
            pass
    assert chosen.secret_key_file.read_bytes() == b"short"


async def test_token_and_key_are_private_and_stay(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    seen = set()
    for _ in range(2):
        async with open_daemon(chosen) as daemon:
            assert daemon.token == chosen.token_file.read_text().strip()
            assert daemon.context.secret_key == chosen.secret_key_file.read_bytes()
            seen.add((daemon.token, daemon.context.secret_key))
            assert daemon.token not in repr(daemon.context)
            assert repr(daemon.context.secret_key) not in repr(daemon.context)
    assert len(seen) == 1
    for file in (chosen.token_file, chosen.secret_key_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_capacity_is_the_machine_less_the_reserve_times_the_overcommit(tmp_path: Path) -> None:
    """IT-L03."""
    plain = capacity_of(settings(tmp_path, reserved_memory_gib=0))
    reserved = capacity_of(settings(tmp_path, reserved_memory_gib=1, cpu_overcommit=2))
    assert plain.memory_mib - reserved.memory_mib == 1024
    assert reserved.cpu_milli == 2 * plain.cpu_milli == 2000 * len(os.sched_getaffinity(0))


def test_own_flavors_are_offered(tmp_path: Path) -> None:
    """IT-L01."""
    chosen = settings(tmp_path, flavors=[{"name": "tiny", "vcpus": 1, "memory_gib": 1}])
    assert "tiny" in {flavor.name for flavor in flavors_of(chosen, capacity_of(chosen), Inventory())}


def test_settings_come_from_the_file_and_variables_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('port = 1234\nregion = "file"\n[nas.data]\npath = "/mnt/data"\nread_only = true\n')
    monkeypatch.setenv("EASYMAKER_LOCAL_CONFIG", str(file))
    monkeypatch.setenv("EASYMAKER_LOCAL_REGION", "variable")
    found = load_settings()
    assert (found.port, found.region, found.nas["data"].read_only) == (1234, "variable", True)


@pytest.mark.parametrize("text", ["port = 'x'", "unknown = 1", "port = ", "cpu_overcommit = 0"])
def test_wrong_settings_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text + "\n")
    monkeypatch.setenv("EASYMAKER_LOCAL_CONFIG", str(file))
    with pytest.raises(DaemonError) as caught:
        load_settings()
    assert text.split()[0] in str(caught.value) or str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("ports", "fault"),
    [
        ({"port": 10443}, "gateway_port: Value error, 10443 is that of port already"),
        ({"port": 1, "gateway_port": 2, "gateway_http_port": 1}, "gateway_http_port: Value error, 1 is that of port already"),
        ({"gateway_http_port": 10443}, "gateway_http_port: Value error, 10443 is that of gateway_port already"),
    ],
)
def test_no_two_listen_on_one_port(ports: dict[str, int], fault: str) -> None:
    """Whoever gives a port twice is told so, and not that it is in use."""
    with pytest.raises(DaemonError, match=fault):
        load_settings(**ports)
    load_settings(port=0, gateway_port=0, gateway_http_port=0)
