"""Secrets in files: private from the first moment, whole or not there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.kit.secret_files import derive, ensure_key, ensure_token, is_private, renew_token


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """The mode must not depend on what the user's shell has set."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_token_is_made_once_and_replaced_on_request(tmp_path: Path) -> None:
    file = tmp_path / "home" / "token"
    first = ensure_token(file)
    assert len(first) >= 32
    assert ensure_token(file) == first
    second = renew_token(file)
    assert ensure_token(file) == second != first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["token"]


def test_an_empty_token_is_none(tmp_path: Path) -> None:
    """An empty file must never let everybody in."""
    file = tmp_path / "token"
    file.write_text("\n")
    assert ensure_token(file)


def test_a_key_is_made_once_and_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    key = ensure_key(file)
    assert ensure_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for damaged in (b"", key[:-1], key + b"\n"):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"secret\.key"):
            ensure_key(file)
        assert file.read_bytes() == damaged


def test_derived_keys_differ_by_purpose_and_key() -> None:
    assert len({derive(key, purpose) for key in (b"1" * 32, b"2" * 32) for purpose in ("a", "b")}) == 4
    assert derive(b"1" * 32, "a") == derive(b"1" * 32, "a")


@pytest.mark.parametrize(("mode", "private"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False), (0o620, False)])
def test_private_means_nobody_else(tmp_path: Path, mode: int, private: bool) -> None:
    file = tmp_path / "token"
    file.touch()
    file.chmod(mode)
    assert is_private(file) is private
