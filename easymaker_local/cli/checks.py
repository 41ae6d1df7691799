"""What ``doctor`` looks at. Each check answers with a finding; none changes anything but a probe file that it removes."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from easymaker_local import __version__
from easymaker_local.cli.findings import Finding, Level
from easymaker_local.cli.state_checks import check_databases, check_leftovers, check_records, check_workloads
from easymaker_local.client import connect
from easymaker_local.client.client import base_url
from easymaker_local.daemon import capacity_of, catalogue_of, volumes_of
from easymaker_local.domain.gpu import Inventory
from easymaker_local.drivers.docker_engine import engine_answers
from easymaker_local.drivers.gpus import LIBRARY, Gpus
from easymaker_local.errors import DaemonError, DaemonUnreachable, Unauthorized
from easymaker_local.kit.hosts import is_loopback, parse_host
from easymaker_local.kit.lock import ProcessLock
from easymaker_local.kit.secret_files import is_private
from easymaker_local.settings import DriverChoice, Settings

_GIB = 1 << 30
_LITTLE_DISK, _NO_DISK = 20 * _GIB, 2 * _GIB
_LITTLE_SHM = _GIB
_PIP_SECONDS = 15.0
_SHM = "/dev/shm"  # noqa: S108 (looked at, not written)
# Far more than clocks of one machine differ, far less than what confuses "newer than".
_SKEW_SECONDS = 5.0
# Any of them means that the engine can hand GPUs to containers.
_CONTAINER_TOOLS = ("nvidia-container-runtime-hook", "nvidia-container-runtime", "nvidia-ctk")
# Before this product existed: a machine that lost its clock.
_YEAR_2025 = 1735689600.0


def run_checks(settings: Settings) -> list[Finding]:
    """Run all checks."""
    checks: Sequence[Callable[[Settings], Finding]] = (
        check_home, check_secrets, check_disk, check_data_storage, check_memory, check_daemon, check_port, check_gateway_port,
        check_listening,
        check_databases, check_records, check_workloads, check_leftovers, check_catalogue, check_engine, check_gpu, check_venv,
        check_packages, check_shared_memory, check_clock,
    )  # fmt: skip
    return [check(settings) for check in checks]


def check_home(settings: Settings) -> Finding:
    """The data directory can be written, and its files get this machine's time."""
    home = settings.home
    probe = home / f".doctor-{secrets.token_hex(4)}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        before = time.time()
        probe.write_text("")
        skew = abs(probe.stat().st_mtime - before)
        probe.unlink()
    except OSError as error:
        return Finding(
            "home", Level.PROBLEM, f"{home} cannot be written: {error.strerror}.", "Set another one: EASYMAKER_LOCAL_HOME."
        )
    if skew > _SKEW_SECONDS:
        message = f"{home}: its files are dated {skew:.0f} s off this machine's clock."
        return Finding("home", Level.WARNING, message, "Is it on a network drive? Synchronise the clocks.")
    return Finding("home", Level.OK, f"{home} can be written.")


def check_secrets(settings: Settings) -> Finding:
    """Token and key are the user's alone, and whole."""
    advice = {
        settings.token_file: ", then replace the token: easymaker-local token rotate",
        settings.secret_key_file: "",
    }
    for file, further in advice.items():
        try:
            if not is_private(file):
                message = f"{file} can be read or changed by others."
                return Finding("secrets", Level.PROBLEM, message, f"chmod 600 {shlex.quote(str(file))}{further}")
        except FileNotFoundError:
            continue  # made at the first start
        except OSError as error:
            return Finding("secrets", Level.PROBLEM, f"{file} cannot be looked at: {error.strerror}.")
    return Finding("secrets", Level.OK, "Token and key are readable by you alone.")


def check_disk(settings: Settings) -> Finding:
    """Environments take gigabytes each, models and data sets more."""
    nearest = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    message = f"{free / _GIB:.1f} GiB are free in {settings.home}."
    if free < _NO_DISK:
        return Finding("disk", Level.PROBLEM, message, "Free some, or move the home: EASYMAKER_LOCAL_HOME.")
    if free < _LITTLE_DISK:
        return Finding("disk", Level.WARNING, message, "A PyTorch or TensorFlow image takes 1 to 10 GiB.")
    return Finding("disk", Level.OK, message)


def check_data_storage(settings: Settings) -> Finding:
    """Whether the data storage size of jobs is enforced, or only watched (GN-L10)."""
    problem = volumes_of(settings).problem()
    if problem is None:
        return Finding("data storage", Level.OK, "The data storage size of jobs is enforced: a job cannot write more.")
    message = f"The data storage size of jobs is watched, not enforced. {problem}"
    if os.geteuid() == 0 and settings.enforce_data_storage:
        advice = "Install e2fsprogs and mount, and let this system use loop devices."
        return Finding("data storage", Level.WARNING, message, advice)
    return Finding("data storage", Level.OK, message)


def check_memory(settings: Settings) -> Finding:
    """Something is left to promise to jobs."""
    capacity = capacity_of(settings)
    message = f"Jobs may use {capacity}."
    if capacity.memory_mib < 1024:
        return Finding("memory", Level.PROBLEM, message, "Lower the setting reserved_memory_gib.")
    return Finding("memory", Level.OK, message)


def check_daemon(settings: Settings) -> Finding:
    """It runs and answers, in the version of this command."""
    pid = ProcessLock(settings.lock_file).holder()
    if pid is None:
        return Finding("daemon", Level.WARNING, "The daemon does not run.", "Start it: easymaker-local up")
    try:
        with connect(settings) as client:
            system = client.system(timeout=5)
    except (DaemonUnreachable, Unauthorized) as error:
        return Finding(
            "daemon", Level.PROBLEM, f"The daemon (pid {pid}) runs but does not answer as it should: {error.message}",
            f"Restart it: easymaker-local down && easymaker-local up. Its log: {settings.daemon_log}",
        )  # fmt: skip
    if system["pid"] != pid:
        message = f"Another home's daemon (pid {system['pid']}) answers on {base_url(settings)}."
        return Finding("daemon", Level.PROBLEM, message, "Set another port: EASYMAKER_LOCAL_PORT.")
    message = f"Runs (pid {pid}, driver {system['driver']}, version {system['version']})."
    if system["version"] != __version__:
        advice = f"This command has version {__version__}. Restart the daemon: easymaker-local down && easymaker-local up"
        return Finding("daemon", Level.WARNING, message, advice)
    return Finding("daemon", Level.OK, message)


def check_port(settings: Settings) -> Finding:
    """The port is ours, or free."""
    address = f"{settings.host}:{settings.port}"
    try:
        with connect(settings) as client:
            client.system(timeout=5)
        return Finding("port", Level.OK, f"{address} is the daemon's.")
    except (DaemonUnreachable, Unauthorized):
        # Whoever may sit there, binding tells whether it is free.
        return _bindable("port", settings.host, settings.port, "EASYMAKER_LOCAL_PORT")


def check_gateway_port(settings: Settings) -> Finding:
    """Where object storage is served by https: ours, or free."""
    if settings.gateway_port == 0:
        return Finding("gateway port", Level.OK, "Object storage by https is switched off.")
    if ProcessLock(settings.lock_file).holder() is not None:
        # A daemon that could not have it would not have started.
        return Finding("gateway port", Level.OK, f"{settings.host}:{settings.gateway_port} is the daemon's.")
    return _bindable("gateway port", settings.host, settings.gateway_port, "EASYMAKER_LOCAL_GATEWAY_PORT (0: none)")


def _bindable(check: str, host: str, port: int, setting: str) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        message = f"{host}:{port} cannot be used: {error.strerror}."
        return Finding(check, Level.PROBLEM, message, f"End the program that has it, or set {setting}.")
    return Finding(check, Level.OK, f"{host}:{port} is free.")


def check_listening(settings: Settings) -> Finding:
    """Nobody outside of this machine reaches the API unless that is meant."""
    host = parse_host(f"[{settings.host}]" if ":" in settings.host else settings.host)
    if host is not None and is_loopback(host):
        return Finding("listening", Level.OK, f"On {settings.host}: this machine only.")
    named = ", ".join(settings.allowed_hosts) or "none"
    return Finding(
        "listening", Level.WARNING, f"On {settings.host or 'every address'}: other machines reach the API, without encryption.",
        f"Set host = 127.0.0.1 and come by ssh -L, or keep it if that is meant (allowed_hosts: {named}).",
    )  # fmt: skip


def check_catalogue(settings: Settings) -> Finding:
    """Every image.toml can be read."""
    try:
        images = catalogue_of(settings).list()
    except DaemonError as error:
        return Finding("images", Level.PROBLEM, str(error), "Correct the file; the daemon does not start with it.")
    return Finding("images", Level.OK, f"{len(images)} images in the catalogue.")


def check_engine(settings: Settings) -> Finding:
    """The container engine answers, where one is wanted."""
    if settings.driver is DriverChoice.PROCESS:
        return Finding("engine", Level.OK, "Not used: jobs run as local processes (driver = process), without isolation.")
    version = engine_answers(settings.docker_host)
    if version is not None:
        return Finding("engine", Level.OK, f"Version {version} answers.")
    message = "No container engine answers."
    if settings.driver is DriverChoice.DOCKER:
        return Finding("engine", Level.PROBLEM, message, "Start it, check DOCKER_HOST, or set driver = process.")
    return Finding(
        "engine", Level.WARNING, f"{message} Jobs run as local processes, without isolation.",
        "For containers: install Docker, and be in the group docker.",
    )  # fmt: skip


def check_gpu(settings: Settings) -> Finding:
    """The driver answers, every GPU works, containers can have them, and nobody else has them."""
    inventory = Gpus(settings.gpu_idle_memory_mib).read()
    if inventory.error is not None:
        message = f"NVIDIA's driver cannot be asked: {inventory.error}."
        return Finding(
            "gpu", Level.WARNING, message, "See nvidia-smi and dmesg. After an update of the driver, restart the machine."
        )
    if not inventory.gpus:
        if _has_nvidia_device():
            message = f"There is an NVIDIA device, but not its driver's library {LIBRARY}, or it lists no GPU."
            advice = "Install the driver's user-space part (Debian: libnvidia-ml1), in the version of the kernel module."
            return Finding("gpu", Level.WARNING, message, advice)
        return Finding("gpu", Level.OK, "No NVIDIA GPU: CPU images only.")
    names = "; ".join(f"{gpu.label}: {gpu.model}, {gpu.memory_mib / 1024:.3g} GiB" for gpu in inventory.gpus)
    obstacles = _gpu_obstacles(settings, inventory)
    if obstacles:
        advice = "No job gets such a GPU. End what uses it, or reset what is broken: nvidia-smi --gpu-reset"
        return Finding("gpu", Level.WARNING, " ".join(obstacles), advice)
    uses_containers = settings.driver is not DriverChoice.PROCESS and engine_answers(settings.docker_host) is not None
    if uses_containers and not any(shutil.which(program) for program in _CONTAINER_TOOLS):
        advice = "Install the NVIDIA Container Toolkit, then restart the engine."
        return Finding("gpu", Level.WARNING, f"{names}, but containers cannot use it.", advice)
    return Finding("gpu", Level.OK, names)


def _gpu_obstacles(settings: Settings, inventory: Inventory) -> list[str]:
    """Return what is in the way of jobs; what is on a GPU that the daemon has booked is a job's."""
    try:
        with connect(settings) as client:
            booked = {gpu["uuid"] for gpu in client.machine(timeout=10)["gpuList"] if gpu["bookedBy"] is not None}
    except (DaemonUnreachable, Unauthorized):
        booked = set()
    return [gpu.obstacle for gpu in inventory.gpus if gpu.obstacle and (gpu.uuid not in booked or gpu.unavailable)]


def _has_nvidia_device() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or any(Path("/dev").glob("nvidia[0-9]*"))


def check_venv(settings: Settings) -> Finding:
    """This Python can make virtual environments: some distributions package that apart."""
    missing = [name for name in ("venv", "ensurepip") if find_spec(name) is None]
    if not missing:
        return Finding("venv", Level.OK, f"Python {sys.version.split()[0]} makes virtual environments.")
    level = Level.WARNING if settings.driver is DriverChoice.DOCKER else Level.PROBLEM
    return Finding("venv", level, f"This Python lacks {' and '.join(missing)}.", "Debian and Ubuntu: apt install python3-venv")


def check_packages(settings: Settings) -> Finding:
    """Images can be built: asked by pip itself, so that its own index, proxy and certificates count."""
    wheels = ""
    if settings.wheelhouse is not None:
        if not settings.wheelhouse.is_dir():
            message = f"The wheelhouse {settings.wheelhouse} is not there."
            return Finding("packages", Level.PROBLEM, message, "Correct the setting wheelhouse.")
        wheels = f" {len(list(settings.wheelhouse.glob('*.whl')))} wheels are in {settings.wheelhouse}."
    if find_spec("pip") is None:
        return Finding("packages", Level.WARNING, f"The package index was not asked: this Python has no pip.{wheels}")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "0", "--timeout", "5"]
    reached, _ = _run([*command, "index", "versions", "pip"], _PIP_SECONDS)
    if reached:
        return Finding("packages", Level.OK, f"The package index answers pip.{wheels}")
    advice = "Images that are built already work offline. For others set wheelhouse, or pip's index-url or proxy."
    return Finding("packages", Level.WARNING, f"The package index does not answer pip.{wheels}", advice)


def check_shared_memory(settings: Settings) -> Finding:
    """Data loaders of local processes share the machine's; containers get their own."""
    try:
        found = os.statvfs(_SHM)
    except OSError:
        return Finding("shm", Level.WARNING, f"There is no {_SHM}.", "Data loaders with several workers will fail.")
    total = found.f_blocks * found.f_frsize
    message = f"{_SHM} has {total / _GIB:.1f} GiB."
    if total < _LITTLE_SHM and settings.driver is not DriverChoice.DOCKER:
        return Finding("shm", Level.WARNING, message, f"Data loaders may fail: mount -o remount,size=2g {_SHM}")
    return Finding("shm", Level.OK, message)


def check_clock(settings: Settings) -> Finding:
    """Time limits and histories need a clock that is roughly right."""
    now = time.time()
    shown = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(now))
    if now < _YEAR_2025:
        return Finding("clock", Level.PROBLEM, f"The clock says {shown}.", "Set it; certificates and histories need it.")
    return Finding("clock", Level.OK, shown)


def _run(command: Sequence[str], seconds: float) -> tuple[bool, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    return done.returncode == 0, (done.stdout or done.stderr).strip()
