"""What every driver must do: subclass ``DriverSuite`` and override ``new_driver`` and ``environment``.

The tests see a workload's processes through locks: one that lives holds ``flock`` on a file of the working directory, which
tells the truth across containers, sessions and orphans without knowing a pid.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import anyio
import pytest

from easymaker_local.drivers.base import Address, Driver, Mount, Observation, Phase, Resources, Workload
from easymaker_local.testing.appliance import PATIENCE_SECONDS

MOST_GAPS = 4
"""How many attempts on a private network may be repeated because they fell into a gap (see ``gap_since``)."""

HOLD = """
import fcntl, os, signal, sys, time
def hold(name):
    global held
    held = open(name, "w")
    fcntl.flock(held, fcntl.LOCK_EX)
    open(name + ".ready", "w").close()
def wait_for(name):
    for _ in range(6000):
        if os.path.exists(name):
            return
        time.sleep(0.01)
    sys.exit(name + " never came")
"""
"""Put before snippets: ``hold`` shows that this process lives, ``wait_for`` lets the test decide when to go on."""


class MakeWorkload(Protocol):
    """Builds a workload that runs a Python snippet in the working directory; keywords replace any other field."""

    def __call__(self, code: str, *arguments: str, name: str = "job-1", **changes: Any) -> Workload: ...


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for something outside of this process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.02)


async def exited(driver: Driver, name: str) -> Observation:
    """Wait for the end of a workload and return the observation of it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (seen := await driver.observe(name)).phase is not Phase.EXITED:
        assert seen.phase in (Phase.STARTING, Phase.RUNNING), seen
        assert time.monotonic() < deadline, f"{name} does not end: {seen}"
        await asyncio.sleep(0.02)
    return seen


def is_held(path: Path) -> bool:
    """Say whether a living process holds the lock that ``hold`` takes."""
    with path.open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class DriverSuite:
    """The contract of ``drivers/base.py`` as tests."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def new_driver(self) -> Callable[[str], Driver]:
        """Override: return a function that makes a driver object for an install id, on one state per test."""
        raise NotImplementedError

    @pytest.fixture
    def environment(self) -> str:
        """Override: return an environment with ``python3`` on its PATH."""
        raise NotImplementedError

    @pytest.fixture
    def workdir(self, tmp_path: Path) -> Path:
        """A directory that workloads see at the same path, writable. Override to place it elsewhere."""
        path = tmp_path / "work"
        path.mkdir()
        return path

    @pytest.fixture
    def install_id(self) -> str:
        return "suite" + secrets.token_hex(4)

    @pytest.fixture
    async def drivers(self, new_driver: Callable[[str], Driver]) -> AsyncIterator[Callable[[str], Driver]]:
        """``new_driver``, cleaning up: at the end every workload is removed and every driver object closed."""
        made: list[tuple[str, Driver]] = []

        def make(install_id: str) -> Driver:
            made.append((install_id, new_driver(install_id)))
            return made[-1][1]

        yield make
        for install_id in {install_id for install_id, _ in made}:
            cleaner = make(install_id)
            for name in await cleaner.owned():
                await cleaner.remove(name)
        for _, driver in made:
            await driver.close()

    @pytest.fixture
    async def driver(self, drivers: Callable[[str], Driver], install_id: str) -> Driver:
        return drivers(install_id)

    @pytest.fixture
    async def again(self, drivers: Callable[[str], Driver], install_id: str) -> Callable[[], Driver]:
        """Makes a new driver object on the same state, as a restarted daemon does."""
        return lambda: drivers(install_id)

    @pytest.fixture
    async def networks(self, driver: Driver) -> AsyncIterator[list[str]]:
        """Names of networks to close when the test's workloads are gone."""
        names: list[str] = []
        yield names
        for name in await driver.owned():
            await driver.remove(name)
        for name in names:
            await driver.close_network(name)

    @pytest.fixture
    def gap_since(self) -> Callable[[float], bool]:
        """Override where networks are not kept apart at every moment: return a function that says whether there has been such
        a moment since a time (seconds of the epoch), for which the driver is not to blame. It may block.
        """
        return lambda _: False

    @pytest.fixture
    def make(self, environment: str, workdir: Path, tmp_path: Path) -> MakeWorkload:
        logs = tmp_path / "logs"
        logs.mkdir()

        def make(code: str, *arguments: str, name: str = "job-1", **changes: Any) -> Workload:
            workload = Workload(
                name=name,
                environment=environment,
                command=("python3", "-c", HOLD + code, *arguments),
                log_path=logs / f"{name}.log",
                resources=Resources(cpus=1, memory_bytes=1 << 30),
                working_directory=workdir,
                mounts=(Mount(workdir, workdir, read_only=False),),
            )
            return replace(workload, **changes)

        return make

    # How it ended

    @pytest.mark.parametrize("code", [0, 3, 255])
    async def test_exit_code_is_the_programs(self, driver: Driver, make: MakeWorkload, code: int) -> None:
        before = time.time()
        await driver.start(make(f"sys.exit({code})"))
        seen = await exited(driver, "job-1")
        assert (seen.exit_code, seen.signal, seen.out_of_memory) == (code, None, False)
        assert seen.started_at is not None
        assert seen.finished_at is not None
        assert before - 1 <= seen.started_at <= seen.finished_at <= time.time() + 1

    @pytest.mark.parametrize("number", [9, 11, 15])
    async def test_death_by_signal_is_told_apart(self, driver: Driver, make: MakeWorkload, number: int) -> None:
        await driver.start(make(f"signal.signal(11, signal.SIG_DFL); os.kill(os.getpid(), {number}); time.sleep(60)"))
        seen = await exited(driver, "job-1")
        assert (seen.exit_code, seen.signal, seen.out_of_memory) == (128 + number, number, False)

    async def test_unknown_command_ends_with_127_and_a_reason(self, driver: Driver, make: MakeWorkload) -> None:
        workload = make("", command=("no-such-program-here", "argument"))
        await driver.start(workload)
        assert (await exited(driver, "job-1")).exit_code == 127
        assert "no-such-program-here" in workload.log_path.read_text()

    async def test_file_that_is_no_program_ends_with_126_and_a_reason(
        self, driver: Driver, make: MakeWorkload, workdir: Path
    ) -> None:
        (workdir / "data.txt").write_text("no program\n")
        workload = make("", command=(str(workdir / "data.txt"),))
        await driver.start(workload)
        assert (await exited(driver, "job-1")).exit_code == 126
        assert "data.txt" in workload.log_path.read_text()

    async def test_absence_is_an_answer(self, driver: Driver) -> None:
        assert (await driver.observe("never-started")).phase is Phase.ABSENT

    # Output

    async def test_log_is_in_order_across_both_streams(self, driver: Driver, make: MakeWorkload) -> None:
        workload = make("for n in range(400): os.write(1 + n % 2, b'%d\\n' % n)")
        workload.log_path.write_text("from before\n")
        await driver.start(workload)
        await exited(driver, "job-1")
        assert workload.log_path.read_text().split("\n") == ["from before", *map(str, range(400)), ""]

    async def test_log_is_there_while_the_workload_runs(self, driver: Driver, make: MakeWorkload, workdir: Path) -> None:
        workload = make("print('first', flush=True); wait_for('go')")
        await driver.start(workload)
        await eventually(lambda: "first" in workload.log_path.read_text(), "the line is in the log")
        assert (await driver.observe("job-1")).phase is Phase.RUNNING
        (workdir / "go").touch()
        await exited(driver, "job-1")

    async def test_one_line_and_gone(self, driver: Driver, make: MakeWorkload) -> None:
        workloads = [make("print(sys.argv[1]); sys.exit(4)", f"line {number}", name=f"quick-{number}") for number in range(4)]
        await asyncio.gather(*(driver.start(workload) for workload in workloads))
        for number, workload in enumerate(workloads):
            assert (await exited(driver, workload.name)).exit_code == 4
            assert workload.log_path.read_text() == f"line {number}\n"

    async def test_much_output_without_a_newline_is_whole(self, driver: Driver, make: MakeWorkload) -> None:
        workload = make("for n in range(20): sys.stdout.write(chr(97 + n) * 1_000_000)")
        await driver.start(workload)
        assert (await exited(driver, "job-1")).exit_code == 0
        written = workload.log_path.read_bytes()
        assert len(written) == 20_000_000
        assert all(written[n * 1_000_000 : (n + 1) * 1_000_000].strip(b"%c" % (97 + n)) == b"" for n in range(20))

    # What the program finds

    async def test_environment_is_what_was_asked_for(
        self, driver: Driver, make: MakeWorkload, workdir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DAEMONS_SECRET", "leaked")
        monkeypatch.setenv("PYTHONPATH", "/daemons/own")
        monkeypatch.setenv("EASYMAKER_LOCAL_HOME", "/daemons/home")
        wanted = {
            "PLAIN": "value",
            "EMPTY": "",
            "ODD": "a=b $HOME `x` \"q\" 'q' \\ \n second line ü 한",
            "HOME": str(workdir),
        }
        await driver.start(make("import json; json.dump(dict(os.environ), open('env.json', 'w'))", env=wanted))
        assert (await exited(driver, "job-1")).exit_code == 0
        found: Mapping[str, str] = json.loads((workdir / "env.json").read_text())
        assert {key: found.get(key) for key in wanted} == wanted
        assert "leaked" not in found.values()
        assert found.keys().isdisjoint({"DAEMONS_SECRET", "PYTHONPATH", "EASYMAKER_LOCAL_HOME"})
        assert "/bin" in found["PATH"]

    async def test_programs_find_a_home(self, driver: Driver, make: MakeWorkload, workdir: Path) -> None:
        await driver.start(make("open('home', 'w').write(os.environ['HOME'])"))
        assert (await exited(driver, "job-1")).exit_code == 0
        assert Path((workdir / "home").read_text()).is_absolute()

    async def test_working_directory_and_arguments(self, driver: Driver, make: MakeWorkload, workdir: Path) -> None:
        arguments = ("", "two words", "--flag=$X", "ü\n")
        workload = make("import json; print(json.dumps([os.getcwd(), *sys.argv[1:]]), flush=True)", *arguments)
        await driver.start(workload)
        await exited(driver, "job-1")
        assert json.loads(workload.log_path.read_text()) == [str(workdir), *arguments]

    async def test_standard_input_is_empty(self, driver: Driver, make: MakeWorkload) -> None:
        await driver.start(make("sys.exit(5 if sys.stdin.read() == '' else 6)"))
        assert (await exited(driver, "job-1")).exit_code == 5

    async def test_mounts(self, driver: Driver, make: MakeWorkload, workdir: Path, tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "input.txt").write_text("from the host")
        target = Path("/seen/elsewhere") if driver.capabilities.private_paths else data
        mounts = (Mount(workdir, workdir, read_only=False), Mount(data, target))
        code = "open('copy.txt', 'w').write(open(sys.argv[1] + '/input.txt').read())"
        await driver.start(make(code, str(target), mounts=mounts))
        assert (await exited(driver, "job-1")).exit_code == 0
        assert (workdir / "copy.txt").read_text() == "from the host"

    async def test_read_only_mount_cannot_be_written(
        self, driver: Driver, make: MakeWorkload, workdir: Path, tmp_path: Path
    ) -> None:
        if not driver.capabilities.private_paths:
            pytest.skip("needs private_paths")
        data = tmp_path / "data"
        data.mkdir()
        mounts = (Mount(workdir, workdir, read_only=False), Mount(data, Path("/seen"), read_only=True))
        await driver.start(make("open('/seen/x', 'w')", mounts=mounts))
        assert (await exited(driver, "job-1")).exit_code == 1
        assert list(data.iterdir()) == []

    # Once

    async def test_starting_twice_gives_one_workload(
        self, driver: Driver, again: Callable[[], Driver], make: MakeWorkload, workdir: Path
    ) -> None:
        workload = make("open('runs', 'a').write('x'); wait_for('go'); sys.exit(3)")
        await asyncio.gather(driver.start(workload), driver.start(workload), again().start(workload))
        await driver.start(workload)
        assert list(await driver.owned()) == ["job-1"]
        (workdir / "go").touch()
        ended = await exited(driver, "job-1")
        await driver.start(workload)
        await again().start(workload)
        assert await driver.observe("job-1") == ended
        assert (workdir / "runs").read_text() == "x"

    # Stopping

    async def test_program_that_handles_the_request_ends_in_its_own_way(
        self, driver: Driver, make: MakeWorkload, workdir: Path
    ) -> None:
        await driver.start(make("signal.signal(15, lambda *_: (print('bye'), sys.exit(7))); hold('main'); time.sleep(60)"))
        await eventually((workdir / "main.ready").exists, "the program runs")
        await driver.stop("job-1", PATIENCE_SECONDS)
        seen = await exited(driver, "job-1")
        assert (seen.exit_code, seen.signal) == (7, None)

    async def test_program_that_does_not_care_ends_by_the_request(
        self, driver: Driver, make: MakeWorkload, workdir: Path
    ) -> None:
        await driver.start(make("hold('main'); time.sleep(60)"))
        await eventually((workdir / "main.ready").exists, "the program runs")
        await driver.stop("job-1", PATIENCE_SECONDS)
        seen = await exited(driver, "job-1")
        assert (seen.exit_code, seen.signal) == (143, 15)

    async def test_stubborn_program_is_killed_with_all_its_offspring(
        self, driver: Driver, make: MakeWorkload, workdir: Path
    ) -> None:
        """Also offspring in sessions of their own; and a later, longer grace does not lengthen the first."""
        code = """
signal.signal(15, signal.SIG_IGN)
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        hold("escaped")
        time.sleep(60)
    hold("child")
    time.sleep(60)
hold("main")
time.sleep(60)
"""
        await driver.start(make(code))
        locks = [workdir / name for name in ("main", "child", "escaped")]
        for lock in locks:
            await eventually((lock.parent / f"{lock.name}.ready").exists, f"{lock.name} runs")
        before = time.time()
        await driver.stop("job-1", 1)
        await driver.stop("job-1", 3600)
        assert all(map(is_held, locks))
        seen = await exited(driver, "job-1")
        assert (seen.exit_code, seen.signal, seen.out_of_memory) == (137, 9, False)
        assert seen.finished_at is not None
        assert seen.finished_at >= before + 0.9
        assert not any(map(is_held, locks))

    async def test_stopping_is_calm(self, driver: Driver, make: MakeWorkload) -> None:
        await driver.stop("never-started", 1)
        await driver.start(make("sys.exit(3)"))
        await exited(driver, "job-1")
        await driver.stop("job-1", 1)
        await driver.stop("job-1", 1)
        assert (await driver.observe("job-1")).exit_code == 3

    async def test_what_a_program_leaves_behind_is_gone_at_its_exit(
        self, driver: Driver, make: MakeWorkload, workdir: Path
    ) -> None:
        code = """
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(15, signal.SIG_IGN)
    hold("orphan")
    time.sleep(60)
if os.fork() == 0:
    hold("child")
    time.sleep(60)
wait_for("orphan.ready")
wait_for("child.ready")
os._exit(6)
"""
        await driver.start(make(code))
        assert (await exited(driver, "job-1")).exit_code == 6
        assert not is_held(workdir / "orphan")
        assert not is_held(workdir / "child")

    # Surviving the daemon

    async def test_new_driver_object_knows_what_runs_and_what_ended(
        self, driver: Driver, again: Callable[[], Driver], make: MakeWorkload, workdir: Path
    ) -> None:
        await driver.start(make("wait_for('go'); sys.exit(5)"))
        await driver.close()
        second = again()
        assert (await second.observe("job-1")).phase is Phase.RUNNING
        await second.close()
        (workdir / "go").touch()
        third = again()
        ended = await exited(third, "job-1")
        assert ended.exit_code == 5
        assert await again().observe("job-1") == ended
        assert list(await again().owned()) == ["job-1"]

    async def test_new_driver_object_can_stop(
        self, driver: Driver, again: Callable[[], Driver], make: MakeWorkload, workdir: Path
    ) -> None:
        await driver.start(make("signal.signal(15, signal.SIG_IGN); hold('main'); time.sleep(60)"))
        await eventually((workdir / "main.ready").exists, "the program runs")
        await driver.close()
        await again().stop("job-1", 0.2)
        assert (await exited(again(), "job-1")).exit_code == 137

    async def test_exit_is_announced(self, driver: Driver, make: MakeWorkload) -> None:
        announced: asyncio.Queue[str] = asyncio.Queue()
        driver.watch(announced.put_nowait)
        await driver.start(make("sys.exit(2)"))
        with anyio.fail_after(PATIENCE_SECONDS):
            assert await announced.get() == "job-1"
        assert (await exited(driver, "job-1")).exit_code == 2

    async def test_exit_is_announced_for_workloads_of_an_earlier_driver_object(
        self, driver: Driver, again: Callable[[], Driver], make: MakeWorkload, workdir: Path
    ) -> None:
        await driver.start(make("wait_for('go')"))
        await driver.close()
        second = again()
        announced: asyncio.Queue[str] = asyncio.Queue()
        second.watch(announced.put_nowait)
        assert (await second.observe("job-1")).phase is Phase.RUNNING
        (workdir / "go").touch()
        with anyio.fail_after(PATIENCE_SECONDS):
            assert await announced.get() == "job-1"

    # Forgetting

    async def test_remove_kills_and_forgets_but_keeps_the_log(self, driver: Driver, make: MakeWorkload, workdir: Path) -> None:
        workload = make("signal.signal(15, signal.SIG_IGN); print('kept', flush=True); hold('main'); time.sleep(60)")
        await driver.start(workload)
        await eventually((workdir / "main.ready").exists, "the program runs")
        await driver.remove("job-1")
        assert not is_held(workdir / "main")
        assert (await driver.observe("job-1")).phase is Phase.ABSENT
        assert list(await driver.owned()) == []
        assert workload.log_path.read_text() == "kept\n"
        await driver.remove("job-1")
        await driver.remove("never-started")

    async def test_name_is_free_after_remove(self, driver: Driver, make: MakeWorkload) -> None:
        await driver.start(make("sys.exit(3)"))
        await exited(driver, "job-1")
        await driver.remove("job-1")
        await driver.start(make("sys.exit(4)"))
        assert (await exited(driver, "job-1")).exit_code == 4

    async def test_owned_lists_only_this_installation(
        self, driver: Driver, drivers: Callable[[str], Driver], make: MakeWorkload, workdir: Path
    ) -> None:
        await driver.start(make("wait_for('go')", name="training-1-0-node-0"))
        await driver.start(make("pass", name="ended"))
        await exited(driver, "ended")
        assert sorted(await driver.owned()) == ["ended", "training-1-0-node-0"]
        stranger = drivers("suite" + secrets.token_hex(4))
        assert list(await stranger.owned()) == []
        await stranger.start(make("pass", name="theirs"))
        assert list(await stranger.owned()) == ["theirs"]
        assert (await stranger.observe("training-1-0-node-0")).phase is Phase.ABSENT
        await stranger.stop("training-1-0-node-0", 0)
        await stranger.remove("training-1-0-node-0")
        assert (await driver.observe("training-1-0-node-0")).phase is Phase.RUNNING
        assert sorted(await driver.owned()) == ["ended", "training-1-0-node-0"]
        (workdir / "go").touch()
        assert (await exited(driver, "training-1-0-node-0")).exit_code == 0

    # Limits

    async def test_more_memory_than_granted_is_told_apart(self, driver: Driver, make: MakeWorkload) -> None:
        code = """
taken = []
for _ in range(80):
    taken.append(b"x" * (16 << 20))
    time.sleep(0.02)
time.sleep(60)
"""
        await driver.start(make(code, resources=Resources(cpus=1, memory_bytes=256 << 20)))
        seen = await exited(driver, "job-1")
        assert (seen.exit_code, seen.signal, seen.out_of_memory) == (137, 9, True)

    # Use

    async def test_usage_of_what_runs(self, driver: Driver, make: MakeWorkload, workdir: Path) -> None:
        """GN-L09: memory and CPU time of the whole tree, also of children that have ended."""
        code = """
def work():
    while time.process_time() < 0.4:
        pass
if os.fork() == 0:
    work()
    os._exit(0)
os.wait()
work()
taken = b"x" * (64 << 20)
hold("worked")
wait_for("go on")
"""
        await driver.start(make(code))
        await driver.start(make("pass", name="ended"))
        await exited(driver, "ended")
        await eventually((workdir / "worked.ready").exists, "the job has worked")
        found = await driver.usage(["job-1", "ended", "never"])
        assert list(found) == ["job-1"]
        used = found["job-1"]
        assert used.cpu_seconds >= 0.7  # of 0.8, counted in ticks
        assert used.memory_bytes >= 64 << 20
        assert used.processes is not None
        assert used.processes >= 1
        later = (await driver.usage(["job-1"]))["job-1"]
        assert later.cpu_seconds >= used.cpu_seconds
        (workdir / "go on").touch()
        await exited(driver, "job-1")
        assert await driver.usage(["job-1"]) == {}

    # Networks

    async def test_network_addresses_are_stable_and_distinct(
        self, driver: Driver, again: Callable[[], Driver], networks: list[str]
    ) -> None:
        networks += ["one", "two"]
        first = await driver.open_network("one", ("node-0", "node-1"), ("main", "extra"))
        second = await driver.open_network("two", ("node-0", "node-1"), ("main", "extra"))
        assert await driver.open_network("one", ("node-0", "node-1"), ("main", "extra")) == first
        assert await again().open_network("two", ("node-0", "node-1"), ("main", "extra")) == second
        for network in (first, second):
            assert {member: set(ports) for member, ports in network.items()} == {
                "node-0": {"main", "extra"},
                "node-1": {"main", "extra"},
            }
        addresses = [address for network in (first, second) for ports in network.values() for address in ports.values()]
        assert len(set(addresses)) == 8

    async def test_closing_networks_is_calm(self, driver: Driver) -> None:
        await driver.open_network("one", ("node-0", "node-1"), ("main",))
        await driver.close_network("one")
        await driver.close_network("one")
        await driver.close_network("never-opened")

    async def test_members_reach_each_other(self, driver: Driver, make: MakeWorkload, networks: list[str]) -> None:
        networks.append("one")
        members = await driver.open_network("one", ("server", "client"), ("main",))
        address = members["server"]["main"]
        await driver.start(self.server(make, address, network="one"))
        client = make(CLIENT, address.host, str(address.port), name="client", network="one", member="client")
        await driver.start(client)
        assert (await exited(driver, "client")).exit_code == 0
        assert client.log_path.read_text() == "hello\n"

    async def test_others_do_not_reach_the_members(
        self,
        driver: Driver,
        make: MakeWorkload,
        networks: list[str],
        workdir: Path,
        gap_since: Callable[[float], bool],
    ) -> None:
        """TR-L01: the network of a training's nodes is private."""
        if not driver.capabilities.private_network:
            pytest.skip("needs private_network")
        networks += ["one", "two"]
        address = (await driver.open_network("one", ("server", "asks"), ("main",)))["server"]["main"]
        await driver.open_network("two", ("client", "other"), ("main",))
        await driver.start(self.server(make, address, network="one"))
        await eventually((workdir / "server.ready").exists, "the server listens")
        # By number: a name that does not resolve would prove little.
        code = "open('address', 'w').write(socket.gethostbyname(sys.argv[1]))"
        await driver.start(make("import socket\n" + code, address.host, name="asks", network="one", member="asks"))
        assert (await exited(driver, "asks")).exit_code == 0
        number = (workdir / "address").read_text()
        for attempt in range(MOST_GAPS + 1):
            begun_at = time.time()
            outsider = make(CLIENT, number, str(address.port), "2", name=f"client-{attempt}", network="two", member="client")
            await driver.start(outsider)
            if (await exited(driver, outsider.name)).exit_code == 1:
                break
            # Where nothing keeps the networks apart every attempt gets through, whatever excuse there is for one.
            assert attempt < MOST_GAPS, "the outsider gets through again and again"
            assert await asyncio.to_thread(gap_since, begun_at), "the outsider got through"
        assert "hello" not in outsider.log_path.read_text()

    async def test_this_machine_reaches_a_workload_without_peers(
        self, driver: Driver, again: Callable[[], Driver], make: MakeWorkload, networks: list[str], workdir: Path
    ) -> None:
        networks.append("one")
        port = (await driver.open_network("one", ("server",), ("main",)))["server"]["main"].port
        assert await driver.reach("server", port) is None
        listen = "" if driver.capabilities.private_network else "127.0.0.1"
        await driver.start(make(SERVER, listen, str(port), name="server"))
        await eventually((workdir / "server.ready").exists, "the server listens")
        address = await driver.reach("server", port)
        assert address is not None
        assert await again().reach("server", port) == address
        reader, writer = await asyncio.open_connection(address.host, address.port)
        assert await reader.read() == b"hello"
        writer.close()
        await driver.stop("server", 0)
        await exited(driver, "server")
        assert await driver.reach("server", port) is None

    @staticmethod
    def server(make: MakeWorkload, address: Address, network: str) -> Workload:
        """Greets whoever connects to its address."""
        listen = address.host if address.host == "127.0.0.1" else ""
        return make(SERVER, listen, str(address.port), name="server", network=network, member="server")


SERVER = """
import socket
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as listening:
    hold("server")
    while True:
        connection, _ = listening.accept()
        connection.sendall(b"hello")
        connection.close()
"""

CLIENT = """
import socket
deadline = time.monotonic() + float(sys.argv[3] if len(sys.argv) > 3 else 20)
while time.monotonic() < deadline:
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2) as connection:
            print(connection.makefile().read())
            sys.exit(0)
    except OSError:
        time.sleep(0.05)
sys.exit(1)
"""
