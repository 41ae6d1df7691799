"""Archives of models are a stranger's: whatever is in one, nothing is written outside of its directory (FS-04, FS-L02)."""

from __future__ import annotations

import io
import stat
import tarfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from easymaker_serving.frameworks.mar import MANIFEST, lay_out, lay_out_loose, read_manifest, unpack
from easymaker_serving.model import LoadFailed
from hypothesis import example, given
from hypothesis import strategies as st


def member(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def zipped(*members: tuple[str | zipfile.ZipInfo, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return data.getvalue()


def tarred(*members: tarfile.TarInfo) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for info in members:
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    return data.getvalue()


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        pytest.param("x.mar", zipped(("../outside.py", "")), "which leads out of it", id="up"),
        pytest.param("x.mar", zipped(("/tmp/outside.py", "")), "which leads out of it", id="absolute"),
        pytest.param("x.mar", zipped(("a/../../outside.py", "")), "which leads out of it", id="up later"),
        pytest.param(
            "x.mar", zipped((member("link", stat.S_IFLNK | 0o777), "/etc")), "'link', which is no regular file", id="link"
        ),
        pytest.param("x.mar", zipped(("a", ""), ("./a", "")), "holds './a' twice", id="twice"),
        pytest.param("x.mar", zipped(("a", ""), ("a/b", "")), "holds 'a/b' twice", id="file and directory"),
        pytest.param("x.mar", zipped(*[(str(number), "") for number in range(10_001)]), "more than 10,000 files", id="many"),
        pytest.param("x.mar", zipped(("handler.py", "")), "torch-model-archiver did not make it", id="no manifest"),
        pytest.param("x.mar", b"no archive", "'x.mar' cannot be unpacked", id="no zip"),
        pytest.param("x.mar", zipped(("a", "x" * 1000))[:500], "'x.mar' cannot be unpacked", id="cut"),
        pytest.param("x.tar.gz", tarred(tar_member("net/../../outside")), "which leads out of it", id="tar up"),
        pytest.param("x.tar.gz", tarred(tar_member("/outside")), "torch-model-archiver did not make it", id="tar absolute"),
        pytest.param(
            "x.tar.gz", tarred(tar_member("net/link", tarfile.SYMTYPE, "/etc")), "which is no regular file", id="tar link"
        ),
        pytest.param(
            "x.tar.gz",
            tarred(tar_member("net/hard", tarfile.LNKTYPE, "/etc/passwd")),
            "which is no regular file",
            id="tar hard link",
        ),
        pytest.param("x.tar.gz", b"no archive", "'x.tar.gz' cannot be unpacked", id="no tar"),
    ],
)
def test_hostile_archives(tmp_path: Path, file: str, data: bytes, message: str) -> None:
    (tmp_path / file).write_bytes(data)
    with pytest.raises(LoadFailed, match=message):
        unpack(tmp_path / file)
    assert not list(tmp_path.parent.glob("outside*")) and not Path("/outside").exists()


MAR = zipped((MANIFEST, '{"model": {"handler": "h.py"}}'), ("h.py", "x = 1"), ("deep/er/file", "text" * 100))


def test_what_is_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "x.mar").write_bytes(MAR)
    with unpack(tmp_path / "x.mar") as folder:
        assert (Path(folder) / "deep/er/file").read_text() == "text" * 100
        assert read_manifest(Path(folder)) == {"handler": "h.py"}
    assert not Path(folder).exists()


PARTS = st.sampled_from(["..", ".", "", "a", "b", "/", "MAR-INF", "\\", "C:"]) | st.text(max_size=3)


@given(st.lists(st.lists(PARTS, min_size=1, max_size=4).map("/".join), max_size=4))
@example(["/" * 3 + "outside"])
def test_no_name_leads_out(names: list[str]) -> None:
    with TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, of names that are there twice
        archive = Path(place) / "in" / "x.mar"
        archive.parent.mkdir()
        with suppress(ValueError, IndexError):  # names that zipfile does not write
            archive.write_bytes(zipped((MANIFEST, "{}"), *[(name, "x") for name in names]))
        if archive.exists():
            with suppress(LoadFailed), unpack(archive) as folder:
                assert all(path.resolve().is_relative_to(folder) for path in Path(folder).rglob("*"))
        assert [path.name for path in Path(place).rglob("*") if path.is_file()] in ([], ["x.mar"])


@given(st.integers(0, len(MAR) - 1), st.integers(0, 255), st.integers(0, len(MAR)))
def test_a_damaged_archive_is_refused_or_whole(place: int, byte: int, length: int) -> None:
    data = bytearray(MAR)
    data[place] = byte
    with TemporaryDirectory() as folder:
        for name in ("x.mar", "x.tar.gz"):
            (Path(folder) / name).write_bytes(data[: length or None])
            with suppress(LoadFailed):
                unpack(Path(folder) / name).cleanup()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": 1}', '{"model": {}}', '{"model": {"handler": 1}}'])
def test_manifests_that_say_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).parent.mkdir()
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(LoadFailed, match="MANIFEST"):
        read_manifest(tmp_path)


def test_loose_files_lie_as_the_archiver_would_place_them(tmp_path: Path) -> None:
    """FS-05…FS-10: what is in ``extra`` at the top; of two files with one name, the one at the top."""
    source = tmp_path / "model"
    for name in ("model.py", "handler.py", "w.pt", "requirements.txt", "extra/note", "extra/deep/note", "extra/model.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    with lay_out_loose(source, "w.pt", "net") as folder:
        top = Path(folder)
        texts = {name: (top / name).read_text() for name in ("model.py", "note", "deep/note", "extra/note")}
        assert texts == {
            "model.py": "model.py",
            "note": "extra/note",
            "deep/note": "extra/deep/note",
            "extra/note": "extra/note",
        }
        assert read_manifest(top) == {
            "modelName": "net", "modelVersion": "1.0", "modelFile": "model.py", "handler": "handler.py",
            "serializedFile": "w.pt", "requirementsFile": "requirements.txt",
        }  # fmt: skip
        (top / "deep/new").write_text("handlers may")
    assert not (source / "extra/deep/new").exists()
    assert (source / "model.py").read_text() == "model.py"


def test_an_archive_that_was_not_packed_is_linked(tmp_path: Path) -> None:
    source = tmp_path / "model"
    (source / "MAR-INF").mkdir(parents=True)
    (source / MANIFEST).write_text('{"model": {"handler": "h"}}')
    with lay_out(source) as folder:
        assert read_manifest(Path(folder)) == {"handler": "h"}
