"""The docker driver on a real engine: the shared suite, and what only containers can do or suffer."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from easymaker_local.drivers.base import Driver, Mount, Phase, Resources
from easymaker_local.drivers.docker import DockerDriver
from easymaker_local.drivers.docker_container import EngineFacts, User, observation
from easymaker_local.drivers.docker_engine import connect, engine_answers, translate
from easymaker_local.errors import EasyMakerError, EngineUnavailable, PermanentError, TransientError
from easymaker_local.testing.appliance import PATIENCE_SECONDS
from easymaker_local.testing.driver_suite import (
    CLIENT,
    SERVER,
    DriverSuite,
    MakeWorkload,
    eventually,
    exited,
)
from easymaker_local.testing.engine import BASE_IMAGE, discard_install, docker_host


@pytest.fixture
def client() -> Iterator[docker.APIClient]:
    """The engine as an outsider sees it."""
    client = connect(docker_host())
    yield client
    client.close()


@pytest.mark.docker
class TestDockerDriver(DriverSuite):
    @pytest.fixture
    def new_driver(self) -> Iterator[Callable[[str], Driver]]:
        host = docker_host()
        installs = set()

        def new(install_id: str) -> Driver:
            installs.add(install_id)
            return DockerDriver(host, install_id)

        yield new
        for install_id in installs:
            discard_install(install_id)

    @pytest.fixture
    def environment(self) -> str:
        return BASE_IMAGE

    @pytest.fixture
    def gap_since(self, client: docker.APIClient) -> Callable[[float], bool]:
        """Before version 28 the engine lets networks reach each other while it makes another, here for another test."""
        if int(client.version()["Version"].split(".")[0]) >= 28:
            return lambda _: False

        def gap_since(begun_at: float) -> bool:
            # A network is announced when it is complete, which is some time after the gap.
            until = time.time() + PATIENCE_SECONDS
            made = client.events(since=begun_at, until=until, filters={"type": "network", "event": "create"}, decode=True)
            try:
                return any(made)
            finally:
                made.close()

        return gap_since

    @pytest.fixture
    def container(self, install_id: str) -> str:
        """What the engine calls ``job-1``."""
        return f"easymaker-{install_id}-job-1"

    # Behind our back

    async def test_container_removed_by_somebody_is_absent(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, container: str
    ) -> None:
        await driver.start(make("time.sleep(60)"))
        client.remove_container(container, force=True)
        assert (await driver.observe("job-1")).phase is Phase.ABSENT
        assert list(await driver.owned()) == []

    async def test_container_killed_by_somebody_did_not_run_out_of_memory(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, container: str
    ) -> None:
        await driver.start(make("time.sleep(60)"))
        client.kill(container)
        seen = await exited(driver, "job-1")
        assert (seen.exit_code, seen.signal, seen.out_of_memory) == (137, 9, False)

    async def test_container_that_is_not_ours_is_left_alone(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, container: str
    ) -> None:
        client.create_container(BASE_IMAGE, ["true"], name=container)
        try:
            with pytest.raises(PermanentError, match="not ours"):
                await driver.start(make("pass"))
            assert client.inspect_container(container)["State"]["Status"] == "created"
        finally:
            client.remove_container(container)

    async def test_crash_between_create_and_start_heals(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, container: str, install_id: str
    ) -> None:
        labels = {"easymaker.install": install_id, "easymaker.workload": "job-1"}
        client.create_container(BASE_IMAGE, ["sh", "-c", "exit 3"], name=container, labels=labels)
        assert (await driver.observe("job-1")).phase is Phase.STARTING
        await driver.start(make("sys.exit(4)"))
        assert (await exited(driver, "job-1")).exit_code == 3

    async def test_container_that_never_ran_can_be_stopped(
        self, driver: Driver, client: docker.APIClient, container: str, install_id: str
    ) -> None:
        labels = {"easymaker.install": install_id, "easymaker.workload": "job-1"}
        client.create_container(BASE_IMAGE, ["true"], name=container, labels=labels)
        await driver.stop("job-1", 60)
        assert (await driver.observe("job-1")).phase is Phase.ABSENT

    async def test_paused_container_still_counts_as_running(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, container: str
    ) -> None:
        await driver.start(make("time.sleep(60)"))
        client.pause(container)
        assert (await driver.observe("job-1")).phase is Phase.RUNNING
        await driver.stop("job-1", 0)
        assert (await exited(driver, "job-1")).exit_code in (137, 143)

    async def test_pruned_network_is_made_again(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, install_id: str
    ) -> None:
        await driver.start(make("pass"))
        await exited(driver, "job-1")
        await driver.remove("job-1")
        client.remove_network(f"easymaker-{install_id}")
        await driver.start(make("sys.exit(3)"))
        assert (await exited(driver, "job-1")).exit_code == 3

    async def test_network_made_by_many_at_once_is_one(
        self, driver: Driver, again: Callable[[], Driver], client: docker.APIClient, install_id: str, networks: list[str]
    ) -> None:
        networks.append("one")
        others = [again() for _ in range(4)]
        opened = await asyncio.gather(*(one.open_network("one", ("a", "b"), ("main",)) for one in (driver, *others)))
        assert all(found == opened[0] for found in opened)
        assert len(client.networks(names=[f"easymaker-{install_id}-one"])) == 1

    # What cannot be started

    async def test_missing_image_is_named(self, driver: Driver, make: MakeWorkload) -> None:
        with pytest.raises(PermanentError, match="easymaker-local/no-such:1 is not on this machine"):
            await driver.start(make("", environment="easymaker-local/no-such:1"))
        assert (await driver.observe("job-1")).phase is Phase.ABSENT

    async def test_missing_mount_is_refused_and_not_made(self, driver: Driver, make: MakeWorkload, tmp_path: Path) -> None:
        missing = tmp_path / "missing"
        with pytest.raises(PermanentError, match="missing"):
            await driver.start(make("", mounts=(Mount(missing, Path("/data")),)))
        assert not missing.exists()

    async def test_network_has_to_be_opened_first(self, driver: Driver, make: MakeWorkload) -> None:
        with pytest.raises(TransientError, match="network"):
            await driver.start(make("", network="never-opened", member="node-0"))

    async def test_network_in_use_is_not_closed(self, driver: Driver, make: MakeWorkload, networks: list[str]) -> None:
        networks.append("one")
        await driver.open_network("one", ("node-0", "node-1"), ("main",))
        await driver.start(make("time.sleep(60)", network="one", member="node-0"))
        with pytest.raises(TransientError, match="in use"):
            await driver.close_network("one")

    # What the container may do

    async def test_user_owns_what_the_workload_writes(
        self, make: MakeWorkload, workdir: Path, tmp_path: Path, install_id: str
    ) -> None:
        """Also what had to be made for a mount inside another one."""
        if os.geteuid() != 0:
            pytest.skip("only root can try another user")
        os.chown(workdir, 12345, 12346)
        data = tmp_path / "data"
        data.mkdir()
        (data / "input").write_text("x")
        mounts = (
            Mount(workdir, Path("/job"), read_only=False),
            Mount(data, Path("/job/dataset/one")),
            Mount(data / "input", Path("/job/files/input")),
        )
        code = """
import getpass, json
open("out", "w").write("x")
print(json.dumps([os.getuid(), os.getgid(), getpass.getuser(), os.path.expanduser("~"), os.listdir("dataset/one")]))
"""
        driver = DockerDriver(docker_host(), install_id, uid=12345, gid=12346)
        try:
            workload = make(code, mounts=mounts, working_directory=Path("/job"))
            await driver.start(workload)
            assert (await exited(driver, "job-1")).exit_code == 0
        finally:
            await driver.close()
            discard_install(install_id)
        assert json.loads(workload.log_path.read_text()) == [12345, 12346, "easymaker", "/tmp", ["input"]]
        assert owners(workload.log_path, workdir) == [(12345, 12346)] * 6

    async def test_no_privileges(self, driver: Driver, make: MakeWorkload) -> None:
        workload = make("print(open('/proc/self/status').read())")
        await driver.start(workload)
        await exited(driver, "job-1")
        status = dict(line.split(":\t", 1) for line in workload.log_path.read_text().splitlines() if ":\t" in line)
        assert status["NoNewPrivs"] == "1"
        assert {int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}

    async def test_limits_reach_the_engine(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, container: str, install_id: str
    ) -> None:
        resources = Resources(cpus=0.5, memory_bytes=300 << 20, shm_bytes=70 << 20, max_processes=99)
        await driver.start(make("time.sleep(60)", resources=resources, labels={"easymaker.kind": "training"}))
        inspected = client.inspect_container(container)
        host = inspected["HostConfig"]
        assert host["NanoCpus"] == 500_000_000
        assert host["Memory"] == host["MemorySwap"] == 300 << 20
        assert host["ShmSize"] == 70 << 20
        assert host["PidsLimit"] == 99
        assert host["Init"] is True
        assert not host["AutoRemove"]
        assert host["RestartPolicy"]["Name"] in ("", "no")
        assert not host["PortBindings"]
        assert not host["Privileged"]
        labels = inspected["Config"]["Labels"]
        assert labels["easymaker.kind"] == "training"
        assert (labels["easymaker.install"], labels["easymaker.workload"]) == (install_id, "job-1")

    async def test_more_cpus_than_the_machine_has_are_all_of_them(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, container: str
    ) -> None:
        await driver.start(make("pass", resources=Resources(cpus=10_000, memory_bytes=1 << 30)))
        assert client.inspect_container(container)["HostConfig"]["NanoCpus"] == client.info()["NCPU"] * 1_000_000_000

    async def test_gpus_are_those_that_were_granted(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, container: str
    ) -> None:
        gpus = ("GPU-11111111-aaaa", "GPU-22222222-bbbb")
        resources = Resources(cpus=1, memory_bytes=1 << 30, gpus=gpus)
        workload = make("pass", resources=resources, env={"NVIDIA_VISIBLE_DEVICES": "all"})
        try:
            await driver.start(workload)
        except PermanentError as error:  # an engine without NVIDIA's hook, or one whose hook knows these GPUs not
            assert "device driver" in str(error) or "GPU-11111111" in str(error)
        inspected = client.inspect_container(container)
        requests = inspected["HostConfig"]["DeviceRequests"]
        assert [(one["DeviceIDs"], one["Capabilities"]) for one in requests] == [(list(gpus), [["gpu"]])]
        assert "NVIDIA_VISIBLE_DEVICES=all" not in inspected["Config"]["Env"]

    async def test_without_a_grant_no_gpu_is_visible(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, container: str
    ) -> None:
        await driver.start(make("pass", env={"NVIDIA_VISIBLE_DEVICES": "all"}))
        inspected = client.inspect_container(container)
        assert not inspected["HostConfig"]["DeviceRequests"]
        assert "NVIDIA_VISIBLE_DEVICES=void" in inspected["Config"]["Env"]

    async def test_jobs_without_a_network_do_not_reach_each_other(
        self, driver: Driver, make: MakeWorkload, client: docker.APIClient, install_id: str, workdir: Path
    ) -> None:
        await driver.start(make(SERVER, "", "29500", name="server"))
        await eventually((workdir / "server.ready").exists, "the server listens")
        networks = client.inspect_container(f"easymaker-{install_id}-server")["NetworkSettings"]["Networks"]
        assert list(networks) == [f"easymaker-{install_id}"]
        address = networks[f"easymaker-{install_id}"]["IPAddress"]
        # The server itself gets through, so that the address is proved right.
        own = client.exec_create(
            f"easymaker-{install_id}-server",
            ["python3", "-c", "import sys, time\n" + CLIENT, address, "29500"],
        )
        assert client.exec_start(own) == b"hello\n"
        await driver.start(make(CLIENT, address, "29500", "2", name="stranger"))
        assert (await exited(driver, "stranger")).exit_code == 1

    async def test_who_has_no_peers_takes_no_address_range(
        self, driver: Driver, client: docker.APIClient, install_id: str
    ) -> None:
        """An engine has about thirty ranges for networks: not a limit for servers, of which each asks for ports."""
        for number in range(40):
            ports = await driver.open_network(f"server-{number}", ("main",), ("http", "grpc"))
            assert {port: address.port for port, address in ports["main"].items()} == {"http": 29500, "grpc": 29501}
        assert client.networks(filters={"label": f"easymaker.install={install_id}"}) == []

    async def test_members_know_each_other_by_short_names_too(
        self, driver: Driver, make: MakeWorkload, networks: list[str]
    ) -> None:
        networks.append("one")
        await driver.open_network("one", ("node-0", "node-1"), ("main",))
        await driver.start(make("time.sleep(60)", name="first", network="one", member="node-0"))
        code = "import socket; print(socket.gethostname(), socket.gethostbyname('node-0') != '')"
        second = make(code, name="second", network="one", member="node-1")
        await driver.start(second)
        assert (await exited(driver, "second")).exit_code == 0
        assert second.log_path.read_text() == "node-1 True\n"

    # Coming and going

    async def test_exits_are_announced_again_after_the_engine_was_away(
        self, driver: Driver, make: MakeWorkload, install_id: str, door: Door
    ) -> None:
        await door.open()
        watching = DockerDriver(door.address, install_id)
        announced: asyncio.Queue[str] = asyncio.Queue()
        watching.watch(announced.put_nowait)
        try:
            await driver.start(make("pass", name="before"))
            assert await asyncio.wait_for(announced.get(), PATIENCE_SECONDS) == "before"
            await door.shut()
            # Nobody listens when this one ends.
            await driver.start(make("pass", name="meanwhile"))
            await exited(driver, "meanwhile")
            await door.open()
            await driver.start(make("pass", name="after"))
            missing = {"meanwhile", "after"}
            while missing:
                missing.discard(await asyncio.wait_for(announced.get(), PATIENCE_SECONDS))
        finally:
            await watching.close()
        # A connection that was cut ends its thread soon, not at once.
        await eventually(lambda: all(thread.name != "docker-stream" for thread in threading.enumerate()), "the stream's end")

    # The SDK leaves the socket of a failed connection to the garbage collector.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    async def test_grace_period_ends_although_the_engine_was_away(
        self, driver: Driver, make: MakeWorkload, install_id: str, door: Door, workdir: Path
    ) -> None:
        await door.open()
        behind = DockerDriver(door.address, install_id)
        try:
            await driver.start(make("signal.signal(15, signal.SIG_IGN); hold('main'); time.sleep(60)"))
            await eventually((workdir / "main.ready").exists, "the program runs")
            await behind.stop("job-1", 0.3)
            await door.shut()
            assert (await behind.observe("job-1")).phase is Phase.UNKNOWN
            await asyncio.sleep(0.4)
            assert (await driver.observe("job-1")).phase is Phase.RUNNING
            await door.open()
            assert (await exited(driver, "job-1")).exit_code == 137
        finally:
            await behind.close()
            gc.collect()

    async def test_removing_at_once_is_calm(self, driver: Driver, make: MakeWorkload) -> None:
        await driver.start(make("time.sleep(60)"))
        await asyncio.gather(*(driver.remove("job-1") for _ in range(4)))
        assert (await driver.observe("job-1")).phase is Phase.ABSENT

    @pytest.fixture
    async def door(self, tmp_path: Path) -> AsyncIterator[Door]:
        host = docker_host() or "unix:///var/run/docker.sock"
        if not host.startswith("unix://"):
            pytest.skip("needs an engine on a unix socket")
        door = Door(Path(host.removeprefix("unix://")), tmp_path / "door.sock")
        yield door
        await door.shut()


class Door:
    """A way to the engine's socket that can be shut, as a restarting engine does it."""

    def __init__(self, engine: Path, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"unix://{self._path}"

    async def open(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._pass_on, self._path)

    async def shut(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine_reader, engine_writer = await asyncio.open_unix_connection(self._engine)
        self._writers |= {writer, engine_writer}
        for source, target in ((reader, engine_writer), (engine_reader, writer)):
            task = asyncio.create_task(self._copy(source, target))
            self._tasks.add(task)

    @staticmethod
    async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        finally:
            target.close()
            await target.wait_closed()


def owners(file: Path, tree: Path) -> list[tuple[int, int]]:
    """Return who owns the file and what is in the tree."""
    return [(path.stat().st_uid, path.stat().st_gid) for path in (file, *tree.rglob("*"))]


class TestEngineAway:
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.mark.anyio
    async def test_is_told_at_once(self, tmp_path: Path) -> None:
        driver = DockerDriver(f"unix://{tmp_path}/nobody.sock", "abc")
        begun = time.monotonic()
        with pytest.raises(EngineUnavailable):
            await driver.owned()
        with pytest.raises(EngineUnavailable):
            await driver.stop("job-1", 0)
        with pytest.raises(EngineUnavailable):
            await driver.open_network("one", ("node-0", "node-1"), ("main",))
        seen = await driver.observe("job-1")
        await driver.close()
        assert time.monotonic() - begun < 2
        assert seen.phase is Phase.UNKNOWN
        assert "does not answer" in (seen.message or "")

    def test_has_no_version(self, tmp_path: Path) -> None:
        assert engine_answers(f"unix://{tmp_path}/nobody.sock") is None

    @pytest.mark.docker
    def test_an_engine_that_answers_has_one(self, client: docker.APIClient) -> None:
        assert engine_answers(docker_host()) == client.version()["Version"]


def api_error(status: int, words: str) -> docker.errors.APIError:
    response = requests.Response()
    response.status_code = status
    return docker.errors.APIError("failed", response, words)


@pytest.mark.parametrize(
    ("error", "expected", "says"),
    [
        (requests.exceptions.ConnectionError("refused"), EngineUnavailable, "refused"),
        (requests.exceptions.ReadTimeout("silent"), EngineUnavailable, "silent"),
        (OSError("no socket"), EngineUnavailable, "no socket"),
        (docker.errors.DockerException("no version"), EngineUnavailable, "no version"),
        (docker.errors.ImageNotFound("x", explanation="No such image: a:1"), PermanentError, "a:1"),
        (api_error(400, "bad mount"), PermanentError, "bad mount"),
        (api_error(500, "disk is slow"), TransientError, "disk is slow"),
        (api_error(500, 'could not select device driver "" with capabilities: [[gpu]]'), PermanentError, "gpu"),
        (api_error(500, "OCI runtime create failed: chdir"), PermanentError, "chdir"),
        (
            api_error(404, "could not find an available, non-overlapping IPv4 address pool among the defaults"),
            TransientError,
            "docker network prune",
        ),
        (api_error(500, "all predefined address pools have been fully subnetted"), TransientError, "address range"),
    ],
)
def test_errors_say_whether_to_try_again(error: Exception, expected: type[EasyMakerError], says: str) -> None:
    translated = translate(error)
    assert type(translated) is expected
    assert says in str(translated)


STARTED = "2026-01-02T03:04:05.123456789Z"
NEVER = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("state", "phase", "exit_code", "signal", "out_of_memory"),
    [
        ({"Status": "created"}, Phase.STARTING, None, None, False),
        ({"Status": "running", "StartedAt": STARTED}, Phase.RUNNING, None, None, False),
        ({"Status": "restarting", "StartedAt": STARTED}, Phase.RUNNING, None, None, False),
        ({"Status": "exited", "StartedAt": STARTED, "ExitCode": 0}, Phase.EXITED, 0, None, False),
        ({"Status": "exited", "StartedAt": STARTED, "ExitCode": 255}, Phase.EXITED, 255, None, False),
        ({"Status": "exited", "StartedAt": STARTED, "ExitCode": 128}, Phase.EXITED, 128, None, False),
        ({"Status": "exited", "StartedAt": STARTED, "ExitCode": 137, "OOMKilled": True}, Phase.EXITED, 137, 9, True),
        # A helper process ran out of memory and the program coped.
        ({"Status": "exited", "StartedAt": STARTED, "ExitCode": 0, "OOMKilled": True}, Phase.EXITED, 0, None, False),
        ({"Status": "dead", "StartedAt": STARTED, "ExitCode": 1}, Phase.EXITED, 1, None, False),
        # Removed before it ever ran: no exit code, least of all a success.
        ({"Status": "removing", "StartedAt": NEVER, "ExitCode": 0}, Phase.EXITED, None, None, False),
        ({"Status": "levitating"}, Phase.UNKNOWN, None, None, False),
    ],
)
def test_states_of_the_engine(
    state: dict[str, Any], phase: Phase, exit_code: int | None, signal: int | None, out_of_memory: bool
) -> None:
    seen = observation({"State": state})
    assert (seen.phase, seen.exit_code, seen.signal, seen.out_of_memory) == (phase, exit_code, signal, out_of_memory)


def test_times_of_the_engine() -> None:
    seen = observation({"State": {"Status": "exited", "ExitCode": 0, "StartedAt": STARTED, "FinishedAt": NEVER}})
    assert seen.started_at == pytest.approx(1767323045.123456, abs=1e-6)
    assert seen.finished_at is None


def test_facts_of_the_engine() -> None:
    ordinary = EngineFacts.of({"NCPU": 4, "InitCommit": {"ID": "de40ad0"}, "SecurityOptions": ["name=seccomp,profile=default"]})
    assert ordinary == EngineFacts(cpus=4, has_init=True, is_rootless=False)
    assert User(1000, 1001).in_container(ordinary) == "1000:1001"
    bare = EngineFacts.of({"NCPU": 4, "InitCommit": {"ID": "N/A"}, "SecurityOptions": ["name=rootless"]})
    assert not bare.has_init
    assert User(1000, 1001).in_container(bare) == "0:0"


def test_install_ids_cannot_reach_into_each_other() -> None:
    with pytest.raises(ValueError, match="a-b"):
        DockerDriver(None, "a-b")
