"""From a ``Workload`` to a running supervisor: what the command finds, and the handover."""

from __future__ import annotations

import errno
import os
import pwd
import select
import subprocess
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from easymaker_local.drivers import supervisor
from easymaker_local.drivers.base import Workload
from easymaker_local.errors import PermanentError, TransientError

MARKER = "EASYMAKER_WORKLOAD"
"""Environment variable ``<install id>/<name>`` by which the processes of a workload are known if their supervisor is gone."""

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"

INHERITED = (
    *("LANG", "LC_ALL", "LC_CTYPE", "TZ"),
    *("PIP_*", "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "OPENBLAS_*"),
)
"""All that a workload gets of the daemon's environment: language and time zone, and what pip and networks need here."""

START_SECONDS = 30.0
MAY_PASS = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE}
"""Shortages: the same call may succeed later."""


def specification(workload: Workload, install_id: str, boot_id: str) -> dict[str, Any]:
    """Return ``workload.json``. Raises PermanentError for what this driver cannot do."""
    if not workload.command:
        raise PermanentError(f"{workload.name} has no command.")
    if workload.environment and not Path(workload.environment, "bin").is_dir():
        raise PermanentError(f"{workload.environment} is not an environment: it has no directory bin.")
    for mount in workload.mounts:
        if mount.target != mount.source:
            raise PermanentError(f"Processes see every path as it is: {mount.source} cannot appear at {mount.target}.")
        if not mount.source.exists():
            raise PermanentError(f"{mount.source} does not exist.")
    return {
        "install_id": install_id,
        "boot_id": boot_id,
        "command": workload.command,
        "env": environment_variables(workload, install_id),
        "working_directory": str(workload.working_directory),
        "log_path": str(workload.log_path),
        "memory_bytes": workload.resources.memory_bytes,
        "labels": dict(workload.labels),
    }


def environment_variables(workload: Workload, install_id: str) -> dict[str, str]:
    """Return the command's whole environment.

    The caller's values win, except for the devices and the marker. Of the resources, only memory is watched (by the
    supervisor); CPUs are a hint to numeric libraries, the rest is booked and not kept.
    """
    user = pwd.getpwuid(os.getuid())
    variables = {key: value for key, value in os.environ.items() if any(fnmatchcase(key, name) for name in INHERITED)}
    variables |= {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name, "PATH": SYSTEM_PATH}
    variables["OMP_NUM_THREADS"] = str(max(1, int(workload.resources.cpus)))
    if workload.environment:
        variables["VIRTUAL_ENV"] = workload.environment
        variables["PATH"] = f"{workload.environment}/bin:{SYSTEM_PATH}"
    variables |= workload.env
    variables["CUDA_VISIBLE_DEVICES"] = ",".join(workload.resources.gpus)
    variables[MARKER] = f"{install_id}/{workload.name}"
    return variables


def launch(directory: Path) -> bool:
    """Start a supervisor for a workload's directory; returns when the command is executed, or could not be.

    False: there is, or ever was, another supervisor for it. The new one has noticed and changed nothing.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as report:
        try:
            with (directory / "supervisor.log").open("ab") as errors:
                starter = subprocess.Popen(
                    [sys.executable, "-I", "-S", supervisor.__file__, str(directory), str(writing)],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, cwd="/",
                    env={key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ},
                    pass_fds=(writing,), start_new_session=True,
                )  # fmt: skip
        finally:
            os.close(writing)
        answer = _read_all(report.fileno())
    starter.wait()  # it forks and ends at once; the supervisor is its child
    kind, _, rest = answer.partition(" ")
    if kind == supervisor.FAILED:
        number, _, message = rest.partition(" ")
        if number.isdigit() and int(number) in MAY_PASS:
            raise TransientError(f"The process cannot be started now: {message}.")
        raise PermanentError(f"The process cannot be started: {message}.")
    if kind not in (supervisor.STARTED, supervisor.BUSY):
        raise TransientError(f"The process's supervisor did not start; see {directory / 'supervisor.log'}.")
    return kind == supervisor.STARTED


def _read_all(descriptor: int) -> str:
    """Read until every copy of the other end is closed, but not for ever (a working directory may hang)."""
    answer = b""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + START_SECONDS
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        block = os.read(descriptor, 4096)
        if not block:
            break
        answer += block
    return answer.decode(errors="replace")
