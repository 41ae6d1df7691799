"""Lines become entries: nothing lost, nothing doubled, levels where programs put them (LG-08)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain import log_entry
from easymaker_local.domain.log_entry import MAXIMUM_ENTRY_BYTES, Level, cut_lines, level_of

WARNINGS = [
    "WARNING: low memory", "WARN low memory", "[WARN] x", "[WARNING] x", "WARNING:root:x", "2026-01-01 12:00:00,123 WARNING x",
    "2026-01-01 12:00:00,123 - name - WARNING - x", "12:00:01 | WARNING  | name:12 - x", "2026-01-01T12:00:00Z WARN x",
    '{"level": "warn", "message": "x"}', "time=2026 level=warning msg=x", "W0101 12:00:00.000000 1 file.cc:1] x",
    "2026-01-01 12:00:00.123456: W tensorflow/core/x.cc:64] x", "/code/train.py:12: UserWarning: x",
    "train.py:3: FutureWarning: x",
]  # fmt: skip
ERRORS = [
    "ERROR: x", "[ERROR] x", "ERROR:root:x", "CRITICAL x", "FATAL: x", "2026-01-01 12:00:00,123 ERROR x", "root - ERROR - x",
    "2026-01-01 12:00:00 [main] ERROR com.x - y", "<ERROR> x", "(ERROR) x", '{"levelname": "ERROR"}', "level=error",
    "E0101 12:00:00.000000 1 file.cc:1] x", "2026-01-01 12:00:00.123456: E external/x.cc:9261] x",
    "2026-01-01 12:00:00.1: F x.cc:1] x", "Traceback (most recent call last):",
]  # fmt: skip
INFOS = [
    "", "epoch 1 loss=0.1", "no errors", "error rate: 0.1", "errors=0", "mean error 0.2", "found NO ERROR so far",
    "INFO: error x",
    "INFO:root:ERROR handling is on", "warning rate", "level=info", "the level: high", "WARNINGS", "ERRORS: 0", "E", "Error",
    "2026-01-01 12:00:00,123 INFO x", "2026-01-01 12:00:00.1: I tensorflow/x.cc:1] x", "x" * 300 + " [ERROR] x",
]  # fmt: skip


@pytest.mark.parametrize("line", WARNINGS)
def test_warning(line: str) -> None:
    assert level_of(line) is Level.WARNING


@pytest.mark.parametrize("line", ERRORS)
def test_error(line: str) -> None:
    assert level_of(line) is Level.ERROR


@pytest.mark.parametrize("line", INFOS)
def test_info(line: str) -> None:
    assert level_of(line) is Level.INFO


@given(st.text(max_size=300))
def test_any_line_has_a_level(line: str) -> None:
    assert level_of(line) in Level


# Pieces of all sizes, so that lines, characters and bounds are cut everywhere.
DATA = st.lists(
    st.sampled_from([b"a", b"bc", b"\n", b"\r\n", "한".encode(), "😀".encode(), b"\xff", b"\x80\x80\x80\x80\x80", b" "])
).map(b"".join)


@given(data=DATA, sizes=st.lists(st.integers(8, 30), min_size=1), bound=st.integers(4, 7))
def test_lines_do_not_depend_on_how_they_are_read(data: bytes, sizes: list[int], bound: int) -> None:
    """LG-L01: a follower that reads in pieces of any size gets what one that reads all at once gets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_entry, "MAXIMUM_ENTRY_BYTES", bound)
        expected, taken = cut_lines(data, final=True)
        assert taken == len(data)
        found: list[str] = []
        offset, turn = 0, 0
        while offset < len(data):
            size = sizes[turn % len(sizes)]
            piece = data[offset : offset + size]
            lines, took = cut_lines(piece, final=offset + size >= len(data))
            assert took > 0, "whoever follows must get on"
            found += lines
            offset, turn = offset + took, turn + 1
    whole = [line for line in data.decode(errors="replace").replace("\r\n", "\n").removesuffix("\n").split("\n") if data]
    assert "".join(found) == "".join(expected)
    if b"\r" not in data and b"\xff" not in data and b"\x80" not in data:
        assert found == expected
        assert "".join(found) == "".join(whole)
        assert all(len(line.encode()) <= bound for line in found)


def test_a_line_without_its_end_waits() -> None:
    assert cut_lines(b"one\ntwo", final=False) == (["one"], 4)
    assert cut_lines(b"two", final=False) == ([], 0)
    assert cut_lines(b"two", final=True) == (["two"], 3)
    assert cut_lines(b"", final=True) == ([], 0)
    assert cut_lines(b"\n\n", final=True) == (["", ""], 2)


def test_an_endless_line_is_cut() -> None:
    data = b"x" * (3 * MAXIMUM_ENTRY_BYTES + 5)
    lines, taken = cut_lines(data, final=False)
    assert [len(line) for line in lines] == [MAXIMUM_ENTRY_BYTES] * 3
    assert taken == 3 * MAXIMUM_ENTRY_BYTES
