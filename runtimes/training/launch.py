"""First process of a training node: install the user's packages, then become the entry point.

``python -I -S launch.py [options] -- <entry point> [argument …]``

Called by the daemon after the contract in ``easymaker_local/domain/contract.py``. Standard library only. This file lies
between a click and the first line of the user's code: what only some runs need is imported where they need it, and
paths are strings, because pathlib takes as long to import as the interpreter to start.
"""
# ruff: noqa: PTH105, PTH110, PTH113, PTH118, PTH120, PTH123

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as type checkers read it; importing typing would take half as long as the interpreter to start
if TYPE_CHECKING:
    from typing import NoReturn

EXIT_NOT_STARTED = 125
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NotStartedError(Exception):
    """The entry point cannot be started; ``reason`` is for programs, the message for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def main(argv: list[str]) -> NoReturn:
    """Replace this process by the user's; return only through ``sys.exit``, with EXIT_NOT_STARTED."""
    separator = argv.index("--") if "--" in argv else len(argv)
    options, command = argv[:separator], argv[separator + 1 :]
    if not command:
        sys.exit("launch.py: no entry point after --")
    source = os.environ["EM_SOURCE_DIR"]
    work = os.environ["EASYMAKER_WORK_DIR"]
    # Absolute, so that a name that begins with a dash is no option of Python's.
    entry = os.path.join(source, command[0])
    try:
        if not os.path.isfile(entry):
            raise NotStartedError("ENTRY_POINT", f"The entry point {command[0]} does not exist in the algorithm.")
        environment = dict(os.environ, PYTHONUNBUFFERED="1")
        if relays := environment.pop("EASYMAKER_RELAY", None):
            _start_relay(relays)
        python = sys.executable
        requirements = os.path.join(source, "requirements.txt")
        if os.path.isfile(requirements):
            packages = os.path.join(work, "packages")
            _install(requirements, packages)
            python = os.path.join(packages, "bin", "python")
            environment["VIRTUAL_ENV"] = packages
            environment["PATH"] = os.path.join(packages, "bin") + os.pathsep + environment.get("PATH", os.defpath)
        # Without options there is no torchrun: argparse is not worth its milliseconds then.
        start = _torchrun(options, environment) if options else []
        _become([python, *start, entry, *command[1:]], environment, source)
    except NotStartedError as error:
        _report(error)
        sys.exit(EXIT_NOT_STARTED)


def _start_relay(relays: str) -> None:
    """Start ``relay.py`` for ``port=socket file`` pairs, as nobody's child: programs may wait for all of theirs."""
    import _socket  # what ``socket`` is made of, without its enumerations: they cost as much as the interpreter

    pairs = []
    for relay in relays.split(","):
        port, _, path = relay.partition("=")
        listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(port)))
        listener.listen(128)
        pairs.append(f"{listener.detach()}={path}")
    middle = os.fork()
    if middle:
        os.waitpid(middle, 0)
        for pair in pairs:
            os.close(int(pair.partition("=")[0]))
        return
    try:
        os.setsid()
        if os.fork() == 0:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            for pair in pairs:
                os.set_inheritable(int(pair.partition("=")[0]), True)
            script = os.path.join(os.path.dirname(__file__), "relay.py")
            os.execv(sys.executable, [sys.executable, "-I", "-S", script, *pairs])  # noqa: S606 - no shell is what is wanted
    finally:
        os._exit(0)


def _become(command: list[str], environment: dict[str, str], directory: str) -> NoReturn:
    if environment.get("MASTER_ADDR") in LOOPBACK:
        # All nodes share this machine's network. Gloo would take the interface that the host name resolves to, which
        # may be none, or one behind a firewall.
        environment.setdefault("GLOO_SOCKET_IFNAME", "lo")
    sys.stdout.flush()
    try:
        os.chdir(directory)
        os.execve(command[0], command, environment)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        raise NotStartedError("ENTRY_POINT", f"The entry point cannot be started: {error}.") from error


def _torchrun(options: list[str], environment: dict[str, str]) -> list[str]:
    """Return what stands between ``python`` and the entry point (TO-02); nothing unless ``--torchrun`` is given.

    Rendezvous is static: node 0 serves the store at the address that the daemon chose, the others wait for it. The
    elastic ``c10d`` backend guesses from host names who has to serve, which fails where the address is an alias of a
    container or all nodes share one host, and its elasticity has no use here: the nodes of a training are a gang.
    """
    import argparse

    parser = argparse.ArgumentParser(prog="launch.py", allow_abbrev=False)
    parser.add_argument("--torchrun", action="store_true", help="start the entry point with torchrun")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--node-rank", type=int, default=0)
    parser.add_argument("--processes-per-node", type=int, default=1)
    parser.add_argument("--master", metavar="HOST:PORT", help="where node 0 is reached; one node alone needs none")
    chosen = parser.parse_args(options)
    if not chosen.torchrun:
        return []
    if chosen.master:
        address, _, port = chosen.master.rpartition(":")
        environment["MASTER_ADDR"], environment["MASTER_PORT"] = address, port
        rendezvous = [f"--node_rank={chosen.node_rank}", f"--master_addr={address}", f"--master_port={port}"]
    elif chosen.nodes == 1:
        environment["MASTER_ADDR"] = "127.0.0.1"
        rendezvous = ["--standalone", "--local_addr=127.0.0.1"]  # any free port, never a name that must resolve
    else:
        parser.error("--master is needed with more than one node")
    # The closing -- keeps torchrun's parser away from the user's arguments: it refuses --m and --n as ambiguous.
    size = [f"--nnodes={chosen.nodes}", f"--nproc_per_node={chosen.processes_per_node}"]
    return ["-m", "torch.distributed.run", *size, *rendezvous, "--"]


def _install(requirements: str, packages: str) -> None:
    """Make ``packages``, a virtual environment on top of this one, with what ``requirements`` names (TR-11).

    A layer, because the image may be read-only and shared by many runs. A ``.pth`` file, because a virtual environment
    made inside another one sees the system's packages at best: this way pip, itself borrowed, finds torch installed.
    """
    import shutil
    import site
    import venv

    site.main()  # left out so far (-S): the others need not know where packages are
    with open(requirements, "rb") as file:
        wanted = sys.executable.encode() + b"\n" + file.read()
    done = os.path.join(packages, ".installed")
    if os.path.exists(done):
        with open(done, "rb") as file:
            if file.read() == wanted:
                return
    try:
        shutil.rmtree(packages, ignore_errors=True)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(packages)
        library = os.path.join(packages, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")
        with open(os.path.join(library, "_base.pth"), "w", encoding="utf-8") as file:
            # addsitedir, not bare paths: the base may have .pth files of its own.
            file.writelines(f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages())
        _pip(os.path.join(packages, "bin", "python"), requirements)
        with open(done, "wb") as file:
            file.write(wanted)
    except OSError as error:
        raise NotStartedError("REQUIREMENTS", f"{requirements} cannot be installed: {error}.") from error


def _pip(python: str, requirements: str) -> None:
    """Install; pip's lines go to the log, its errors to whoever asks why the training failed."""
    install = [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    install += ["-r", requirements]
    # pip asks an index also for what the wheelhouse has: without a network that means waiting in vain (TR-L06).
    if os.environ.get("PIP_FIND_LINKS"):
        code, lines = _run([*install, "--no-index"], requirements, is_shown=False)
        if code == 0:
            print(*lines, sep="\n", flush=True)
            return
    code, lines = _run(install, requirements, is_shown=True)
    if code != 0:
        errors = [line for line in lines if line.lower().startswith("error")] or [line for line in lines if line][-10:]
        message = "\n".join(errors)[-2000:] or f"pip ended with {code}."
        raise NotStartedError("REQUIREMENTS", message)


def _run(command: list[str], requirements: str, *, is_shown: bool) -> tuple[int, list[str]]:
    """Return exit code and lines, which go to the log as they come if ``is_shown``."""
    import subprocess

    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=os.path.dirname(requirements),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if is_shown:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
            lines.append(line.decode(errors="replace").strip())
    return process.returncode, lines


def _report(error: NotStartedError) -> None:
    """Tell the user's log and, whole or not at all, the daemon."""
    import json

    print(f"easymaker: {error}", file=sys.stderr, flush=True)
    path = os.path.join(os.environ["EASYMAKER_CONTROL_DIR"], "failure.json")
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"reason": error.reason, "message": str(error)}, file)
    os.replace(path + ".new", path)


if __name__ == "__main__":
    main(sys.argv[1:])
