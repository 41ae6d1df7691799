"""Swift's access lists: what they grant, and how one account is put on them and taken off (OS-L01)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.access_list import Account, Permission, fault, grants, with_account, without_account

ME = Account("local", "easymaker")
_ENTRY = st.sampled_from(["local:easymaker", "local:*", "*:easymaker", "*:*", "local", "other:easymaker", "local:other", ".r:*", ".r:x.org", ".rlistings"])  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("text", "granted"),
    [
        ("", False), ("local:easymaker", True), (" a:b , local:easymaker ", True), ("local:*", True), ("*:easymaker", True),
        ("*:*", True), ("local", True), ("*", True), (".r:*", True), (".r:*,.rlistings", True), (".rlistings", False),
        (".r:example.org", False), ("local:other", False), ("other:easymaker", False), ("localx:easymaker", False),
        ("local:easymaker2", False), ("easymaker", False), (",,", False), ("LOCAL:easymaker", False),
    ],
)  # fmt: skip
def test_who_is_named(text: str, granted: bool) -> None:
    assert grants(text, ME) is granted


@given(st.lists(_ENTRY).map(",".join))
def test_on_and_off(text: str) -> None:
    assert grants(with_account(text, ME), ME)
    assert not grants(without_account(text, ME), ME)
    other = Account("other", "easymaker")
    if "other:easymaker" in text.split(","):
        assert grants(without_account(text, ME), other)


@pytest.mark.parametrize(
    ("text", "permission", "is_fine"),
    [
        ("a:b,c:d", Permission.READ, True), (".r:*", Permission.READ, True), (".r:*", Permission.WRITE, False),
        (".x:y", Permission.READ, False), ("a b:c", Permission.READ, False), ("a:b\n", Permission.WRITE, True),
        ("a:" + "b" * 3000, Permission.READ, False),
    ],
)  # fmt: skip
def test_what_is_no_list(text: str, permission: Permission, is_fine: bool) -> None:
    assert (fault(text, permission) is None) is is_fine
