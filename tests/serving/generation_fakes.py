"""A generator without a model: its tokens are bytes, and what it says is what a test scripted. The engine below it is real."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from easymaker_serving.generation import Context, Listener, Sampling, Ticket, TokenLogprob
from easymaker_serving.generation_engine import Answer, Engine, Next
from easymaker_serving.model import InvalidInput

END = 256
"""The token that ends an answer."""


def decode(tokens: Sequence[int]) -> str:
    return bytes(token for token in tokens if token != END).decode("utf-8", "replace")


class ScriptedBatch:
    """Says the script's next byte in each row."""

    def __init__(self, runner: ScriptedRunner, rows: list[int]) -> None:
        self._runner = runner
        self._rows = rows  # how far each row is

    def choose(self, answers: Sequence[Answer]) -> list[Next]:
        assert len(answers) == len(self._rows)
        chosen = []
        for place, answer in zip(self._rows, answers, strict=True):
            script = [*self._runner.script(answer), END]
            token = script[min(place, len(script) - 1)]
            told = None if answer.sampling.logprobs is None else TokenLogprob(decode([token]), -0.5, (("x", -1.0),))
            chosen.append(Next(token, told))
        return chosen

    def step(self, tokens: Sequence[int]) -> None:
        assert len(tokens) == len(self._rows)
        self._runner.pace()
        self._runner.sizes.append(len(self._rows))
        self._rows = [place + 1 for place in self._rows]

    def keep(self, rows: Sequence[int]) -> None:
        self._rows = [self._rows[row] for row in rows]

    def join(self, other: ScriptedBatch) -> None:
        self._rows += other._rows


class ScriptedRunner:
    """Starts batches whose answers follow ``script``; a prompt that begins with "fail" fails."""

    joins = True
    starts_together = False
    end_tokens = frozenset([END])

    def __init__(self, script: Callable[[Answer], bytes]) -> None:
        self.script = script
        self.sizes: list[int] = []
        """How many rows each step had."""
        self.gate: threading.Semaphore | None = None
        """A test that sets it lets steps happen one by one."""

    def pace(self) -> None:
        if self.gate is not None:
            self.gate.acquire()

    def computing(self) -> AbstractContextManager[object]:
        return nullcontext()

    def start(self, answers: Sequence[Answer], between: Callable[[], None]) -> ScriptedBatch:
        if decode(answers[0].prompt).startswith("fail"):
            raise RuntimeError("as scripted")
        return ScriptedBatch(self, [0] * len(answers))


class ScriptedGenerator:
    """What the OpenAI routes need of a model."""

    vocabulary = 257
    context = Context(64, shared=True)
    defaults: Mapping[str, float] = {}

    def __init__(self, script: Callable[[Answer], bytes], max_running: int = 4, max_waiting: int = 4) -> None:
        self.runner = ScriptedRunner(script)
        self.engine = Engine(self.runner, decode, max_running, max_waiting)

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        if messages[0]["role"] == "assistant":
            raise InvalidInput("A conversation begins with the user.")
        return self.encode("|".join(f"{message['role'][0]}:{message['content']}" for message in messages))

    def decode(self, tokens: Sequence[int]) -> str:
        return decode(tokens)

    def submit(self, answers: Sequence[tuple[Sequence[int], Sampling]], listener: Listener) -> Ticket:
        return self.engine.submit(answers, [prompt for prompt, _ in answers], listener)
