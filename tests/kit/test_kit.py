"""Clock, files, locks, text by offset."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.kit.bundled import bundled
from easymaker_local.kit.clock import to_iso
from easymaker_local.kit.files import read_json, write_atomically, write_json
from easymaker_local.kit.ids import new_id
from easymaker_local.kit.lock import ProcessLock
from easymaker_local.kit.loops import HomeLoop
from easymaker_local.kit.textfile import read_text


def test_times_have_an_offset() -> None:
    """rest-api §1.6."""
    parsed = datetime.fromisoformat(to_iso(1_700_000_000.5))
    assert parsed.timestamp() == 1_700_000_000.5
    assert parsed.utcoffset() is not None


def test_ids_fit_everywhere() -> None:
    """GN-01, GN-02."""
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(made) <= 36 and made.isalnum() for made in ids)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "a.json", "text, not bytes")  # type: ignore[arg-type]
    assert read_json(tmp_path / "a.json") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert read_json(tmp_path / "absent.json") is None


def test_private_files_are_private(tmp_path: Path) -> None:
    write_atomically(tmp_path / "token", b"t", mode=0o600)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


def test_a_lock_is_held_by_one_process_and_dies_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    script = (
        "import sys, pathlib; from easymaker_local.kit.lock import ProcessLock\n"
        "lock = ProcessLock(pathlib.Path(sys.argv[1])); assert lock.acquire(); print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        lock = ProcessLock(path)
        assert not lock.acquire()
        assert lock.holder() == other.pid
        other.kill()
        other.wait()
        assert lock.holder() is None
        assert lock.acquire(), "a stale lock file is no obstacle"
        lock.release()


def test_what_ships_is_found() -> None:
    assert (bundled("runtimes") / "training" / "launch.py").is_file()
    assert (bundled("images") / "Dockerfile").is_file()


@given(st.text(), st.integers(4, 40))
def test_text_read_in_pieces_is_the_text(tmp_path_factory: pytest.TempPathFactory, text: str, limit: int) -> None:
    path = tmp_path_factory.mktemp("text") / "log"
    path.write_bytes(text.encode(errors="surrogatepass"))
    expected = path.read_bytes().decode(errors="replace")
    pieces, offset = "", 0
    while True:
        piece, next_offset = read_text(path, offset, limit, final=True)
        if not piece:
            break
        pieces, offset = pieces + piece, next_offset
    assert offset == path.stat().st_size
    # Broken bytes may be counted in other groups; whole characters are never broken.
    assert pieces.replace("\ufffd", "") == expected.replace("\ufffd", "")


def test_a_character_that_is_being_written_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes("a€".encode()[:-1])
    assert read_text(path, 0, 100, final=False) == ("a", 1)
    assert read_text(path, 0, 100, final=True) == ("a\ufffd", 3)
    path.write_bytes("a€".encode())
    assert read_text(path, 1, 100, final=False) == ("€", 4)
    assert read_text(tmp_path / "absent", 7, 100, final=False) == ("", 7)


@pytest.mark.anyio
async def test_work_runs_on_the_loop_that_it_belongs_to() -> None:
    home, here = HomeLoop(), asyncio.get_running_loop()

    async def which(error: Exception | None = None) -> asyncio.AbstractEventLoop:
        if error is not None:
            raise error
        return asyncio.get_running_loop()

    async def elsewhere() -> None:
        assert asyncio.get_running_loop() is not here
        assert await home.run(which()) is here
        with pytest.raises(KeyError):
            await home.run(which(KeyError()))

    await asyncio.to_thread(asyncio.run, elsewhere())
