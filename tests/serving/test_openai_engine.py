"""Continuous batching: who joins when, who leaves when, what happens when computing fails. The model is a script."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pytest
from easymaker_serving.generation import Overloaded, Piece, Sampling, Ticket
from easymaker_serving.generation_engine import Answer

from tests.serving.generation_fakes import ScriptedGenerator

Pieces = queue.SimpleQueue[tuple[int, Piece]]
ENDLESS = "endless"
WAIT = 30  # seconds that a piece may take on a machine that is busy


@pytest.fixture
def make() -> Iterator[Callable[..., ScriptedGenerator]]:
    made: list[ScriptedGenerator] = []

    def build(**limits: int) -> ScriptedGenerator:
        made.append(ScriptedGenerator(echo, **limits))
        return made[-1]

    yield build
    for generator in made:
        if generator.runner.gate is not None:
            generator.runner.gate.release(1000)
        generator.engine.close()


def echo(answer: Answer) -> bytes:
    return b"more " * 100_000 if bytes(answer.prompt) == ENDLESS.encode() else bytes(answer.prompt)


def ask(generator: ScriptedGenerator, *prompts: str, max_tokens: int = 60) -> tuple[Ticket, Pieces]:
    pieces: Pieces = queue.SimpleQueue()
    answers = [(generator.encode(prompt), Sampling(max_tokens)) for prompt in prompts]
    return generator.submit(answers, lambda index, piece: pieces.put((index, piece))), pieces


def rest(pieces: Pieces, index: int = 0) -> tuple[str, str | None, str | None]:
    """Return an answer's text to its end, the reason of it, and the error."""
    text = ""
    while True:
        at, piece = pieces.get(timeout=WAIT)
        if at == index:
            text += piece.text
            if piece.finish_reason or piece.error:
                return text, piece.finish_reason, piece.error


def test_an_answer_ends_by_itself_or_by_its_length(make: Callable[..., ScriptedGenerator]) -> None:
    generator = make()
    assert rest(ask(generator, "hello")[1]) == ("hello", "stop", None)
    assert rest(ask(generator, "hello", max_tokens=3)[1]) == ("hel", "length", None)
    assert generator.engine.tokens == {"prompt": 10, "generated": 9}, "the token that ends an answer counts"


def test_new_answers_join_between_the_steps_of_running_ones(make: Callable[..., ScriptedGenerator]) -> None:
    generator = make()
    gate = generator.runner.gate = threading.Semaphore(0)
    _, long = ask(generator, "a long answer")
    assert long.get(timeout=WAIT)[1].text == "a"
    _, short = ask(generator, "ok")
    gate.release()
    assert long.get(timeout=WAIT)[1].text == " "
    assert short.get(timeout=WAIT)[1].text == "o", "it has not waited for the long answer's end"
    gate.release(100)
    assert rest(short) == ("k", "stop", None)
    assert rest(long) == ("long answer", "stop", None)
    assert generator.runner.sizes[:4] == [1, 2, 2, 1], "rows of each step"


def test_a_cancelled_answer_frees_its_place(make: Callable[..., ScriptedGenerator]) -> None:
    generator = make(max_running=1)
    gate = generator.runner.gate = threading.Semaphore(0)
    ticket, first = ask(generator, "nobody waits for this")
    assert first.get(timeout=WAIT)[1].text == "n"
    never, _ = ask(generator, "nor for this")
    _, second = ask(generator, "hi")
    ticket.cancel()
    never.cancel()
    gate.release(10)
    assert rest(second) == ("hi", "stop", None)
    assert first.empty() or first.get()[1].text == "o", "at most the step that ran is told"
    assert generator.engine.tokens["prompt"] == len("nobody waits for thishi"), "the other was not even begun"


def test_too_many_answers_are_refused_all_or_none(make: Callable[..., ScriptedGenerator]) -> None:
    generator = make(max_running=2, max_waiting=1)
    gate = generator.runner.gate = threading.Semaphore(0)
    with pytest.raises(Overloaded):
        ask(generator, *["a"] * 4)
    _, pieces = ask(generator, "one", "two", "three")
    with pytest.raises(Overloaded, match="at most 1"):
        ask(generator, *["a"] * 3)
    gate.release(100)
    assert [rest(pieces, 2)[0]] == ["three"]
    assert generator.engine.tokens["prompt"] == len("onetwothree"), "nothing of what was refused was begun"


def test_a_failure_ends_only_the_answers_that_it_concerns(
    make: Callable[..., ScriptedGenerator], capfd: pytest.CaptureFixture[str]
) -> None:
    generator = make()
    gate = generator.runner.gate = threading.Semaphore(0)
    _, good = ask(generator, "good")
    assert good.get(timeout=WAIT)[1].text == "g"
    _, bad = ask(generator, "fail")
    gate.release(100)
    text, reason, error = rest(bad)
    assert (text, reason) == ("", None)
    assert error is not None
    assert "as scripted" not in error, "the cause is for the log"
    assert rest(good) == ("ood", "stop", None)
    assert "as scripted" in capfd.readouterr().err


def test_closing_ends_what_is_not_complete(make: Callable[..., ScriptedGenerator]) -> None:
    generator = make(max_running=1)
    _, running = ask(generator, ENDLESS, max_tokens=1_000_000)
    assert running.get(timeout=WAIT)[1].text == "m"
    _, waiting = ask(generator, "waiting")
    generator.engine.close()
    assert rest(running)[2] is not None
    assert rest(waiting)[2] is not None
    with pytest.raises(Overloaded):
        ask(generator, "too late")
