"""Whatever links lie in a bucket and whatever is asked: nothing outside is read, written, listed or deleted."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from easymaker_local.artifacts.locations import HIDDEN, MAX_NAME_BYTES, MAX_URI_CHARACTERS, parse, walk_inside
from easymaker_local.artifacts.storage import Storage
from easymaker_local.errors import EasyMakerError, StorageError
from easymaker_local.settings import Nas

BASES = ["obs://h/v1/AUTH_t/data", "nas://lab:"]
SECRET = b"not yours"

# What some reader somewhere takes for a dot, a slash, a way up or nothing at all.
TRICKS = [
    "．．", "‥", "…", "․․", "%2e%2e", "%c0%ae%c0%ae", "..%2f", "..\\", "..;", ".. ", "...", "／", "∕", "⁄", "⧸", "%2f", "\\",
    "a\u200b", "\u202e..", "..\u200d", "~", "~root", "$HOME", "${HOME}", "*", "COM1", "a:b", "-rf", ".git", "..a", "a..",
]  # fmt: skip
NAMES = st.sampled_from(["a", "b", "c", "file", "deep", *TRICKS])
PATHS = st.lists(NAMES | st.sampled_from(["..", ".", ""]), min_size=1, max_size=5).map("/".join)
TARGETS = st.one_of(
    st.lists(st.sampled_from(["a", "b", "c", "..", ".", "deep"]), min_size=1, max_size=6).map("/".join),
    st.sampled_from(["/", "OUT", "OUT/secret", "ROOT", "ROOT/a", "ROOT/../..", "ROOT/../../outside", "../../outside/secret",
                     "../outside", "//OUT", "/proc/self/cwd", "/proc/self/root", "/dev/fd/0"]),
)  # fmt: skip
LINKS = st.lists(st.tuples(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join), TARGETS), max_size=8)


@dataclass
class World:
    """A bucket and a NAS side by side, and what must not be touched."""

    storage: Storage
    roots: dict[str, Path]
    outside: Path

    def surroundings(self) -> list[tuple[str, bytes | str]]:
        """Return everything that lies outside of the roots, with its content."""
        found: list[tuple[str, bytes | str]] = []
        for folder, folders, files in os.walk(self.outside.parent):
            folders[:] = [name for name in folders if Path(folder, name) not in self.roots.values() and name != f"{HIDDEN}tmp"]
            found += [(str(Path(folder, name)), "directory") for name in folders]
            found += [(str(Path(folder, name)), Path(folder, name).read_bytes()) for name in files]
        return sorted(found)


@contextmanager
def world(links: list[tuple[str, str]]) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as made:
        base = Path(made).resolve()
        outside = base / "outside"
        (outside / "a").mkdir(parents=True)
        (outside / "secret").write_bytes(SECRET)
        (outside / "a" / "file").write_bytes(SECRET)
        (base / "lab").mkdir()
        storage = Storage(base / "buckets", {"lab": Nas(path=base / "lab")})
        storage.create_container("data")
        roots = dict(zip(BASES, (base / "buckets" / "data", base / "lab"), strict=True))
        for root in roots.values():
            (root / "file").write_bytes(b"inside")
            for name, target in links:
                here = root / name
                if Path(os.path.realpath(here.parent)).is_relative_to(root):
                    try:
                        here.parent.mkdir(parents=True, exist_ok=True)
                        here.symlink_to(target.replace("ROOT", str(root)).replace("OUT", str(outside)))
                    except OSError:
                        continue  # the name is taken
        yield World(storage, roots, outside)


@settings(max_examples=200, deadline=None)
@given(links=LINKS, paths=st.lists(PATHS, min_size=1, max_size=6), verbs=st.permutations(["read", "list", "write", "delete"]))
@example(links=[("a", "OUT")], paths=["a/secret", "a", "a/a/file"], verbs=["read", "list", "write", "delete"])
@example(links=[("a", "b"), ("b", "../../outside")], paths=["a/secret", "b"], verbs=["delete", "write", "list", "read"])
def test_no_verb_reaches_what_lies_outside(links: list[tuple[str, str]], paths: list[str], verbs: list[str]) -> None:
    """GN-07, GN-08, GN-L06."""
    with world(links) as made:
        before = made.surroundings()
        for base in BASES:
            for path in paths:
                for verb in verbs:
                    try:
                        _do(made.storage, verb, f"{base}/{path}")
                    except EasyMakerError:
                        continue
        assert made.surroundings() == before


def _do(storage: Storage, verb: str, uri: str) -> None:
    if verb == "read":
        with storage.open_read(uri) as file:
            assert file.read() != SECRET
    elif verb == "list":
        assert not [entry for entry in storage.list(uri, recursive=True) if entry.name.endswith("secret")]
    elif verb == "write":
        storage.write(uri, [b"written"])
    else:
        storage.delete(uri, recursive=True)


# Names that a file system and an address can hold: no slash, no control character, nothing of ours.
NAME = (
    st.text(st.characters(blacklist_categories=["Cc", "Cs"], blacklist_characters="/{}"), min_size=1, max_size=20)
    | st.sampled_from(TRICKS).filter(lambda name: not {"{", "}"} & set(name))
).filter(lambda n: n not in {".", ".."} and not n.startswith(HIDDEN) and len(n.encode()) <= MAX_NAME_BYTES)


@settings(max_examples=150, deadline=None)
@given(names=st.lists(NAME, min_size=1, max_size=4), content=st.binary(max_size=50))
def test_what_is_written_under_a_name_is_found_under_it_and_no_other(names: list[str], content: bytes) -> None:
    """GN-09: names are taken as they are written, whatever they look like; no two become one."""
    path = "/".join(names)
    for base in BASES:
        uri = f"{base}/{path}"
        if len(uri) > MAX_URI_CHARACTERS or uri != uri.strip():
            continue
        with world([]) as made:
            if names == ["file"]:
                continue
            made.storage.write(uri, [content])
            assert parse(uri).parts == tuple(names)
            location = made.storage.resolve(uri)
            assert (location.relative, location.path) == (path, made.roots[base] / path)
            with made.storage.open_read(uri) as file:
                assert file.read() == content
            assert {e.name for e in made.storage.list(f"{base}/", recursive=True) if not e.is_directory} == {path, "file"}
            for form in ("NFC", "NFD", "NFKC", "NFKD"):
                other = f"{base}/{unicodedata.normalize(form, path)}"
                if other != uri:
                    with pytest.raises(EasyMakerError):
                        made.storage.open_read(other).close()
            made.storage.delete(uri)
            assert {e.name for e in made.storage.list(f"{base}/", recursive=True) if not e.is_directory} == {"file"}


@settings(max_examples=200, deadline=None)
@given(links=LINKS, path=st.lists(st.sampled_from(["a", "b", "c", "..", "deep"]), min_size=1, max_size=6))
def test_the_walk_agrees_with_the_kernel(links: list[tuple[str, str]], path: list[str]) -> None:
    """Where the walk lets somebody through, the kernel goes the same way: nothing is left for a second look to differ on."""
    with world(links) as made:
        for root in made.roots.values():
            try:
                walked = walk_inside(root, path)
            except StorageError:
                continue
            assert walked.is_relative_to(root)
            real = Path(os.path.realpath(root.joinpath(*path)))
            if ".." not in path:
                assert walked == real
            assert Path(os.path.realpath(walked)) == walked
