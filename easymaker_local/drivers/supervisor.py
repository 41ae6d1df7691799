"""Runs the command of one workload and writes down how it ended. A program of its own, not a module of the daemon.

``python -I -S supervisor.py <workload directory> <report descriptor>``: by path, with the standard library only and little of
that, because its start is part of every job's start. It outlives the daemon. In the workload's directory:

====================  ==================================================================================================
``workload.json``     read: command, environment, working directory, log, memory limit
``lock``              locked as long as a supervisor lives: there is never a second one
``supervisor.json``   written before the command starts: which process this is. Where it exists the command never starts again
``stop.json``         read: somebody asked for the end, with a grace period
``exit.json``         written when nothing of the workload is left alive
====================  ==================================================================================================

It is the *subreaper* of everything below it: a descendant that outlives its parent, also in a session of its own, becomes its
child. So "no child left" means that nothing is left, without cgroups and without root.
"""

# pathlib alone would cost as much start-up time as all of this:
# ruff: noqa: PTH104, PTH108, PTH110, PTH116, PTH123, PTH208

import ctypes
import fcntl
import json
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

STARTED, BUSY, FAILED = "started", "busy", "failed"

OUTSIDE_GRACE_SECONDS = 10.0
"""For a SIGTERM that is nobody's request to us, such as the machine's shutdown."""
MEMORY_CHECK_SECONDS = 0.25
KILL_AGAIN_SECONDS = 0.1
WRITE_AGAIN_SECONDS = 1.0

WAKING = (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1)
"""Blocked and waited for. SIGTERM: look at ``stop.json``; SIGUSR1: kill everything now."""
RESTORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT)
"""Ignored here, by Python or by us; what is ignored stays so across exec, and programs expect the defaults."""

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
HAS_CHILDREN_FILES = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def start_ticks(pid: int | str) -> int:
    """When the process started, in clock ticks since boot: with the pid and the boot id it names a process for ever."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])


def children(pid: int) -> list[int]:
    """Children of all threads of a process; empty when it is gone."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:
        return found
    return found


def children_of_all() -> dict[int, list[int]]:
    """Children by parent, from every process of the machine: for kernels without ``children`` files."""
    found: dict[int, list[int]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue
        found.setdefault(parent, []).append(int(pid))
    return found


def descendants() -> list[int]:
    """Everything below this process now. A process that forks meanwhile may hide its newest child: ask again."""
    found = []
    parents = [os.getpid()]
    of_all = None if HAS_CHILDREN_FILES else children_of_all()
    while parents:
        pid = parents.pop()
        below = children(pid) if of_all is None else of_all.get(pid, [])
        found += below
        parents += below
    return found


def resident_bytes(pid: int) -> int:
    """Resident memory; pages shared with others count in full. Cheap."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0


def proportional_bytes(pid: int) -> int:
    """Resident memory, shared pages divided by the number of sharers. The kernel walks all pages for it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:"))
    except (OSError, StopIteration):
        return resident_bytes(pid)


def send(pid: int, number: int) -> bool:
    """Send a signal. False: nobody is there any more, or it became another user's (sudo), and we can only wait for it."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def mebibytes(count: int) -> str:
    return f"{count / (1 << 20):.0f} MiB"


class Supervisor:
    """One workload from its start to its exit record."""

    def __init__(self, directory: str, report: int) -> None:
        self.directory = directory
        self.report = report
        self.lock: int | None = None
        self.child = 0
        self.status: int | None = None
        self.has_children = True
        self.asked_outside = False
        self.deadline: float | None = None
        self.killing = False
        self.over_limit = False
        self.peak_bytes = 0
        self.next_memory_check = 0.0
        self.started_at = self.finished_at = 0.0
        self.message: str | None = None
        self.stop_message = ""
        self.limit_bytes = 0

    def path(self, name: str) -> str:
        return f"{self.directory}/{name}"

    def say(self, text: str) -> None:
        """Answer whoever started us."""
        try:
            os.write(self.report, text.encode())
        except BrokenPipeError:
            # The daemon died after starting us. The workload goes on; the next daemon finds it.
            return

    def write(self, name: str, value: object, durably: bool = False) -> None:
        """Put a file in place whole; ``durably``: also if the machine loses power right after."""
        aside = self.path(f".{name}.new")
        with open(aside, "w", encoding="utf-8") as file:
            json.dump(value, file)
            if durably:
                file.flush()
                os.fsync(file.fileno())
        os.rename(aside, self.path(name))
        if durably:
            folder = os.open(self.directory, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def acquire(self) -> bool:
        """Become the only supervisor of this workload, or say that there is, or was, another one."""
        self.lock = lock = os.open(self.path("lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # A removal between opening and locking has moved the directory away, and a new one may be in its place.
        is_current = os.path.samestat(os.fstat(lock), os.stat(self.path("lock")))
        return is_current and not any(map(os.path.exists, (self.path("supervisor.json"), self.path("exit.json"))))

    def refuse(self, answer: str) -> bool:
        # Unlocked before the answer: who tries again at once must not find a supervisor that is about to end.
        if self.lock is not None:
            os.close(self.lock)
        self.say(answer)
        return False

    def start(self) -> bool:
        """Start the command. False: not here; whoever started us has been told why."""
        try:
            if not self.acquire():
                return self.refuse(BUSY)
            with open(self.path("workload.json"), "rb") as file:
                workload = json.load(file)
            self.limit_bytes = workload["memory_bytes"]
            log = os.open(workload["log_path"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                boot_id = file.read().strip()
            signal.pthread_sigmask(signal.SIG_BLOCK, WAKING)
            for number in RESTORED:
                signal.signal(number, signal.SIG_IGN)
            prctl(PR_SET_CHILD_SUBREAPER, 1)
            self.started_at = time.time()
            self.write("supervisor.json", {
                "pid": os.getpid(), "start_ticks": start_ticks("self"), "boot_id": boot_id, "started_at": self.started_at,
            })  # fmt: skip
            parent = os.getpid()
            try:
                self.child = os.fork()
            except OSError:
                os.unlink(self.path("supervisor.json"))
                raise
        except OSError as error:
            return self.refuse(f"{FAILED} {error.errno} {error}")
        if self.child == 0:
            execute(workload["command"], workload["env"], workload["working_directory"], log, parent)
        os.close(log)
        # The child's copy of the pipe closes when it executes the command: only then does the reader see the end.
        self.say(STARTED)
        os.close(self.report)
        return True

    def supervise(self) -> None:
        """Return when the command has ended and nothing of it is left."""
        while True:
            self.reap()
            if not self.has_children:
                return
            self.look_for_request()
            now = time.monotonic()
            if self.status is not None or (self.deadline is not None and now >= self.deadline):
                self.killing = True
            if not self.killing and now >= self.next_memory_check:
                self.check_memory()
            if self.killing:
                self.kill_all()
            self.wait()

    def wait(self) -> None:
        """Sleep until a signal, or until the clock wants something."""
        if self.killing:
            until = time.monotonic() + KILL_AGAIN_SECONDS
        else:
            until = min(self.next_memory_check, self.deadline or self.next_memory_check)
        woken = signal.sigtimedwait(WAKING, max(0.0, until - time.monotonic()))
        if woken is None:
            return
        if woken.si_signo == signal.SIGUSR1:
            self.killing = True
        if woken.si_signo == signal.SIGTERM:
            self.asked_outside = True

    def reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                self.has_children = False
                return
            if pid == 0:
                return
            self.peak_bytes = max(self.peak_bytes, usage.ru_maxrss * 1024)
            if pid == self.child:
                self.status = status
                self.finished_at = time.time()

    def look_for_request(self) -> None:
        """Begin to stop, once: the grace period of the first request goes on whatever follows."""
        if self.deadline is not None or self.status is not None:
            return
        grace_seconds = OUTSIDE_GRACE_SECONDS
        try:
            with open(self.path("stop.json"), "rb") as file:
                grace_seconds = json.load(file)["grace_seconds"]
        except FileNotFoundError:
            if not self.asked_outside:
                return
            self.message = "Ended because its supervisor was asked to end (SIGTERM) by somebody else."
        self.deadline = time.monotonic() + grace_seconds
        self.stop_message = f"Did not end within {grace_seconds:g} s of being asked to (SIGTERM) and was killed."
        # Negative: the whole process group. A child just forked has none of its own yet.
        if not send(-self.child, signal.SIGTERM):
            send(self.child, signal.SIGTERM)

    def check_memory(self) -> None:
        began = time.monotonic()
        below = descendants()
        used = sum(map(resident_bytes, below))
        if used > self.limit_bytes:
            used = sum(map(proportional_bytes, below))
        self.peak_bytes = max(self.peak_bytes, used)
        if used > self.limit_bytes:
            self.over_limit = self.killing = True
            self.message = f"Used {mebibytes(used)} of memory where {mebibytes(self.limit_bytes)} were granted."
        # However large the tree, watching it takes at most a twentieth of a core.
        ended = time.monotonic()
        self.next_memory_check = ended + max(MEMORY_CHECK_SECONDS, 20 * (ended - began))

    def kill_all(self) -> None:
        killed: set[int] = set()
        # Until no new ones turn up: something that keeps forking must not win.
        while found := set(descendants()) - killed:
            for pid in found:
                send(pid, signal.SIGKILL)
            killed |= found

    def record_exit(self) -> None:
        assert self.status is not None
        code = os.waitstatus_to_exitcode(self.status)
        number = -code if code < 0 else None
        timed_out = number == signal.SIGKILL and self.deadline is not None and not self.over_limit
        record = {
            "exit_code": code if number is None else 128 + number,
            "signal": number,
            "out_of_memory": self.over_limit and number == signal.SIGKILL,
            "started_at": self.started_at,
            "finished_at": max(self.started_at, self.finished_at),
            "peak_memory_bytes": self.peak_bytes,
            "message": self.stop_message if timed_out else self.message,
        }
        while True:
            try:
                self.write("exit.json", record, durably=True)
            except FileNotFoundError:
                return  # the directory was deleted: nobody wants to know
            except OSError:
                # A full disk, most likely. The record must not be lost: it is why this program exists.
                woken = signal.sigtimedwait((signal.SIGUSR1,), WRITE_AGAIN_SECONDS)
                if woken is not None:
                    return
            else:
                return


def execute(command: list[str], environment: dict[str, str], directory: str, log: int, parent: int) -> None:
    """In the forked child: become the command. Never returns."""
    code, reason = 126, ""
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the supervisor died before the line above
        for number in RESTORED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.chdir(directory)
        try:
            os.execvpe(command[0], command, environment)  # noqa: S606 - a list, no shell
        except (FileNotFoundError, NotADirectoryError) as error:
            code, reason = 127, str(error.strerror)
    except Exception as error:  # whatever it is, this copy of the supervisor must not go on as one
        reason = str(error)
    os.write(2, f"{command[0]}: cannot be executed: {reason}\n".encode(errors="backslashreplace"))
    os._exit(code)


def main() -> None:
    directory, report = sys.argv[1], int(sys.argv[2])
    os.set_inheritable(report, False)
    if os.fork():
        os._exit(0)  # nobody's child but init's: no zombie is left in the daemon, whichever of the two lives longer
    supervisor = Supervisor(directory, report)
    if supervisor.start():
        supervisor.supervise()
        supervisor.record_exit()


if __name__ == "__main__":
    main()
