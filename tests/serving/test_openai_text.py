"""Text that appears piece by piece: whole characters, nothing of a stop string, and limits with their numbers (OI-14)."""

from __future__ import annotations

import pytest
from easymaker_serving.generation import Context, Sampling, TextStream
from easymaker_serving.model import InvalidInput
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.generation_fakes import decode

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\ufffd"), max_size=30)
FEW_LETTERS = st.text("ab한", max_size=20)


def pieces(answer: bytes, stop: list[str], before: bytes = b"") -> tuple[list[str], bool]:
    stream = TextStream(decode, list(before), stop)
    found = []
    for token in answer:
        found.append(stream.add(token))
        if stream.stopped:
            return found, True
    found.append(stream.finish())
    return found, stream.stopped


@given(TEXT, TEXT)
def test_pieces_are_whole_characters_and_join_to_the_text(before: str, answer: str) -> None:
    found, stopped = pieces(answer.encode(), [], before.encode())
    assert "".join(found) == answer
    assert not stopped


@given(st.binary(max_size=40))
def test_bytes_that_are_no_text_are_told_by_the_end(answer: bytes) -> None:
    found, _ = pieces(answer, [])
    assert "".join(found) == decode(answer)


@given(FEW_LETTERS, st.lists(st.text("ab한", min_size=1, max_size=4), min_size=1, max_size=3))
def test_the_text_ends_before_the_first_stop_string(answer: str, stop: list[str]) -> None:
    found, stopped = pieces(answer.encode(), stop)
    ends = [length for length in range(len(answer) + 1) if any(answer[:length].endswith(text) for text in stop)]
    assert stopped == bool(ends)
    if not ends:
        assert "".join(found) == answer
        return
    seen = answer[: ends[0]]
    assert "".join(found) == seen[: min(seen.find(text) for text in stop if text in seen)]


def test_a_piece_waits_only_as_long_as_it_may_belong_to_a_stop_string() -> None:
    found, stopped = pieces(b"one\n\ntwo\n###three", ["\n###"])
    assert found == ["o", "n", "e", "", "\n", "\nt", "w", "o", "", "", "", ""]
    assert stopped


@pytest.mark.parametrize(
    ("context", "prompt", "wanted", "room"),
    [
        (Context(10, shared=True), 4, 6, 6),
        (Context(10, shared=True), 4, None, 6),
        (Context(10, shared=True), 4, 7, None),
        (Context(10, shared=True), 10, None, None),
        (Context(10, shared=False), 10, 10, 10),
        (Context(10, shared=False), 11, 1, None),
        (Context(10, shared=False), 1, 11, None),
    ],
)
def test_room_for_an_answer(context: Context, prompt: int, wanted: int | None, room: int | None) -> None:
    if room is not None:
        assert context.room(prompt, wanted) == room
        return
    with pytest.raises(InvalidInput, match=f"context has 10 tokens. The prompt has {prompt}"):
        context.room(prompt, wanted)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1}, {"temperature": 2.1}, {"top_p": 0.0}, {"top_p": 1.1}, {"top_k": -1}, {"presence_penalty": 3.0},
        {"frequency_penalty": -3.0}, {"repetition_penalty": 0.0}, {"logprobs": 21}, {"stop": ("",)}, {"stop": ("a",) * 17},
        {"temperature": float("nan")}, {"max_tokens": 0},
    ],
)  # fmt: skip
def test_samplings_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Sampling(**{"max_tokens": 1, **wrong}).check()
