"""Virtual environments with the real pip, on wheels made by hand; nothing leaves the machine."""

from __future__ import annotations

import asyncio
import http.server
import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.domain.image import CoreType, Framework, Image
from easymaker_local.drivers.environments import VirtualEnvironments
from easymaker_local.errors import Conflict, EnvironmentFailed, NotFound
from easymaker_local.testing.wheels import make_wheel


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own ``venv`` makes the environment of one test and is copied for the others."""
    if request.function is not test_prepared_environment_is_ready_from_then_on:
        monkeypatch.setattr(sys, "executable", request.getfixturevalue("quick_venv"))


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "wheels", "tiny").parent


@pytest.fixture
def environments(tmp_path: Path, wheelhouse: Path) -> VirtualEnvironments:
    return VirtualEnvironments(tmp_path / "environments", wheelhouse)


def make_image(
    tmp_path: Path, requirements: str = "tiny==1.0\n", framework: Framework = Framework.PYTHON, index: str | None = None
) -> Image:
    folder = tmp_path / "images" / "tiny-image"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requirements.txt").write_text(requirements)
    return Image(
        folder=folder,
        name="Tiny",
        description="",
        group="TRAINING",
        core_type=CoreType.CPU,
        framework=framework,
        framework_version="1.0",
        python_version=f"3.{sys.version_info[1]}",
        repository="tiny",
        tag="1",
        base_image="base",
        wheel_index=index,
    )


def version_in(environment: str) -> str:
    command = [f"{environment}/bin/python", "-c", "import tiny; print(tiny.VERSION)"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_prepared_environment_is_ready_from_then_on(environments: VirtualEnvironments, tmp_path: Path) -> None:
    async def scenario() -> None:
        image = make_image(tmp_path)
        assert await environments.ready(image) is None
        lines: list[str] = []
        path = await environments.prepare(image, lines.append)
        assert version_in(path) == "1.0"
        assert lines[0] == "Creating the environment tiny-image"
        assert lines[-1] == "Installing 1 packages"
        assert await environments.ready(image) == path

        lines.clear()
        assert await environments.prepare(image, lines.append) == path
        assert lines == []
        fresh = VirtualEnvironments(tmp_path / "environments", None)
        assert await fresh.ready(image) == path
        changed = make_image(tmp_path, "tiny==1.0\n# changed\n")
        assert await fresh.ready(changed) is None

    asyncio.run(scenario())


DAEMON = """
import asyncio, sys
from pathlib import Path
sys.executable = {python!r}
from easymaker_local.drivers.environments import VirtualEnvironments
sys.path.insert(0, {checkout!r})
from tests.drivers.test_environments import make_image
environments = VirtualEnvironments(Path({root!r}) / "environments", Path({root!r}) / "wheels")
progress = lambda line: print(line, flush=True)
asyncio.run(environments.prepare(make_image(Path({root!r}), {requirements!r}), progress))
"""


def other_daemon(tmp_path: Path, requirements: str = "tiny==1.0\n", **env: str) -> subprocess.Popen[str]:
    checkout = str(Path(__file__).parents[2])
    code = DAEMON.format(checkout=checkout, root=str(tmp_path), requirements=requirements, python=sys.executable)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, **env})


def test_two_at_once_build_once_in_one_process_and_in_two(environments: VirtualEnvironments, tmp_path: Path) -> None:
    image = make_image(tmp_path)
    lines: list[str] = []

    async def scenario() -> None:
        await asyncio.gather(*(environments.prepare(image, lines.append) for _ in range(2)))

    with other_daemon(tmp_path) as other:
        asyncio.run(scenario())
        assert other.stdout is not None
        lines += other.stdout.read().splitlines()
    assert other.returncode == 0
    assert lines.count("Creating the environment tiny-image") == 1


class SilentIndex:
    """A package index that takes connections and never answers: pip hangs in it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/simple"

    def accept(self) -> socket.socket:
        """Wait until pip asks; the connection ends when pip does."""
        connection, _ = self._socket.accept()
        connection.settimeout(30)
        connection.recv(65536)
        return connection

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def silent_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentIndex]:
    index = SilentIndex()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    yield index
    index.close()


def test_cancelling_ends_pip_and_leaves_nothing(
    environments: VirtualEnvironments, tmp_path: Path, silent_index: SilentIndex
) -> None:
    async def scenario() -> None:
        task = asyncio.create_task(environments.prepare(make_image(tmp_path, "absent\n"), print))
        with await asyncio.to_thread(silent_index.accept) as connection:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(connection.recv, 1) == b""  # closed: pip is gone
        assert [path for path in (tmp_path / "environments").iterdir() if path.is_dir()] == []

    asyncio.run(scenario())


def test_killed_daemons_pip_keeps_the_next_one_waiting_and_its_leftover_is_built_anew(
    environments: VirtualEnvironments, tmp_path: Path, silent_index: SilentIndex
) -> None:
    lines: list[str] = []
    waiting = asyncio.Event()

    def progress(line: str) -> None:
        lines.append(line)
        waiting.set()

    async def scenario() -> None:
        with other_daemon(tmp_path, "absent\n") as killed, await asyncio.to_thread(silent_index.accept) as connection:
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            (leftover,) = (path for path in (tmp_path / "environments").iterdir() if path.is_dir())
            (leftover / "half-written").touch()
            # What the wheelhouse holds does not name the environment: both daemons mean the same directory.
            make_wheel(tmp_path / "wheels", "absent")
            task = asyncio.create_task(environments.prepare(make_image(tmp_path, "absent\n"), progress))
            await asyncio.wait_for(waiting.wait(), 30)
            assert lines == ["Another process is making this environment"]
            silent_index.close()
            connection.close()  # the orphan fails and lets go
            assert await asyncio.wait_for(task, 120) == str(leftover)
            assert "Creating the environment tiny-image" in lines
            assert not (leftover / "half-written").exists()

    asyncio.run(scenario())


def test_failure_carries_pips_own_words_and_leaves_nothing(environments: VirtualEnvironments, tmp_path: Path) -> None:
    image = make_image(tmp_path, "tiny==9.9\n")
    with pytest.raises(EnvironmentFailed, match=r"No matching distribution found for tiny==9\.9"):
        asyncio.run(environments.prepare(image, print))
    assert asyncio.run(environments.ready(image)) is None
    assert [path for path in (tmp_path / "environments").iterdir() if path.is_dir()] == []


def test_full_disk_is_named(environments: VirtualEnvironments, tmp_path: Path, wheelhouse: Path) -> None:
    backend = "import errno, os\ndef build_wheel(*_):\n    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = {"backend.py": backend, "pyproject.toml": project, "PKG-INFO": "Metadata-Version: 2.1\nName: big\nVersion: 1\n"}
    with tarfile.open(wheelhouse / "big-1.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"big-1/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    with pytest.raises(EnvironmentFailed) as failure:
        asyncio.run(environments.prepare(make_image(tmp_path, "big\n"), print))
    assert failure.value.hint is not None
    assert failure.value.hint.startswith("The disk is full")


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """An index that has nothing, and the paths that it was asked for."""
    asked: list[str] = []

    class Nothing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple")
        threading.Thread(target=server.serve_forever).start()
        yield f"{url}/frameworks", asked
        server.shutdown()


def test_wheel_index_is_asked_only_for_what_the_wheelhouse_lacks(
    environments: VirtualEnvironments, tmp_path: Path, wheelhouse: Path, index: tuple[str, list[str]]
) -> None:
    url, asked = index
    image = make_image(tmp_path, "torch==1.0\n", Framework.PYTORCH, url)
    with pytest.raises(EnvironmentFailed):
        asyncio.run(environments.prepare(image, print))
    assert "/frameworks/torch/" in asked

    asked.clear()
    make_wheel(wheelhouse, "torch", "1.0+cpu", requires=["elsewhere"])
    with pytest.raises(EnvironmentFailed, match="elsewhere"):
        asyncio.run(environments.prepare(image, print))
    assert asked  # pip's own index is, for what the wheelhouse lacks
    assert not [path for path in asked if path.startswith("/frameworks")]

    asked.clear()
    make_wheel(wheelhouse, "elsewhere")
    asyncio.run(environments.prepare(image, print))
    assert not asked, "nothing is lacking: no index is asked at all"


def test_what_is_stored_can_be_discarded(environments: VirtualEnvironments, tmp_path: Path) -> None:
    async def scenario() -> None:
        image = make_image(tmp_path)
        assert await environments.stored() == []
        path = await environments.prepare(image, print)
        (tmp_path / "environments" / "other-0123456789ab").mkdir()
        found = {stored.name: stored for stored in await environments.stored()}
        assert found[path].image_id == image.id
        assert found[path].is_whole
        assert found[path].bytes > 1_000_000
        half = found[str(tmp_path / "environments" / "other-0123456789ab")]
        assert (half.image_id, half.is_whole) == ("other", False)
        await environments.discard(half.name)
        await environments.discard(path)
        await environments.discard(path)
        assert await environments.stored() == []
        assert await environments.ready(image) is None
        for stranger in (str(tmp_path), str(tmp_path / "environments" / ".x"), "/etc/passwd"):
            with pytest.raises(NotFound):
                await environments.discard(stranger)
        assert await environments.prepare(image, print) == path

    asyncio.run(scenario())


def test_an_environment_that_is_being_made_is_not_discarded(
    environments: VirtualEnvironments, wheelhouse: Path, tmp_path: Path
) -> None:
    with other_daemon(tmp_path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "Creating the environment tiny-image\n"

        async def scenario() -> None:
            (half,) = await environments.stored()
            assert not half.is_whole
            with pytest.raises(Conflict):
                await environments.discard(half.name)

        asyncio.run(scenario())
        other.stdout.read()
    assert other.returncode == 0
