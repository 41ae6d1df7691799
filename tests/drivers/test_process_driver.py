"""The shared suite on the process driver, and what only this driver has to survive."""

# Short blocking calls on purpose: nothing else runs in these event loops.
# ruff: noqa: ASYNC220, ASYNC240, ASYNC251

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from easymaker_local.drivers import supervisor
from easymaker_local.drivers.base import Driver, Mount, Phase, Resources
from easymaker_local.drivers.process import ProcessDriver
from easymaker_local.drivers.process_launch import launch
from easymaker_local.drivers.process_records import open_locked
from easymaker_local.errors import PermanentError, TransientError
from easymaker_local.testing.driver_suite import DriverSuite, MakeWorkload, eventually, exited, is_held


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def record(state: Path, install_id: str) -> Path:
    """The directory of the workload ``job-1``."""
    return state / install_id / "workloads" / "job-1"


def supervisor_pid(record: Path) -> int:
    return int(json.loads((record / "supervisor.json").read_text())["pid"])


class TestProcessDriver(DriverSuite):
    @pytest.fixture
    def new_driver(self, state: Path) -> Callable[[str], Driver]:
        return lambda install_id: ProcessDriver(state, install_id)

    @pytest.fixture
    def environment(self) -> str:
        return sys.prefix

    # What the program finds

    async def test_devices_path_and_threads(self, driver: Driver, make: MakeWorkload, workdir: Path) -> None:
        code = "import json; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"
        two = Resources(cpus=2.5, memory_bytes=1 << 30, gpus=("GPU-aa", "GPU-bb"))
        await driver.start(make(code, "two", name="two", resources=two))
        await driver.start(make(code, "none", name="none", env={"OMP_NUM_THREADS": "7", "CUDA_VISIBLE_DEVICES": "0"}))
        assert (await exited(driver, "two")).exit_code == (await exited(driver, "none")).exit_code == 0
        found = {name: json.loads((workdir / name).read_text()) for name in ("two", "none")}
        assert (found["two"]["CUDA_VISIBLE_DEVICES"], found["two"]["OMP_NUM_THREADS"]) == ("GPU-aa,GPU-bb", "2")
        assert (found["none"]["CUDA_VISIBLE_DEVICES"], found["none"]["OMP_NUM_THREADS"]) == ("", "7")
        assert found["two"]["PATH"].split(":")[0] == f"{sys.prefix}/bin"
        assert found["two"]["VIRTUAL_ENV"] == sys.prefix

    async def test_no_environment_means_the_systems_programs(self, driver: Driver, make: MakeWorkload) -> None:
        workload = make("", environment="", command=("sh", "-c", 'echo "$PATH ${VIRTUAL_ENV-none}"'))
        await driver.start(workload)
        assert (await exited(driver, "job-1")).exit_code == 0
        assert workload.log_path.read_text() == "/usr/local/bin:/usr/bin:/bin none\n"

    async def test_what_it_cannot_do_is_refused(self, driver: Driver, make: MakeWorkload, tmp_path: Path) -> None:
        refused = [
            make("", mounts=(Mount(tmp_path, Path("/elsewhere")),)),
            make("", mounts=(Mount(tmp_path / "missing", tmp_path / "missing"),)),
            make("", environment=str(tmp_path / "no-environment")),
            make("", network="never-opened", member="a"),
            make("", log_path=Path("/proc/no-log-here")),
            make("", log_path=Path("/dev/null/no-folder/job.log")),
            make("", name="../outside"),
        ]
        for workload in refused:
            with pytest.raises(PermanentError):
                await driver.start(workload)
        assert (await driver.observe("job-1")).phase is Phase.ABSENT
        await driver.start(make("sys.exit(4)"))
        assert (await exited(driver, "job-1")).exit_code == 4

    async def test_program_that_keeps_forking_is_killed(self, driver: Driver, make: MakeWorkload, workdir: Path) -> None:
        """Every generation leaves before the next kill could meet it, in a session of its own."""
        code = """
signal.signal(15, signal.SIG_IGN)
if os.fork() == 0:
    while True:
        if os.fork():
            os._exit(0)
        os.setsid()
        hold("forking")
hold("main")
time.sleep(60)
"""
        await driver.start(make(code))
        for name in ("main", "forking"):
            await eventually((workdir / f"{name}.ready").exists, f"{name} runs")
        await driver.stop("job-1", 0.1)
        assert (await exited(driver, "job-1")).exit_code == 137
        assert not is_held(workdir / "forking")

    async def test_missing_working_directory_ends_with_126(self, driver: Driver, make: MakeWorkload, tmp_path: Path) -> None:
        workload = make("", working_directory=tmp_path / "missing")
        await driver.start(workload)
        assert (await exited(driver, "job-1")).exit_code == 126
        assert str(tmp_path / "missing") in workload.log_path.read_text()

    async def test_output_of_any_size_is_whole(self, driver: Driver, make: MakeWorkload) -> None:
        workload = make("for _ in range(200): os.write(1, b'x' * 1_000_000)")
        await driver.start(workload)
        assert (await exited(driver, "job-1")).exit_code == 0
        assert workload.log_path.stat().st_size == 200_000_000
        workload.log_path.unlink()

    # Memory

    async def test_memory_of_the_whole_tree_counts(
        self, driver: Driver, make: MakeWorkload, workdir: Path, record: Path
    ) -> None:
        """Three processes of 100 MiB each, one of them an orphan in its own session, where 256 MiB are granted."""
        code = """
for name in ("child", "orphan"):
    if os.fork() == 0:
        if name == "orphan":
            os.setsid()
            if os.fork(): os._exit(0)
        hold(name)
        break
taken = os.urandom(1 << 20) * 100
time.sleep(60)
"""
        await driver.start(make(code, resources=Resources(cpus=1, memory_bytes=256 << 20)))
        seen = await exited(driver, "job-1")
        assert (seen.exit_code, seen.out_of_memory) == (137, True)
        assert seen.message is not None
        assert "256 MiB" in seen.message
        assert not is_held(workdir / "child")
        assert not is_held(workdir / "orphan")
        assert json.loads((record / "exit.json").read_text())["peak_memory_bytes"] > 256 << 20

    async def test_shared_memory_counts_once(self, driver: Driver, make: MakeWorkload, workdir: Path) -> None:
        """Six processes that share 150 MiB seem to use 900 MiB by their resident sizes."""
        code = """
taken = os.urandom(1 << 20) * 150
for number in range(5):
    if os.fork() == 0:
        hold(str(number))
        time.sleep(60)
for number in range(5):
    wait_for(f"{number}.ready")
time.sleep(1)
"""
        await driver.start(make(code, resources=Resources(cpus=1, memory_bytes=400 << 20)))
        assert (await exited(driver, "job-1")).exit_code == 0

    # Supervisors that die

    async def test_killed_supervisor_takes_its_command_along(
        self, driver: Driver, again: Callable[[], Driver], make: MakeWorkload, workdir: Path, record: Path
    ) -> None:
        """The command dies at once; an escaped descendant keeps the workload RUNNING until ``stop`` ends it."""
        code = """
if os.fork() == 0:
    os.setsid()
    hold("escaped")
    time.sleep(60)
hold("main")
time.sleep(60)
"""
        await driver.start(make(code))
        for name in ("main", "escaped"):
            await eventually((workdir / f"{name}.ready").exists, f"{name} runs")
        os.kill(supervisor_pid(record), signal.SIGKILL)
        await eventually(lambda: not is_held(workdir / "main"), "the command is dead")
        seen = await driver.observe("job-1")
        assert seen.phase is Phase.RUNNING
        assert seen.message is not None
        assert "killed from outside" in seen.message
        assert is_held(workdir / "escaped")
        await again().stop("job-1", 60)
        assert not is_held(workdir / "escaped")
        lost = await exited(driver, "job-1")
        assert (lost.exit_code, lost.signal) == (None, None)
        assert lost.message is not None
        assert lost.message.startswith("Lost")
        await driver.start(make("sys.exit(0)"))
        assert (await driver.observe("job-1")).exit_code is None

    async def test_watching_driver_clears_up_after_a_killed_supervisor(
        self, driver: Driver, make: MakeWorkload, workdir: Path, record: Path
    ) -> None:
        announced: asyncio.Queue[str] = asyncio.Queue()
        driver.watch(announced.put_nowait)
        await driver.start(make("if os.fork() == 0: os.setsid()\nhold(str(os.getpid()))\ntime.sleep(60)"))
        await eventually(lambda: len(list(workdir.glob("*.ready"))) == 2, "both run")
        os.kill(supervisor_pid(record), signal.SIGKILL)
        assert await asyncio.wait_for(announced.get(), 20) == "job-1"
        seen = await driver.observe("job-1")
        assert (seen.phase, seen.exit_code) == (Phase.EXITED, None)
        assert not any(is_held(path.with_suffix("")) for path in workdir.glob("*.ready"))

    async def test_remove_after_a_killed_supervisor_leaves_nothing(
        self, driver: Driver, make: MakeWorkload, workdir: Path, record: Path
    ) -> None:
        await driver.start(make("if os.fork() == 0: os.setsid()\nhold(str(os.getpid()))\ntime.sleep(60)"))
        await eventually(lambda: len(list(workdir.glob("*.ready"))) == 2, "both run")
        os.kill(supervisor_pid(record), signal.SIGKILL)
        await driver.remove("job-1")
        assert not any(is_held(path.with_suffix("")) for path in workdir.glob("*.ready"))
        assert (await driver.observe("job-1")).phase is Phase.ABSENT

    async def test_supervisor_asked_to_end_by_others_ends_the_command_orderly(
        self, driver: Driver, make: MakeWorkload, workdir: Path, record: Path
    ) -> None:
        await driver.start(make("signal.signal(15, lambda *_: sys.exit(9)); hold('main'); time.sleep(60)"))
        await eventually((workdir / "main.ready").exists, "the program runs")
        os.kill(supervisor_pid(record), signal.SIGTERM)
        seen = await exited(driver, "job-1")
        assert seen.exit_code == 9
        assert seen.message is not None

    @pytest.mark.parametrize("field", ["start_ticks", "boot_id"])
    async def test_recycled_pid_is_not_ours(
        self, driver: Driver, make: MakeWorkload, record: Path, workdir: Path, field: str
    ) -> None:
        """A stranger now has the pid that the record names: it is not observed as ours, and survives stop and remove."""
        await driver.start(make("pass"))
        await exited(driver, "job-1")
        (record / "exit.json").unlink()
        with subprocess.Popen(["sleep", "60"]) as stranger:
            ticks = int(Path(f"/proc/{stranger.pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
            known = json.loads((record / "supervisor.json").read_text()) | {"pid": stranger.pid, "start_ticks": ticks}
            (record / "supervisor.json").write_text(json.dumps(known))
            assert (await driver.observe("job-1")).phase is Phase.RUNNING  # so it is the pair that decides below
            known[field] = ticks - 1 if field == "start_ticks" else "another-boot"
            (record / "supervisor.json").write_text(json.dumps(known))
            seen = await driver.observe("job-1")
            assert (seen.phase, seen.exit_code) == (Phase.EXITED, None)
            await driver.stop("job-1", 0)
            await driver.remove("job-1")
            assert stranger.poll() is None
            stranger.kill()

    async def test_restart_of_the_machine_is_told(
        self, driver: Driver, make: MakeWorkload, record: Path, workdir: Path
    ) -> None:
        await driver.start(make("open('runs', 'a').write('x')"))
        await exited(driver, "job-1")
        (record / "exit.json").unlink()
        for name in ("workload.json", "supervisor.json"):
            known = json.loads((record / name).read_text()) | {"boot_id": "another-boot"}
            (record / name).write_text(json.dumps(known))
        for supervisor_known in (True, False):
            if not supervisor_known:
                (record / "supervisor.json").unlink()
            seen = await driver.observe("job-1")
            assert (seen.phase, seen.exit_code) == (Phase.EXITED, None)
            assert seen.message is not None
            assert "restarted" in seen.message
            await driver.start(make("open('runs', 'a').write('x')"))
        assert (workdir / "runs").read_text() == "x"

    # Daemons that die

    async def test_daemon_killed_while_it_starts_a_workload(
        self, driver: Driver, make: MakeWorkload, tmp_path: Path, state: Path, install_id: str, workdir: Path
    ) -> None:
        """Killed at twelve moments around the start: each workload runs exactly once and its own exit is seen."""
        script = """
import asyncio, sys
from pathlib import Path
from easymaker_local.drivers.base import Resources, Workload
from easymaker_local.drivers.process import ProcessDriver
state, install, environment, work, name = sys.argv[1:]
code = f"import sys, time; open('{name}', 'a').write('x'); print('ran', flush=True); time.sleep(0.2); sys.exit(17)"
workload = Workload(name, environment, ("python3", "-c", code), Path(work, name + ".log"), Resources(1, 1 << 30), Path(work))
async def main():
    driver = ProcessDriver(Path(state), install)
    print("ready", flush=True)
    await driver.start(workload)
    await asyncio.sleep(60)
asyncio.run(main())
"""
        moments = [n * 0.01 for n in range(12)]
        for number, moment in enumerate(moments):
            name = f"killed-{number}"
            arguments = [str(state), install_id, sys.prefix, str(workdir), name]
            daemon = subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE)
            assert daemon.stdout is not None
            assert daemon.stdout.readline() == b"ready\n"
            time.sleep(moment)  # the moment of death is what this test varies
            daemon.kill()
            daemon.communicate()
            code = f"open('{name}', 'a').write('x'); print('ran', flush=True); sys.exit(17)"
            await driver.start(make(code, name=name, log_path=workdir / f"{name}.log"))
        for number in range(len(moments)):
            name = f"killed-{number}"
            await eventually((workdir / name).exists, f"{name} ran")
            assert (await exited(driver, name)).exit_code == 17
            assert (workdir / name).read_text() == "x"
            assert (workdir / f"{name}.log").read_text() == "ran\n"

    async def test_start_after_a_crash_before_the_supervisor(
        self, driver: Driver, again: Callable[[], Driver], make: MakeWorkload, record: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(directory: Path) -> bool:
            raise TransientError(f"the daemon dies before it starts a supervisor for {directory}")

        with monkeypatch.context() as patched:
            patched.setattr("easymaker_local.drivers.process.launch", crash)
            with pytest.raises(TransientError):
                await driver.start(make("sys.exit(3)"))
        second = again()
        assert (record / "workload.json").exists()
        assert (await second.observe("job-1")).phase is Phase.ABSENT
        assert list(await second.owned()) == ["job-1"]
        await second.start(make("sys.exit(3)"))
        assert (await exited(second, "job-1")).exit_code == 3

    async def test_full_disk_is_worth_another_try(
        self, driver: Driver, make: MakeWorkload, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr("easymaker_local.drivers.process.write_json", full)
            with pytest.raises(TransientError):
                await driver.start(make("sys.exit(3)"))
        await driver.start(make("sys.exit(3)"))
        assert (await exited(driver, "job-1")).exit_code == 3

    async def test_second_supervisor_for_the_same_workload_ends_at_once(
        self, driver: Driver, make: MakeWorkload, record: Path, workdir: Path
    ) -> None:
        await driver.start(make("wait_for('go')"))
        before = supervisor_pid(record)
        assert not await asyncio.to_thread(launch, record)
        (workdir / "go").touch()
        await exited(driver, "job-1")
        assert not await asyncio.to_thread(launch, record)
        assert supervisor_pid(record) == before
        await eventually(lambda: not is_held(record / "lock"), "the supervisor has ended")
        # And where none ever ran, as after a crash right before the supervisor: the lock decides.
        for name in ("supervisor.json", "exit.json"):
            (record / name).unlink()
        with open_locked(record / "lock", wait=False) as locked:
            assert locked
            assert not await asyncio.to_thread(launch, record)
        assert sorted(await asyncio.gather(*(asyncio.to_thread(launch, record) for _ in range(6)))) == [False] * 5 + [True]

    async def test_secrets_in_the_record_are_for_the_user_only(self, driver: Driver, make: MakeWorkload, record: Path) -> None:
        await driver.start(make("pass", env={"TOKEN": "secret"}))
        assert (record / "workload.json").stat().st_mode & 0o077 == 0
        assert record.stat().st_mode & 0o077 == 0

    async def test_no_zombie_is_left_in_the_daemon(self, driver: Driver, make: MakeWorkload) -> None:
        # Other tests in this process may have children of their own: one that they left is not this driver's.
        before = set(psutil.Process().children())
        await driver.start(make("pass"))
        await exited(driver, "job-1")
        assert set(psutil.Process().children()) <= before

    async def test_descendants_are_found_on_kernels_without_children_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE) as shell:
            assert shell.stdout is not None
            sleeper = int(shell.stdout.readline())
            found = []
            for has_files in (True, False):
                monkeypatch.setattr(supervisor, "HAS_CHILDREN_FILES", has_files)
                found.append({*supervisor.descendants()})
            os.kill(sleeper, signal.SIGKILL)
        for below in found:
            # Other tests in this process may have children of their own.
            assert {shell.pid, sleeper} <= below
            assert not below & {1, os.getpid(), os.getppid()}

    # Networks

    async def test_a_network_that_was_half_opened_is_closed_whole(
        self, driver: Driver, state: Path, install_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: object, **__: object) -> None:
            raise SystemExit

        await driver.open_network("one", ("a",), ("main",))
        await driver.close_network("one")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", killed)
            patch.setattr(Path, "unlink", killed)  # whoever is killed tidies nothing up
            with pytest.raises(SystemExit):
                await driver.open_network("one", ("a",), ("main",))
        folder = state / install_id / "networks"
        assert len(list(folder.iterdir())) == 2
        await driver.close_network("one")
        assert [path.name for path in folder.iterdir()] == ["lock"]

    async def test_ports_of_others_are_not_handed_out(self, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            taken = listening.getsockname()[1]
            monkeypatch.setattr("easymaker_local.drivers.process_networks.PORTS", [taken])
            with pytest.raises(TransientError):
                await driver.open_network("one", ("a",), ("main",))
        assert (await driver.open_network("one", ("a",), ("main",)))["a"]["main"].port == taken
        with pytest.raises(TransientError):
            await driver.open_network("two", ("a",), ("main",))
        await driver.close_network("one")
        assert (await driver.open_network("two", ("a",), ("main",)))["a"]["main"].port == taken

    async def test_many_networks_at_once_get_distinct_ports(self, driver: Driver, again: Callable[[], Driver]) -> None:
        other = again()
        opened = await asyncio.gather(
            *((driver, other)[n % 2].open_network(f"net-{n}", ("a", "b"), ("x", "y")) for n in range(20))
        )
        ports = [address.port for network in opened for member in network.values() for address in member.values()]
        assert len(set(ports)) == 80

    async def test_one_daemon_at_a_time_hands_out_ports(self, driver: Driver, state: Path, install_id: str) -> None:
        first = await driver.open_network("one", ("a",), ("main",))
        with open_locked(state / install_id / "networks" / "lock", wait=False):
            opening = asyncio.create_task(driver.open_network("two", ("a",), ("main",)))
            _, waiting = await asyncio.wait({opening}, timeout=0.2)
            assert waiting
        assert (await opening)["a"]["main"] != first["a"]["main"]

    async def test_network_with_other_members_is_another_network(self, driver: Driver) -> None:
        await driver.open_network("one", ("a",), ("main",))
        with pytest.raises(PermanentError):
            await driver.open_network("one", ("a", "b"), ("main",))
