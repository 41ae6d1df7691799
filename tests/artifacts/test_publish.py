"""Publishing on real file systems; ``/dev/shm`` is the other one, a small tmpfs of its own the full one."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.artifacts import trees
from easymaker_local.artifacts.publish import Published, publish
from easymaker_local.errors import StorageError

NEW = {"model.pt": "new model", "deep/config.json": "new config", "deep/er/shard": "new shard"}
OLD = {"model.pt": "old model", "deep/config.json": "old config", "deep/notes": "notes", "README": "read me", "own/x": "x"}
MERGED = {**OLD, **NEW}


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def _read(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}


def _hidden(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.name.startswith(".")]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory on another file system than ``tmp_path``."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at /dev/shm")
    with tempfile.TemporaryDirectory(dir=memory) as made:
        yield Path(made)


class Place:
    """Staging, destination and record of one publication."""

    def __init__(self, work: Path, target: Path, old: dict[str, str] | None, *, in_place: bool = False) -> None:
        self.staged, self.record = work / "work" / "model", work / "work" / "publish.json"
        self.base = target / "bucket"
        self.destination = self.base / "runs" / "output"
        self.in_place = in_place
        self.base.mkdir(parents=True)
        _write(self.staged, NEW)
        (self.staged / "empty").mkdir()
        if old is not None:
            _write(self.destination, old)

    def publish(self) -> Published:
        return publish(self.staged, self.destination, self.record, in_place=self.in_place)

    def check_complete(self, expected: dict[str, str]) -> None:
        assert _read(self.destination) == expected
        assert (self.destination / "empty").is_dir()
        assert not self.staged.exists()
        assert _hidden(self.base) == []
        assert [path.name for path in self.record.parent.iterdir()] == [self.record.name]


SHAPES = ["absent", "merged", "copied", "copied and merged", "in place", "copied in place", "no exchange", "no links"]


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _place(shape: str, work: Path, request: pytest.FixtureRequest) -> tuple[Place, dict[str, str]]:
    target = request.getfixturevalue("elsewhere") if "copied" in shape else work
    old = None if shape in {"absent", "copied"} else OLD
    return Place(work, target, old, in_place="in place" in shape), NEW if old is None else MERGED


def _refuse(number: int) -> None:
    raise OSError(number, os.strerror(number))


CRIPPLED = {"no exchange": (trees, "exchange", errno.EINVAL), "no links": (os, "link", errno.EPERM)}
"""What NFS and FUSE answer."""


@pytest.fixture
def crippled(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if shape in CRIPPLED:
        owner, name, number = CRIPPLED[shape]
        monkeypatch.setattr(owner, name, lambda *_, **__: _refuse(number))


def test_new_files_replace_their_namesakes_and_others_stay(
    tmp_path: Path, shape: str, crippled: None, request: pytest.FixtureRequest
) -> None:
    """TR-L04; a second call after success changes nothing."""
    place, expected = _place(shape, tmp_path, request)
    summary = place.publish()
    assert (summary.files, summary.bytes) == (3, sum(map(len, NEW.values())))
    assert summary.whole == (shape in {"absent", "merged", "copied", "copied and merged"})
    place.check_complete(expected)
    (place.destination / "later").write_text("the user's")
    assert place.publish() == summary
    place.check_complete({**expected, "later": "the user's"})


_CHILD = """
import json, os, signal, sys
from pathlib import Path
from easymaker_local.artifacts import trees
from easymaker_local.artifacts.publish import publish
staged, destination, record, in_place, crippled, deadly = json.loads(sys.argv[1])
if crippled:
    owner, name, number = crippled
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))
    setattr(sys.modules[owner], name, refuse)
seen = 0
def step(name):
    global seen
    if seen == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    seen += 1
publish(Path(staged), Path(destination), Path(record), in_place=in_place, step=step)
print(seen)
"""


def _in_child(place: Place, shape: str, deadly: int) -> subprocess.CompletedProcess[str]:
    owner, name, number = CRIPPLED.get(shape, (None, "", 0))
    crippled = owner and (owner.__name__, name, number)
    arguments = [*map(str, (place.staged, place.destination, place.record)), place.in_place, crippled, deadly]
    return subprocess.run(
        [sys.executable, "-c", _CHILD, json.dumps(arguments)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_killed_at_any_step_it_is_completed_by_a_repetition(tmp_path: Path, shape: str, request: pytest.FixtureRequest) -> None:
    """TR-49: every step of every way, SIGKILL, then a new process; and never a mixed destination where the way is atomic."""
    deadly = 0
    while True:
        work = tmp_path / str(deadly)
        place, expected = _place(shape, work, request)
        killed = _in_child(place, shape, deadly)
        if killed.returncode == 0:
            break
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        now = _read(place.destination) if place.destination.exists() else None
        if "in place" not in shape and shape not in CRIPPLED:
            assert now in [expected, OLD if expected == MERGED else None]
        elif now is not None:  # file by file: each is whole, old or new
            shown = {name: text for name, text in now.items() if not name.startswith(".easymaker-")}
            assert OLD.keys() <= shown.keys()
            assert all(text in {OLD.get(name), NEW.get(name)} for name, text in shown.items())
        again = _in_child(place, shape, -1)
        assert again.returncode == 0, again.stderr
        place.check_complete(expected)
        shutil.rmtree(place.base)
        deadly += 1
    assert deadly == int(killed.stdout) >= 3


@pytest.mark.parametrize("old", [None, OLD], ids=["absent", "merged"])
def test_an_observer_never_sees_a_part(tmp_path: Path, old: dict[str, str] | None) -> None:
    """TR-49: at each step, and all the time from another thread, the destination holds the old files or all of them."""
    many = {f"shard-{n:03}": "new" for n in range(200)}
    before = {f"shard-{n:03}": "old" for n in range(0, 200, 2)} | {"mine": "own"} if old else None
    place = Place(tmp_path, tmp_path, before)
    _write(place.staged, many)
    allowed = [before, {**(before or {}), **many, **NEW}]
    seen: list[dict[str, str] | None] = []

    def look() -> None:
        inode = trees.identity(place.destination)
        try:
            found = _read(place.destination) if inode else None
        except FileNotFoundError:
            found = None  # the tree was switched while we read
        # What was read is what lay at the destination only if the same directory bears the name before and after.
        if trees.identity(place.destination) == inode:
            seen.append(found)

    over = threading.Event()

    def observe() -> None:
        while not over.is_set():
            look()

    observer = threading.Thread(target=observe)
    observer.start()
    try:
        publish(place.staged, place.destination, place.record, step=lambda _: look())
    finally:
        over.set()
        observer.join()
    look()
    assert all(found in allowed for found in seen)
    assert seen[0] == allowed[0]
    assert seen[-1] == allowed[1]


def test_what_is_written_while_publishing_is_not_lost(tmp_path: Path) -> None:
    """Uploads that end between link and exchange: a new file, a newer one, a new directory; staged names stay replaced."""
    place = Place(tmp_path, tmp_path, OLD)

    def upload(step: str) -> None:
        if step == "exchange":
            for name in ("added", "README", "deep/added", "fresh/one"):
                (place.destination / name).parent.mkdir(exist_ok=True)
                aside = place.base / "aside"
                aside.write_text("uploaded")
                os.utime(aside, (4e9, 4e9))
                aside.replace(place.destination / name)
            (place.destination / "model.pt").write_text("overwritten, and replaced")

    publish(place.staged, place.destination, place.record, step=upload)
    late = dict.fromkeys(("added", "README", "deep/added", "fresh/one"), "uploaded")
    place.check_complete({**MERGED, **late})


def test_what_changed_since_an_interrupted_call_is_not_undone(tmp_path: Path) -> None:
    """Links of the first attempt are out of date at the second."""
    place = Place(tmp_path, tmp_path, OLD)

    def interrupt(step: str) -> None:
        if step == "exchange":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(place.staged, place.destination, place.record, step=interrupt)
    assert (place.staged / "README").exists()
    (place.base / "aside").write_text("changed")
    (place.base / "aside").replace(place.destination / "README")
    (place.destination / "deep" / "notes").unlink()
    place.publish()
    changed = {**MERGED, "README": "changed"}
    del changed["deep/notes"]
    place.check_complete(changed)


def test_a_device_that_moves_nothing_across_is_copied_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bind mounts and overlays: one device number, and rename says EXDEV."""
    place = Place(tmp_path, tmp_path, OLD)
    genuine = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self == place.staged:
            _refuse(errno.EXDEV)
        return genuine(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    assert place.publish().whole
    place.check_complete(MERGED)


def test_files_that_could_not_be_cleared_later_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of another user's at the destination: its inode stays, our files go in one by one."""
    place = Place(tmp_path, tmp_path, OLD)
    own = place.destination / "own"
    before = trees.identity(own)
    genuine = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != own and genuine(path, mode))
    assert not place.publish().whole
    assert trees.identity(own) == before
    place.check_complete(MERGED)


def test_a_deletion_while_publishing_is_calm(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, OLD)

    def delete(step: str) -> None:
        if step == "link":
            (place.destination / "README").unlink(missing_ok=True)

    publish(place.staged, place.destination, place.record, step=delete)
    place.check_complete({name: text for name, text in MERGED.items() if name != "README"})


def test_an_empty_output_makes_an_empty_destination(tmp_path: Path) -> None:
    staged = tmp_path / "staged"
    staged.mkdir()
    summary = publish(staged, tmp_path / "bucket" / "output", tmp_path / "record")
    assert summary == Published(0, 0)
    assert [*(tmp_path / "bucket" / "output").iterdir()] == []
    assert not staged.exists()


def test_relative_links_within_the_output_stay_links(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, OLD)
    (place.staged / "last.ckpt").symlink_to("deep/er/shard")
    (place.staged / "deep" / "up").symlink_to("../model.pt")
    place.publish()
    assert (place.destination / "last.ckpt").readlink() == Path("deep/er/shard")
    assert (place.destination / "deep" / "up").read_text() == "new model"


def test_a_copy_keeps_links_modes_and_times(tmp_path: Path, elsewhere: Path) -> None:
    place = Place(tmp_path, elsewhere, None)
    (place.staged / "last.ckpt").symlink_to("model.pt")
    (place.staged / "run.sh").write_text("#!/bin/sh\n")
    (place.staged / "run.sh").chmod(0o750)
    os.utime(place.staged / "run.sh", (1e9, 1e9))
    place.publish()
    assert (place.destination / "last.ckpt").readlink() == Path("model.pt")
    found = (place.destination / "run.sh").stat()
    assert (found.st_mode & 0o777, found.st_mtime) == (0o750, 1e9)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "deep/../../x", "../model/model.pt", "STAGED/model.pt"])
def test_links_that_leave_the_output_are_refused(tmp_path: Path, target: str) -> None:
    place = Place(tmp_path, tmp_path, OLD)
    (place.staged / "link").symlink_to(target.replace("STAGED", str(place.staged)))
    with pytest.raises(StorageError, match="link 'link'"):
        place.publish()
    assert _read(place.destination) == OLD
    assert (place.staged / "link").is_symlink()
    (place.staged / "link").unlink()
    place.publish()
    place.check_complete(MERGED)


def test_sockets_and_pipes_are_refused(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, None)
    os.mkfifo(place.staged / "pipe")
    with pytest.raises(StorageError, match="'pipe'"):
        place.publish()
    assert not place.destination.exists()


def test_links_at_the_destination_are_never_followed(tmp_path: Path) -> None:
    """They stay what they are, and nothing is written through them."""
    place = Place(tmp_path, tmp_path, OLD)
    outside = tmp_path / "outside"
    _write(outside, {"secret": "secret"})
    (place.destination / "aside").symlink_to(outside)
    (place.destination / "shared").symlink_to(outside / "secret")
    (place.staged / "shared").write_text("new")
    place.publish()
    assert (place.destination / "aside").readlink() == outside
    assert _read(outside) == {"secret": "secret"}
    assert (place.destination / "shared").read_text() == "new"


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("clash", ["directory over file", "file over directory", "directory over link"])
def test_a_file_and_a_directory_of_one_name_are_refused(
    tmp_path: Path, request: pytest.FixtureRequest, clash: str, copied: bool, in_place: bool
) -> None:
    target = request.getfixturevalue("elsewhere") if copied else tmp_path
    place = Place(tmp_path, target, OLD, in_place=in_place)
    if clash == "directory over file":
        _write(place.staged, {"README/x": "x"})
    elif clash == "file over directory":
        _write(place.staged, {"own": "x"})
    else:
        (place.staged / "sub").mkdir()
        (place.destination / "sub").symlink_to(tmp_path)
    staged = _read(place.staged)
    with pytest.raises(StorageError, match="of that name"):
        place.publish()
    assert _read(place.destination) == OLD
    assert _read(place.staged) == staged
    assert _hidden(place.base) == []


def test_a_clash_that_arises_later_leaves_no_copy_behind(tmp_path: Path, elsewhere: Path) -> None:
    place = Place(tmp_path, elsewhere, OLD)

    def clash(step: str) -> None:
        if step == "rename":
            (place.destination / "model.pt").unlink()
            (place.destination / "model.pt").mkdir()

    with pytest.raises(StorageError, match="of that name"):
        publish(place.staged, place.destination, place.record, step=clash)
    assert _read(place.staged) == NEW
    assert _hidden(place.base) == []
    (place.destination / "model.pt").rmdir()
    place.publish()
    place.check_complete(MERGED)


def test_a_destination_that_is_a_file_or_link_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, None)
    place.destination.parent.mkdir()
    place.destination.write_text("file")
    with pytest.raises(StorageError, match="a file or a link"):
        place.publish()
    place.destination.unlink()
    place.destination.symlink_to(tmp_path / "aside")
    (tmp_path / "aside").mkdir()
    with pytest.raises(StorageError, match="a file or a link"):
        place.publish()
    assert _read(place.staged) == NEW
    place.destination.unlink()
    place.publish()
    place.check_complete(NEW)


def test_a_failed_merge_takes_its_links_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, tmp_path, OLD)
    with monkeypatch.context() as patch:
        patch.setattr(trees, "exchange", lambda *_: _refuse(errno.EIO))
        with pytest.raises(StorageError):
            place.publish()
    assert _read(place.staged) == NEW
    assert _read(place.destination) == OLD
    place.publish()
    place.check_complete(MERGED)


def test_a_copy_that_was_stored_wrong_is_noticed(tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TR-L04: the checksum of what the storage gives back. The last write before reading back is the times'."""
    place = Place(tmp_path, elsewhere, OLD)
    genuine = os.utime

    def corrupt(path: Path, **times: tuple[int, int]) -> None:
        genuine(path, **times)
        if path.name == "shard":
            path.write_text("NEW SHARD")

    with monkeypatch.context() as patch:
        patch.setattr(trees.os, "utime", corrupt)
        with pytest.raises(StorageError, match="other content"):
            place.publish()
    assert _read(place.staged) == NEW
    assert _read(place.destination) == OLD
    assert _hidden(place.base) == []
    place.publish()
    place.check_complete(MERGED)


def test_a_record_belongs_to_one_publication(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, None)
    place.publish()
    with pytest.raises(StorageError, match="another publication"):
        publish(place.staged, place.base / "other", place.record)


@pytest.mark.parametrize("destination", ["model", "model/deep", "."])
def test_staging_and_destination_do_not_lie_in_each_other(tmp_path: Path, destination: str) -> None:
    place = Place(tmp_path, tmp_path, None)
    with pytest.raises(StorageError, match="lie in each other"):
        publish(place.staged, place.staged.parent / destination, place.record)


def test_names_that_are_no_utf_8_are_published(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, OLD)
    strange = os.fsdecode(b"\xff\xfe")
    (place.staged / strange).touch()
    place.publish()
    assert (place.destination / strange).exists()


_FULL_DISK = """
import json, subprocess, sys
from pathlib import Path
from easymaker_local.artifacts.publish import publish
from easymaker_local.errors import StorageError
work, disk = Path(sys.argv[1]), Path(sys.argv[2])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
(disk / "output").mkdir()
(disk / "output" / "mine").write_text("mine")
try:
    publish(work / "staged", disk / "output", work / "record")
except StorageError as error:
    print(json.dumps([str(error), sorted(path.name for path in disk.rglob("*"))]))
"""


def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """TR-49: no COMPLETE without the model: the caller gets an error, the staged tree is whole for another try."""
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here, so no small file system to fill")
    _write(tmp_path / "staged", {"small": "x" * 1000, "vast": "x" * 1_000_000})
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        [*namespace, sys.executable, "-c", _FULL_DISK, str(tmp_path), str(tmp_path / "disk")],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    message, left = json.loads(done.stdout)
    assert "No space left" in message
    assert "Free space" in message
    assert left == ["mine", "output"]
    assert sorted(_read(tmp_path / "staged")) == ["small", "vast"]
