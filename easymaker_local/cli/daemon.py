"""``serve``, ``up``, ``down``, ``status``: the daemon's life."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from easymaker_local.cli import output
from easymaker_local.cli.exits import UNREACHABLE
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import session_of
from easymaker_local.errors import DaemonError, DaemonUnreachable, Unauthorized
from easymaker_local.kit.lock import ProcessLock

if TYPE_CHECKING:
    from easymaker_local.client.shapes import System
    from easymaker_local.settings import Settings

# A first start builds nothing; a slow one waits for a disk or an engine.
START_SECONDS = 60.0
STOP_SECONDS = 60.0
_POLL_SECONDS = 0.05
_LOG_LINES_SHOWN = 15


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (serve, up, down, status):
        app.command()(command)


def serve(ctx: typer.Context) -> None:
    """Run the daemon in the foreground, logging to stderr. Ctrl-C or SIGTERM ends it; jobs go on."""
    settings = session_of(ctx).settings
    import asyncio
    import logging

    from easymaker_local.daemon import serve as serve_daemon

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Once uvicorn has stopped serving, it raises the signal that ended it again. As an exception the signal lets the daemon
    # close what it opened; by default SIGTERM would kill it right there.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    try:
        asyncio.run(serve_daemon(settings))
    except KeyboardInterrupt:
        logging.getLogger(__name__).info("Ended by a signal; jobs go on.")


def up(ctx: typer.Context, as_json: Json = False) -> None:
    """Start the daemon in the background. Does nothing if it runs."""
    settings = session_of(ctx).settings
    # Asked once and not in a loop: looking takes the lock for a moment, and a starting daemon must find it free.
    pid = _holder(ProcessLock(settings.lock_file))
    was_running = pid is not None
    system = _await_answer(settings, pid, None, 0) if pid is not None else _start(settings)
    if as_json:
        output.print_json({"wasRunning": was_running, "url": _url(settings), **system})
        return
    output.out().print("The daemon runs already." if was_running else "The daemon is up.", style="green")
    _show(settings, system)
    if not was_running:
        output.note('\nNext:  easymaker-local image list\n       eval "$(easymaker-local env)"   for the easymaker SDK')


def down(
    ctx: typer.Context,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="End the gateway too: endpoints answer no more.", show_default=False)
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop the daemon. Jobs and model servers go on until the next one; so does the gateway, while there are endpoints."""
    session = session_of(ctx)
    settings = session.settings
    lock = ProcessLock(settings.lock_file)
    pid = _holder(lock)
    unfinished = servers = None
    if pid is not None:
        try:
            system = session.client.system(timeout=5)
            unfinished, servers = system["unfinishedTrainings"], system["modelServerCount"]
            session.client.stop_system()
        except (DaemonUnreachable, Unauthorized):
            # It hangs, or still starts: the holder of the lock is the daemon of this home, whatever the port says.
            _terminate(pid)
        _await_end(lock, settings)
    serves = _gateway_serves(settings, end=gateway)
    if as_json:
        output.print_json({
            "wasRunning": pid is not None, "unfinishedTrainings": unfinished, "modelServerCount": servers,
            "gatewayRuns": serves,
        })  # fmt: skip
        return
    output.out().print("The daemon does not run." if pid is None else "The daemon is down.")
    if unfinished:
        output.note(f"{unfinished} unfinished training(s) go on or wait for the next daemon: easymaker-local up")
    if servers:
        output.note(f"{servers} model server(s) go on; what ends them is: easymaker-local endpoint delete")
    if serves:
        output.note("The gateway goes on serving endpoints; end it with: easymaker-local down --gateway")


def _gateway_serves(settings: Settings, *, end: bool) -> bool:
    """Tell whether a gateway runs, having ended it if need be."""
    import asyncio

    from easymaker_local.gateway.process import EnvoyProcess
    from easymaker_local.gateway.resources import Layout

    process = EnvoyProcess(Layout(settings.home), settings.gateway_workers)
    if end:
        asyncio.run(process.end())
    return bool(process.find())


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show what runs and what is booked. Exit code 6 if the daemon does not run."""
    session = session_of(ctx)
    settings = session.settings
    try:
        system = session.client.system()
    except DaemonUnreachable as error:
        if as_json:
            output.print_json({"running": False, "home": str(settings.home), "url": _url(settings)})
        else:
            output.out().print(error.message, style="yellow")
            output.details([("Home", settings.home), ("API", _url(settings)), ("Driver", f"{settings.driver} (setting)")])
            output.note(error.hint or "")
        raise typer.Exit(UNREACHABLE) from error
    if as_json:
        output.print_json({"running": True, "home": str(settings.home), "url": _url(settings), **system})
        return
    output.out().print("The daemon runs.", style="green")
    _show(settings, system)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start(settings: Settings) -> System:
    log = settings.daemon_log
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        began = stream.tell()
        # -P: what lies in the current directory must not be imported in place of a module.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "easymaker_local", "serve"],
            stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True,
        )  # fmt: skip
    try:
        return _await_answer(settings, process.pid, process, began)
    except KeyboardInterrupt:
        process.terminate()
        raise
    finally:
        # It outlives this command on purpose; Popen would warn about a child that nobody awaits.
        process.returncode = process.returncode or 0


def _await_answer(settings: Settings, pid: int, process: subprocess.Popen[bytes] | None, began: int = 0) -> System:
    """Return the system view of the daemon ``pid`` once it answers; another home's daemon on the same port is not it."""
    from easymaker_local.client import connect

    deadline = time.monotonic() + START_SECONDS
    last: DaemonError | Unauthorized | None = None
    while time.monotonic() < deadline:
        ended = process.poll() is not None if process is not None else not _is_alive(pid)
        if ended:
            words = _tail(settings.daemon_log, began)
            raise DaemonError(f"The daemon did not start.\n{words}", hint=f"Its log: {settings.daemon_log}")
        try:
            # The token may be written only now.
            with connect(settings) as client:
                system = client.system(timeout=2)
            if system["pid"] == pid:
                return system
        except (DaemonUnreachable, Unauthorized) as error:
            last = error
        time.sleep(_POLL_SECONDS)
    why = f" {last.message}" if last is not None else ""
    raise DaemonError(
        f"The daemon (pid {pid}) does not answer after {START_SECONDS:.0f} s.{why}", hint=f"Its log: {settings.daemon_log}"
    )


def _holder(lock: ProcessLock) -> int | None:
    """Return the pid of the running daemon; one that has just taken the lock writes its pid a moment later."""
    deadline = time.monotonic() + 1
    while (pid := lock.holder()) == 0:
        if time.monotonic() > deadline:
            raise DaemonError("The daemon's lock is held by a process that does not say its name.", hint="See: ps")
        time.sleep(_POLL_SECONDS)
    return pid


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _await_end(lock: ProcessLock, settings: Settings) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while (pid := lock.holder()) is not None:
        if time.monotonic() > deadline:
            raise DaemonError(
                f"The daemon (pid {pid}) has not ended after {STOP_SECONDS:.0f} s.",
                hint=f"Its log: {settings.daemon_log}. Jobs survive even: kill -9 {pid}",
            )
        time.sleep(_POLL_SECONDS)


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise DaemonError(f"The daemon (pid {pid}) belongs to another user.") from error


def _tail(path: Path, began: int) -> str:
    if not path.exists():
        return "  (nothing was logged)"
    with path.open("rb") as file:
        file.seek(began)
        text = file.read().decode(errors="replace")
    return "\n".join(f"  {line}" for line in deque(text.splitlines(), _LOG_LINES_SHOWN))


def _url(settings: Settings) -> str:
    from easymaker_local.client.client import base_url

    return base_url(settings)


def _show(settings: Settings, system: System) -> None:
    isolation = "local processes, no isolation" if system["driver"] == "process" else "containers"
    gib = 1024
    output.details([
        ("API", _url(settings)),
        ("Driver", f"{system['driver']} ({isolation})"),
        ("Version", system["version"]),
        ("Process", f"pid {system['pid']}, since {output.ago(system['startedDatetime'])}".replace(" ago", "")),
        ("Home", settings.home),
        ("vCPUs", f"{system['bookedVcpus']:g} of {system['vcpus']:g} booked"),
        ("Memory", f"{system['bookedMemoryMib'] / gib:.3g} of {system['memoryMib'] / gib:.3g} GiB booked"),
        ("Trainings", f"{system['unfinishedTrainings']} unfinished"),
        ("Endpoints", f"{system['endpointCount']}, with {system['modelServerCount']} model servers"),
    ])  # fmt: skip
