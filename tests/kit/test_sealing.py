"""Secrets at rest (MD-L03, architecture 12)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.kit.sealing import seal, unseal

KEY = b"k" * 32


@given(st.text(), st.text())
def test_what_is_sealed_opens_again(text: str, about: str) -> None:
    assert unseal(KEY, seal(KEY, text, about), about) == text


def test_nothing_of_it_shows_and_no_two_are_the_same() -> None:
    first, second = (seal(KEY, "hf_very_secret", "m1") for _ in range(2))
    assert first != second
    assert b"secret" not in base64.b64decode(first)


@pytest.mark.parametrize(("key", "about"), [(b"x" * 32, "m1"), (KEY, "m2")])
def test_another_key_or_owner_opens_nothing(key: bytes, about: str) -> None:
    with pytest.raises(ValueError, match="sealed with another key"):
        unseal(key, seal(KEY, "secret", "m1"), about)


@given(st.integers(0, 33), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    data = bytearray(base64.b64decode(seal(KEY, "secret", "m1")))
    data[place] ^= change
    with pytest.raises(ValueError, match="changed"):
        unseal(KEY, base64.b64encode(data).decode(), "m1")


@given(st.binary())
def test_what_is_no_seal_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ValueError):
        unseal(KEY, base64.b64encode(data).decode(), "m1")
