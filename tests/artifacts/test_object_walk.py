"""Listings compared with what Swift says of a sorted list of names (rest-api §8.2)."""

from __future__ import annotations

import os
import shutil
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easymaker_local.artifacts.object_walk import Query, list_objects

# Few letters, so that prefixes, markers and delimiters meet; "-" and "." sort before "/", "0" and letters after.
_PART = st.text("a-.0é", min_size=1, max_size=3).filter(lambda part: part not in {".", ".."})
_NAME = st.lists(_PART, min_size=1, max_size=3).map("/".join)
_TEXT = st.one_of(st.just(""), _NAME, _NAME.map(lambda name: f"{name}/"), st.text("a-./é", max_size=3))


def model(names: set[str], query: Query) -> list[str]:
    """Return all lines that a listing has, in order."""
    found: dict[str, None] = {}
    for name in sorted(names, key=str.encode):
        if not name.startswith(query.prefix) or name.encode() <= query.marker.encode():
            continue
        if query.end_marker and name.encode() >= query.end_marker.encode():
            break
        end = name.find(query.delimiter, len(query.prefix)) if query.delimiter else -1
        line = name if end < 0 else name[: end + len(query.delimiter)]
        if line.encode() > query.marker.encode():
            found[line] = None
    return list(found)


def fitting(names: set[str]) -> set[str]:
    """Leave out names that would be a file and a directory at once."""
    folders = {name[:at] for name in names for at, letter in enumerate(name) if letter == "/"}
    return {name for name in names if name not in folders}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=st.sets(_NAME, max_size=25), marked=st.sets(_NAME, max_size=3), prefix=_TEXT, marker=_TEXT, end_marker=_TEXT,
    delimiter=st.sampled_from(["", "/", "/", "-", "a", ".0"]), limit=st.integers(1, 5),
)  # fmt: skip
def test_a_listing_is_what_swift_would_say(
    tmp_path: Path, wanted: set[str], marked: set[str], prefix: str, marker: str, end_marker: str, delimiter: str, limit: int
) -> None:
    root = tmp_path / "bucket"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    names = fitting(wanted)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    # Markers in both forms, where a directory can be.
    folders = {name for name in marked if not any((root / "/".join(name.split("/")[: n + 1])).is_file() for n in range(3))}
    for name in folders:
        (root / name).mkdir(parents=True, exist_ok=True)
    markers = sorted({f"{name}/" for name in folders} | {name for name in folders if len(name) % 2})
    query = Query(prefix, delimiter, marker, end_marker)
    expected = model(names | set(markers), query)
    assert [listed.name for listed in list_objects(root, query, markers)] == expected
    # Page by page, each from the last line of the one before: nothing twice, nothing left out.
    paged: list[str] = []
    while True:
        after = Query(prefix, delimiter, paged[-1] if paged else marker, end_marker)
        page = [listed.name for listed in islice(list_objects(root, after, markers), limit)]
        paged += page
        if len(page) < limit:
            break
    assert paged == expected


def test_a_page_opens_only_the_directories_that_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path.resolve()
    for number in range(50):
        (root / f"d{number:02}").mkdir()
        (root / f"d{number:02}" / "file").touch()
    opened: list[str] = []
    scandir = os.scandir

    def watched(path: Path) -> object:
        opened.append(Path(os.fsdecode(path)).name)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", watched)
    page = [listed.name for listed in islice(list_objects(root, Query(marker="d20/file")), 2)]
    assert page == ["d21/file", "d22/file"]
    assert opened[1:] == ["d20", "d21", "d22"]
    opened.clear()
    assert [listed.name for listed in list_objects(root, Query(prefix="d4", delimiter="/"))] == [f"d4{n}/" for n in range(10)]
    assert len(opened) == 11


def test_links_hidden_names_and_what_is_no_text_are_no_objects(tmp_path: Path) -> None:
    root = (tmp_path / "bucket").resolve()
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "file").touch()
    (root / "link").symlink_to("folder/file")
    (root / "tree").symlink_to("folder")
    (root / "out").symlink_to(tmp_path)
    (root / "dangling").symlink_to("nowhere")
    (root / ".easymaker-tmp").mkdir()
    (root / ".easymaker-tmp" / "x").touch()
    Path(os.fsdecode(os.fsencode(root) + b"/\xff")).touch()
    assert [listed.name for listed in list_objects(root, Query())] == ["folder/file", "link"]
    assert list(list_objects(root, Query(prefix="tree/"))) == []
    for prefix in ("../", "/", "//", "/etc/", "folder//", "./", "folder/../", ".easymaker-tmp/", "folder/../../bucket/"):
        assert list(list_objects(root, Query(prefix=prefix))) == [], prefix
