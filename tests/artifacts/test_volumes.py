"""Volumes of a limited size, for real where this machine lets root mount them (GN-L10)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from easymaker_local.artifacts import volumes as module
from easymaker_local.artifacts.volumes import Volumes
from easymaker_local.errors import VolumeError
from easymaker_local.testing.volumes import why_not_mountable

SIZE = 80 << 20


@pytest.fixture
def volumes(tmp_path: Path) -> Iterator[Volumes]:
    why_not = why_not_mountable()
    if why_not is not None:
        pytest.skip(f"nothing can be mounted here: {why_not}")
    made = Volumes(tmp_path / "volumes", tmp_path / "work")
    assert made.problem() is None
    yield made
    made.sweep(known=())


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return tmp_path / "work" / "job" / "node-0"


def fill(path: Path) -> int:
    """Write until there is no room; returns how much that was."""
    written = 0
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            written += file.write(bytes(1 << 20))
    return written


def test_nobody_writes_more_than_the_size(volumes: Volumes, node: Path) -> None:
    volumes.mount("job", "node-0", SIZE)
    volumes.mount("job", "node-0", SIZE)
    assert list(node.iterdir()) == []
    assert not volumes.is_full("job", "node-0")
    assert SIZE // 2 < fill(node / "file") < SIZE
    assert volumes.is_full("job", "node-0")
    (node / "file").unlink()
    assert not volumes.is_full("job", "node-0")


def test_what_is_left_becomes_a_plain_directory(volumes: Volumes, node: Path, tmp_path: Path) -> None:
    volumes.mount("job", "node-0", SIZE)
    (node / "control").mkdir()
    (node / "control" / "run.json").write_text("{}")
    (node / "link").symlink_to("control/run.json")
    volumes.settle("job", "node-0")
    volumes.settle("job", "node-0")
    assert not node.is_mount()
    assert (node / "link").read_text() == "{}"
    assert list((tmp_path / "volumes").iterdir()) == []
    assert [path.name for path in node.parent.iterdir()] == ["node-0"]


def test_outputs_that_could_not_be_stored_stay_where_they_are(volumes: Volumes, node: Path, tmp_path: Path) -> None:
    """Also after a restart of the machine, which unmounts everything."""
    volumes.mount("job", "node-0", SIZE)
    (node / "model").write_bytes(bytes(20 << 20))
    volumes.settle("job", "node-0")
    assert node.is_mount()
    module._unmount(node)
    assert list(node.iterdir()) == []
    Volumes(tmp_path / "volumes", tmp_path / "work").sweep(known={"job"})
    assert (node / "model").stat().st_size == 20 << 20
    volumes.drop("job")
    assert not node.is_mount()
    assert list((tmp_path / "volumes").iterdir()) == []


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("dies_at", ["copytree", "rename", "_unmount", "rmdir", "unlink"])
def test_killed_while_it_becomes_a_plain_directory(
    volumes: Volumes, node: Path, tmp_path: Path, dies_at: str, is_restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Architecture 7: whoever repeats it comes to the same end, also after a restart of the machine."""

    class Killed(BaseException):
        """Like SIGKILL, nobody catches it."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    volumes.mount("job", "node-0", SIZE)
    (node / "file").write_text("kept")
    place = {"copytree": shutil, "_unmount": module}.get(dies_at, Path)
    with monkeypatch.context() as patch:
        patch.setattr(place, dies_at, die)
        with pytest.raises(Killed):
            volumes.settle("job", "node-0")
    again = Volumes(tmp_path / "volumes", tmp_path / "work")
    if is_restarted:
        module._unmount(node)
    again.sweep(known={"job"})
    again.settle("job", "node-0")
    assert not node.is_mount()
    assert [path.name for path in node.iterdir()] == ["file"]
    assert (node / "file").read_text() == "kept"
    assert [path.name for path in node.parent.iterdir()] == ["node-0"]
    assert list((tmp_path / "volumes").iterdir()) == []


def test_a_volume_that_was_never_whole_is_made_anew(
    volumes: Volumes, node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "_run", lambda *_: (_ for _ in ()).throw(VolumeError("mkfs.ext4 failed: no")))
        with pytest.raises(VolumeError, match="mkfs"):
            volumes.mount("job", "node-0", SIZE)
    volumes.mount("job", "node-0", SIZE)
    assert node.is_mount()
    volumes.sweep(known=())
    assert not node.is_mount()
    assert list((tmp_path / "volumes").iterdir()) == []


def test_a_directory_that_is_in_use_stays_one(volumes: Volumes, node: Path) -> None:
    """A job that began before the setting was changed goes on."""
    node.mkdir(parents=True)
    (node / "file").write_text("x")
    volumes.mount("job", "node-0", SIZE)
    assert not node.is_mount()
    volumes.settle("job", "node-0")
    volumes.drop("job")
    assert (node / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("uid", "programs", "words"),
    [(1000, True, "Only the daemon of root"), (0, False, "mkfs.ext4, mount, umount is not installed")],
)
def test_it_says_why_sizes_are_not_enforced(
    tmp_path: Path, uid: int, programs: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr(shutil, "which", lambda name, path: name if programs else None)
    assert words in (Volumes(tmp_path, tmp_path).problem() or "")
    assert "is off" in (Volumes(tmp_path, tmp_path, wanted=False).problem() or "")


def test_what_cannot_be_copied_goes_and_what_would_grow_stays(volumes: Volumes, node: Path) -> None:
    """A pipe is nothing to keep; holes of files and further names of one would be written out in full."""
    volumes.mount("job", "node-0", SIZE)
    os.mkfifo(node / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(node / "socket"))
    (node / "file").write_text("kept")
    with (node / "sparse").open("wb") as sparse:
        sparse.truncate(3 << 30)
    volumes.settle("job", "node-0")
    assert node.is_mount(), "three gibibytes when copied"
    (node / "sparse").unlink()
    volumes.settle("job", "node-0")
    assert not node.is_mount()
    assert [path.name for path in node.iterdir()] == ["file"]


def test_a_failed_mount_is_told_and_stands_in_nobodys_way(
    volumes: Volumes, node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "_mount", lambda *_: (_ for _ in ()).throw(VolumeError("mount failed: no loop device")))
        with pytest.raises(VolumeError, match="no loop device"):
            volumes.mount("job", "node-0", SIZE)
        volumes.settle("job", "node-0")
    assert list((tmp_path / "volumes").iterdir()) == [], "what was never mounted holds nothing"
    volumes.mount("job", "node-0", SIZE)
    (node / "weights").write_text("w")
    module._unmount(node)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_mount", lambda *_: (_ for _ in ()).throw(VolumeError("mount failed: no loop device")))
        volumes.sweep(known={"job"})
        with pytest.raises(VolumeError):
            volumes.check("job", "node-0")
        volumes.settle("job", "node-0")
    volumes.check("job", "node-0")
    assert (node / "weights").read_text() == "w", "nothing of it was given up"


def test_a_volume_that_cannot_be_unmounted_stops_nobody(
    volumes: Volumes, node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a deletion nor the start of the daemon."""
    volumes.mount("job", "node-0", SIZE)
    (tmp_path / "volumes" / "lost+found").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(module, "_unmount", lambda _: (_ for _ in ()).throw(VolumeError("umount failed: busy")))
        volumes.settle("job", "node-0")
        assert not volumes.drop("job")
        volumes.sweep(known=())
    assert node.is_mount()
    volumes.sweep(known=())
    assert not node.is_mount()


def test_many_who_ask_first_get_one_answer(tmp_path: Path, volumes: Volumes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beside somebody who sweeps, as a daemon does that starts."""
    asked = Volumes(tmp_path / "volumes", tmp_path / "work")
    real, tries = Volumes._try, []

    def counted(self: Volumes) -> str | None:
        tries.append(1)
        return real(self)

    monkeypatch.setattr(Volumes, "_try", counted)
    with ThreadPoolExecutor(7) as threads:
        sweeps = threads.submit(lambda: [volumes.sweep(known=()) for _ in range(50)])
        assert set(threads.map(lambda _: asked.problem(), range(6))) == {None}
        sweeps.result()
    assert len(tries) == 1


def test_a_try_that_was_killed_leaves_nothing_for_long(tmp_path: Path, volumes: Volumes) -> None:
    killed = tmp_path / ".volume-0-killed"
    Volumes(killed / "volumes", killed / "work").mount("job", "node", SIZE)
    mine = tmp_path / f".volume-{os.getpid()}-runs"
    mine.mkdir()
    volumes.sweep(known=())
    assert not killed.exists()
    assert mine.exists()


def test_what_the_disk_below_could_not_take_is_told(tmp_path: Path, volumes: Volumes) -> None:
    """Writing succeeds, the loss comes later: nothing of it may pass for an output."""
    host = tmp_path / "host"
    host.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60M", "none", str(host)], check=True)
    small = Volumes(host / "volumes", host / "work")
    try:
        small.mount("job", "node-0", 300 << 20)
        node = host / "work" / "job" / "node-0"
        (node / "before").write_bytes(b"x" * (10 << 20))
        small.check("job", "node-0")
        assert not small.is_lost("job", "node-0")
        with suppress(OSError):  # unless it is noticed in the middle
            (node / "weights").write_bytes(b"x" * (150 << 20))
        for _ in range(2):
            with pytest.raises(VolumeError, match="lost"):
                small.check("job", "node-0")
        assert small.is_lost("job", "node-0")
    finally:
        small.sweep(known=())
        subprocess.run(["umount", "-l", str(host)], check=True)
