"""Orders of lists and places in them."""

from __future__ import annotations

import pytest

from easymaker_local.domain.page import NEWEST_FIRST, Cursor, Order, SortBy, SortOrder


def test_dates_go_from_the_newest_on_and_words_from_a_to_z() -> None:
    assert Order.of(SortBy.CREATED, None) == NEWEST_FIRST
    assert Order.of(SortBy.NAME, None) == Order(SortBy.NAME, SortOrder.ASC)
    assert not Order.of(SortBy.STATUS, None).is_turned
    assert Order.of(SortBy.CREATED, SortOrder.ASC).is_turned


@pytest.mark.parametrize("value", ["", "a", '"quoted"', "이름" * 25, "\\"])
def test_a_cursor_comes_back_as_it_was_written(value: str) -> None:
    cursor = Cursor(1700000000.123456, "0123456789abcdef", Order(SortBy.NAME, SortOrder.DESC), value)
    assert Cursor.parse(str(cursor)) == cursor
    assert str(cursor).isascii()


@pytest.mark.parametrize("text", ["", "x", "MQ==", "W10=", "WyJuYW1lIiwiQVNDIiwiIiwxLDFd", "ünï"])
def test_what_no_page_gave_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError):
        Cursor.parse(text)


@pytest.mark.parametrize("cursor", [Cursor(float("nan"), "a"), Cursor(float("inf"), "a"), Cursor(1.0, "")])
def test_a_cursor_without_a_time_or_an_id_is_none(cursor: Cursor) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        Cursor.parse(str(cursor))
