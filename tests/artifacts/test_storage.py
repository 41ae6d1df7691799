"""Data locations against real directories and links."""

from __future__ import annotations

import os
import string
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easymaker_local.artifacts.locations import Kind
from easymaker_local.artifacts.storage import Storage, check_directory, size
from easymaker_local.errors import NotFound, StorageError
from easymaker_local.settings import Nas

OBS = "obs://kr1-api-object-storage.nhncloudservice.com/v1/AUTH_0123/data"


@pytest.fixture
def nas(tmp_path: Path) -> Path:
    path = tmp_path / "exports" / "lab"
    (path / "models").mkdir(parents=True)
    return path


@pytest.fixture
def storage(tmp_path: Path, nas: Path) -> Storage:
    made = Storage(tmp_path / "buckets", {"lab": Nas(path=nas), "archive": Nas(path=nas, read_only=True)})
    made.create_container("data")
    return made


@pytest.fixture
def bucket(storage: Storage, tmp_path: Path) -> Path:
    return tmp_path / "buckets" / "data"


# --- the grammar ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [OBS, "obs://127.0.0.1:10443/v1/AUTH_local/data", "obs://[::1]:1/v1.0/AUTH_a-b_c/data"])
@pytest.mark.parametrize(
    ("rest", "relative"),
    [("", ""), ("/", ""), ("//", ""), ("/a/b", "a/b"), ("/a/b/", "a/b"), ("/한글 이름", "한글 이름"), ("/100%", "100%")],
)
def test_any_endpoint_and_tenant_lead_to_the_container(
    storage: Storage, bucket: Path, base: str, rest: str, relative: str
) -> None:
    """GN-09."""
    location = storage.resolve(base + rest)
    assert (location.kind, location.name, location.relative) == (Kind.OBS, "data", relative)
    assert (location.path, location.root) == (bucket / relative, bucket)
    assert location.is_root == (relative == "")


def test_a_nas_path_names_a_directory_below_the_listed_one(storage: Storage, nas: Path) -> None:
    """GN-07."""
    location = storage.resolve("nas://lab:/models/")
    assert (location.kind, location.name, location.path, location.read_only) == (Kind.NAS, "lab", nas / "models", False)
    assert storage.resolve("nas://lab:/").is_root


def test_a_nas_that_is_not_listed_is_refused(storage: Storage) -> None:
    """GN-08."""
    with pytest.raises(StorageError, match="no NAS 'theirs'; known: archive, lab"):
        storage.resolve("nas://theirs:/models")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "no data location"),
        ("/etc/passwd", "no data location"),
        ("file:///etc/passwd", "no data location"),
        ("OBS://h/v1/AUTH_a/data/x", "no data location"),
        ("obs://h/v1/AUTH_a", "no data location"),
        ("obs://h/v1/AUTH_a/", "no data location"),
        ("obs://h/v1/data/x", "no data location"),
        ("obs:///v1/AUTH_a/data", "no data location"),
        ("nas://lab/models", "no data location"),
        ("nas://lab:models", "no data location"),
        ("nas://:/models", "no data location"),
        ("obs://{Object Storage API endpoint}/data/x", r"placeholder \{Object Storage API endpoint\}"),
        ("nas://{NAS ID}:/x", r"placeholder \{NAS ID\}"),
        (f"{OBS}/{{path}}", r"placeholder \{path\}"),
        (f"{OBS}/../other/x", r"holds '\.\.'"),
        (f"{OBS}/a/..", r"holds '\.\.'"),
        (f"{OBS}/./a", r"holds '\.'"),
        ("nas://lab:/../x", r"holds '\.\.'"),
        (f"{OBS}/a//b", "two slashes"),
        (f"{OBS}//a", "two slashes"),
        (f"{OBS}/a\0b", "control characters"),
        (f"{OBS}/a\nb", "control characters"),
        (f"{OBS}/a\ud800", "control characters or broken text"),
        (f"{OBS}/a ", "blank"),
        (f"{OBS}/.easymaker-tmp/x", "kept for the appliance"),
        ("obs://h/v1/AUTH_a/.trash/x", "leading dot"),
        ("obs://h/v1/AUTH_a/../x", "leading dot"),
        (f"{OBS}/{'가' * 86}", "bytes"),
        ("obs://h/v1/AUTH_a/absent/x", "no container 'absent'.*mkdir -p .*/buckets/absent"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_reason(storage: Storage, uri: str, message: str) -> None:
    with pytest.raises(StorageError, match=message):
        storage.resolve(uri)


def test_locations_have_at_most_255_characters(storage: Storage) -> None:
    """GN-09."""
    longest = OBS + "/a" * ((255 - len(OBS)) // 2)
    longest += "a" * (255 - len(longest))
    assert storage.resolve(longest).uri == longest
    with pytest.raises(StorageError, match="256 characters"):
        storage.resolve(longest + "a")


def test_percent_signs_are_letters(storage: Storage, bucket: Path) -> None:
    assert storage.resolve(f"{OBS}/%2e%2e/%2Fetc").path == bucket / "%2e%2e" / "%2Fetc"


# --- links ------------------------------------------------------------------------------------------------------------


def test_links_within_the_root_are_followed(storage: Storage, bucket: Path) -> None:
    (bucket / "v1").mkdir()
    (bucket / "latest").symlink_to("v1")
    (bucket / "full").symlink_to(bucket / "v1")
    (bucket / "v1" / "up").symlink_to("../latest")
    for name in ("latest", "full", "v1/up", "latest/up/up"):
        assert storage.resolve(f"{OBS}/{name}/model").path == bucket / "v1" / "model"


@pytest.mark.parametrize("target", ["/etc", "../..", "../data", "../../buckets/data", "a/../../x", "loop"])
def test_links_that_lead_out_are_refused_even_if_they_come_back(storage: Storage, bucket: Path, target: str) -> None:
    """GN-08, for containers: nothing outside of the storage can be addressed."""
    (bucket / "loop").symlink_to(target)
    with pytest.raises(StorageError, match=r"leads out|circles"):
        storage.resolve(f"{OBS}/loop/x")


def test_a_nas_link_that_leads_out_is_refused(storage: Storage, nas: Path) -> None:
    """GN-08."""
    (nas.parent / "private").mkdir()
    (nas / "out").symlink_to("../private")
    with pytest.raises(StorageError, match="leads out"):
        storage.resolve("nas://lab:/out")


def test_a_container_that_is_a_link_is_refused(storage: Storage, bucket: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    bucket.with_name("linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="is a link"):
        storage.resolve("obs://h/v1/AUTH_a/linked/x")
    assert storage.containers() == ["data"]


def test_recheck_notices_a_link_that_was_changed(storage: Storage, bucket: Path) -> None:
    (bucket / "v1").mkdir()
    (bucket / "v2").mkdir()
    (bucket / "latest").symlink_to("v1")
    location = storage.resolve(f"{OBS}/latest")
    assert storage.recheck(location) == location
    (bucket / "latest").unlink()
    (bucket / "latest").symlink_to("v2")
    with pytest.raises(StorageError, match="another place"):
        storage.recheck(location)


_NAMES = st.sampled_from(["a", "b", "c", "..", ".", "data", "x"])
_ODD = st.text(st.sampled_from("/.:{}% \\\0\n~*가" + string.ascii_lowercase[:4]), max_size=12)
_PATHS = st.lists(_NAMES | _ODD, max_size=6).map("/".join)
_URIS = st.one_of(
    st.text(max_size=40),
    st.builds("obs://h/v1/AUTH_t/{}".format, st.text(max_size=20) | _PATHS),
    st.builds("obs://h/v1/AUTH_t/data/{}".format, _PATHS | st.text(max_size=20)),
    st.builds("nas://lab:/{}".format, _PATHS | st.text(max_size=20)),
    st.builds("nas://{}:/{}".format, _ODD, _PATHS),
)
_LINKS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join),
        st.one_of(
            st.lists(_NAMES, min_size=1, max_size=5).map("/".join), st.sampled_from(["/", "/etc", "ROOT", "ROOT/a", "OUT"])
        ),
    ),
    max_size=8,
)


@settings(max_examples=250, deadline=None)
@given(uris=st.lists(_URIS, min_size=1, max_size=8), links=_LINKS)
def test_whatever_is_asked_for_stays_inside(uris: list[str], links: list[tuple[str, str]]) -> None:
    """GN-07, GN-08, GN-09: resolve refuses, or the real path of its answer lies in the root."""
    with tempfile.TemporaryDirectory() as made:
        base = Path(made).resolve()
        nas, buckets = base / "lab", base / "buckets"
        nas.mkdir()
        (base / "outside").mkdir()
        storage = Storage(buckets, {"lab": Nas(path=nas)})
        storage.create_container("data")
        for root in (nas, buckets / "data"):
            for name, target in links:
                here = root / name
                if Path(os.path.realpath(here.parent)).is_relative_to(root):  # create nothing elsewhere
                    try:
                        here.parent.mkdir(parents=True, exist_ok=True)
                        here.symlink_to(target.replace("ROOT", str(root)).replace("OUT", str(base / "outside")))
                    except OSError:
                        continue  # the name is taken, or leads into a circle
        for uri in uris:
            try:
                location = storage.resolve(uri)
            except StorageError:
                continue
            assert location.root in {nas, buckets / location.name}
            real = Path(os.path.realpath(location.path))
            assert real == location.path
            assert real.is_relative_to(location.root)


# --- outputs and inputs -----------------------------------------------------------------------------------------------


def test_outputs_need_a_container_but_no_path(storage: Storage, bucket: Path) -> None:
    assert storage.resolve_output(f"{OBS}/new/model").path == bucket / "new" / "model"
    with pytest.raises(StorageError, match="no container"):
        storage.resolve_output("obs://h/v1/AUTH_a/absent/model")
    (bucket / "file").touch()
    with pytest.raises(StorageError, match="is a file"):
        storage.resolve_output(f"{OBS}/file")


def test_a_read_only_nas_takes_no_output(storage: Storage) -> None:
    assert storage.resolve("nas://archive:/models").read_only
    with pytest.raises(StorageError, match="read-only"):
        storage.resolve_output("nas://archive:/models")
    with pytest.raises(StorageError, match="read-only"):
        storage.write("nas://archive:/x", [b""])
    with pytest.raises(StorageError, match="read-only"):
        storage.delete("nas://archive:/models", recursive=True)


def test_inputs_are_directories(storage: Storage, bucket: Path) -> None:
    storage.write(f"{OBS}/set/part", [b"123"])
    check_directory(storage.resolve(f"{OBS}/set"))
    with pytest.raises(StorageError, match="is a file"):
        check_directory(storage.resolve(f"{OBS}/set/part"))
    with pytest.raises(StorageError, match=r"nothing at .*%20"):
        check_directory(storage.resolve(f"{OBS}/my%20set"))


def test_size_adds_up_files_within_its_bound(storage: Storage, bucket: Path) -> None:
    storage.write(f"{OBS}/set/a", [b"123"])
    storage.write(f"{OBS}/set/deep/b", [b"12345"])
    (bucket / "set" / "link").symlink_to("a")
    found = size(storage.resolve(f"{OBS}/set"))
    assert (found.files, found.bytes, found.complete) == (2, 8, True)
    assert not size(storage.resolve(f"{OBS}/set"), max_entries=2).complete
    assert size(storage.resolve(f"{OBS}/set/a")).bytes == 3


# --- listing, reading, writing, deleting ------------------------------------------------------------------------------


def _names(storage: Storage, uri: str, *, recursive: bool = False) -> list[str]:
    return [entry.name for entry in storage.list(uri, recursive=recursive)]


def test_lists_are_sorted_and_show_nothing_of_ours(storage: Storage, bucket: Path, tmp_path: Path) -> None:
    for name in ("b", "a/y", "a/x/z", "B", "가"):
        storage.write(f"{OBS}/{name}", [b"12"])
    (bucket / ".easymaker-1234").mkdir()
    (bucket / "a" / ".easymaker-1234").touch()
    (bucket / "out").symlink_to(tmp_path)
    (bucket / "nowhere").symlink_to("absent")
    (bucket / "round").symlink_to("a")
    assert _names(storage, OBS) == ["B", "a", "b", "round", "가"]
    everything = ["B", "a", "a/x", "a/x/z", "a/y", "b", "round", "가"]
    assert _names(storage, OBS, recursive=True) == everything
    assert _names(storage, f"{OBS}/round") == ["x", "y"]
    [entry] = storage.list(f"{OBS}/a/y")
    assert (entry.name, entry.size, entry.is_directory) == ("y", 2, False)
    assert [e.is_directory for e in storage.list(f"{OBS}/a")] == [True, False]
    with pytest.raises(NotFound):
        storage.list(f"{OBS}/absent")


def test_names_that_are_no_utf_8_can_still_be_listed(storage: Storage, bucket: Path) -> None:
    Path(os.fsdecode(os.fsencode(bucket) + b"/\xff")).touch()
    assert _names(storage, OBS) == ["\ufffd"]


def test_what_was_written_is_read(storage: Storage) -> None:
    entry = storage.write(f"{OBS}/deep/model.bin", [b"one ", b"two"])
    assert (entry.name, entry.size) == ("model.bin", 7)
    with storage.open_read(f"{OBS}/deep/model.bin") as file:
        assert file.read() == b"one two"


def test_an_upload_is_seen_whole_or_not_at_all(storage: Storage, bucket: Path) -> None:
    """Readers keep the old file until the new one is complete; a broken upload leaves nothing."""
    uri = f"{OBS}/new/model"
    seen = []

    def chunks() -> Iterator[bytes]:
        yield b"x" * 100_000
        seen.append([*bucket.rglob("*")])
        raise ConnectionResetError

    with pytest.raises(StorageError):
        storage.write(uri, chunks())
    assert seen == [[]]
    assert [*bucket.rglob("*")] == []
    assert [*bucket.parent.glob(".easymaker-tmp/*")] == []

    storage.write(uri, [b"old"])

    def reading() -> Iterator[bytes]:
        yield b"new"
        with storage.open_read(uri) as file:
            seen.append(file.read())
        yield b"er"

    storage.write(uri, reading())
    assert seen[1] == b"old"
    with storage.open_read(uri) as file:
        assert file.read() == b"newer"


def test_sweep_removes_what_interrupted_uploads_left(storage: Storage, bucket: Path, nas: Path) -> None:
    for base in (bucket.parent, nas):
        (base / ".easymaker-tmp").mkdir()
        (base / ".easymaker-tmp" / "young").touch()
        (base / ".easymaker-tmp" / "old").touch()
        os.utime(base / ".easymaker-tmp" / "old", (0, 0))
    storage.sweep()
    assert [*(bucket.parent / ".easymaker-tmp").iterdir()] == []
    assert [path.name for path in (nas / ".easymaker-tmp").iterdir()] == ["young"]  # perhaps another machine's


def test_uploads_do_not_replace_directories_and_do_not_go_below_files(storage: Storage, bucket: Path) -> None:
    storage.write(f"{OBS}/a/b", [b""])
    for uri in (f"{OBS}/a", OBS, f"{OBS}/c/"):
        with pytest.raises(StorageError, match="is a directory"):
            storage.write(uri, [b""])
    for uri in (f"{OBS}/a/b/c", f"{OBS}/a/b/c/d"):
        with pytest.raises(StorageError, match="is a file"):
            storage.write(uri, [b""])
    with pytest.raises(StorageError, match="not a file"):
        storage.open_read(f"{OBS}/a")
    os.mkfifo(bucket / "pipe")
    with pytest.raises(StorageError, match="not a file"):
        storage.open_read(f"{OBS}/pipe")


def test_an_upload_replaces_a_link_and_not_what_it_leads_to(storage: Storage, bucket: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (bucket / "link").symlink_to(outside)
    storage.write(f"{OBS}/link", [b"new"])
    assert outside.read_text() == "mine"
    assert (bucket / "link").read_bytes() == b"new"
    assert not (bucket / "link").is_symlink()


def test_directories_are_deleted_only_recursively(storage: Storage, bucket: Path) -> None:
    storage.write(f"{OBS}/a/b", [b""])
    with pytest.raises(StorageError, match="recursive"):
        storage.delete(f"{OBS}/a")
    storage.delete(f"{OBS}/a/b")
    with pytest.raises(NotFound):
        storage.delete(f"{OBS}/a/b")
    storage.delete(f"{OBS}/a", recursive=True)
    assert [*bucket.iterdir()] == []
    storage.delete(OBS, recursive=True)
    assert storage.containers() == []


def test_deleting_a_link_spares_its_target(storage: Storage, bucket: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    (bucket / "link").symlink_to(outside)
    with pytest.raises(StorageError, match="leads out"):
        storage.delete(f"{OBS}/link/file")
    storage.delete(f"{OBS}/link", recursive=True)
    assert (outside / "file").exists()
    assert not (bucket / "link").is_symlink()


def test_a_whole_nas_is_never_deleted(storage: Storage, nas: Path) -> None:
    with pytest.raises(StorageError, match="whole NAS"):
        storage.delete("nas://lab:/", recursive=True)
    assert (nas / "models").is_dir()


# --- containers -------------------------------------------------------------------------------------------------------


def test_containers_are_the_directories_without_leading_dot(storage: Storage, bucket: Path) -> None:
    assert storage.create_container("Zeta")
    assert not storage.create_container("Zeta")
    bucket.with_name(".trash").mkdir()
    bucket.with_name("file").touch()
    bucket.with_name("dropped-in").mkdir()
    assert storage.containers() == ["Zeta", "data", "dropped-in"]


@pytest.mark.parametrize("name", ["", ".", "..", ".trash", "a/b", "a\0", "{name}", "x" * 256])
def test_containers_have_plain_names(storage: Storage, name: str) -> None:
    with pytest.raises(StorageError):
        storage.create_container(name)


def test_no_container_before_the_first_is_made(tmp_path: Path) -> None:
    assert Storage(tmp_path / "absent", {}).containers() == []
