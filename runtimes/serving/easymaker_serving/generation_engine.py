"""Continuous batching: a thread that takes all answers one token further at a time, and lets new ones in between.

It knows no framework: a ``Runner`` computes. A new answer waits for one step of those that run, not for their end; an answer
that is complete, or that nobody waits for any more, frees its place at once.
"""

from __future__ import annotations

import random
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from easymaker_serving.generation import Listener, Overloaded, Piece, Sampling, TextStream, Ticket, TokenLogprob


@dataclass(eq=False, slots=True)
class Answer:
    """One answer on its way. Only the engine's thread changes it, but for ``cancelled``."""

    prompt: Sequence[int]
    sampling: Sampling
    index: int
    listener: Listener
    text: TextStream
    chances: random.Random
    generated: list[int] = field(default_factory=list)
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """An answer's next token."""

    token: int
    logprob: TokenLogprob | None = None


class Batch(Protocol):
    """Answers that take their steps together, a row each."""

    def choose(self, answers: Sequence[Answer]) -> list[Next]:
        """Return every row's next token. ``answers`` are the rows' own, in their order."""

    def step(self, tokens: Sequence[int]) -> None:
        """Read every row's next token."""

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows alone, at least one."""

    def join(self, other: Batch) -> None:
        """Take the rows of another batch, after one's own."""


class Runner(Protocol):
    """Starts batches. It is used from the engine's thread alone."""

    joins: bool
    """Whether batches may be joined."""
    starts_together: bool
    """Whether several answers can start as one batch."""
    end_tokens: frozenset[int]

    def computing(self) -> AbstractContextManager[object]:
        """Entered by the engine's thread before anything is computed, left at its end."""

    def start(self, answers: Sequence[Answer], between: Callable[[], None]) -> Batch:
        """Read prompts. ``between`` may be called in the midst, so that long prompts do not hold up the other answers."""


@dataclass(eq=False)
class _Group:
    answers: list[Answer]
    batch: Batch = field(init=False)  # there once it has started


class _Ticket:
    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = answers

    def cancel(self) -> None:
        for answer in self._answers:
            answer.cancelled = True


class Engine:
    """Computes answers, ``max_running`` at a time; ``max_waiting`` more may wait."""

    def __init__(self, runner: Runner, decode: Callable[[Sequence[int]], str], max_running: int, max_waiting: int) -> None:
        self.tokens = {"prompt": 0, "generated": 0}
        """What was read and generated so far."""
        self._runner = runner
        self._decode = decode
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._waiting: deque[Answer] = deque()
        self._starting = 0
        self._groups: list[_Group] = []
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="generation", daemon=True)
        self._thread.start()

    def submit(
        self,
        answers: Sequence[tuple[Sequence[int], Sampling]],
        before: Sequence[Sequence[int]],
        listener: Listener,
        *,
        bounded: bool = True,
    ) -> Ticket:
        """Start answers, all or none. ``before`` are the tokens that each one's text continues.

        Raises Overloaded, when closed or when too many wait; ``bounded`` False: only when closed.
        """
        made = [
            Answer(prompt, sampling, index, listener, TextStream(self._decode, text, sampling.stop), _chances(sampling))
            for index, ((prompt, sampling), text) in enumerate(zip(answers, before, strict=True))
        ]
        with self._changed:
            if self._closed:
                raise Overloaded("The server is shutting down.")
            self._waiting = deque(answer for answer in self._waiting if not answer.cancelled)
            free = max(0, self._max_running - self._running())
            if bounded and len(self._waiting) + len(made) > self._max_waiting + free:
                raise Overloaded(f"{len(self._waiting)} answers are waiting already, at most {self._max_waiting} may.")
            self._waiting.extend(made)
            self._changed.notify()
        return _Ticket(made)

    def close(self) -> None:
        """End the thread. Answers that are not complete end with an error."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        with self._runner.computing():
            while self._wait():
                self._admit()
                self._step()
        for answer in [*self._waiting, *(answer for group in self._groups for answer in group.answers)]:
            _tell(answer, Piece(error="The server is shutting down."))

    def _wait(self) -> bool:
        """Wait until there is something to do; False: the engine is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting or self._groups)
            return not self._closed

    def _running(self) -> int:
        return self._starting + sum(len(group.answers) for group in self._groups)

    def _admit(self) -> None:
        """Let in what waits, as far as there is room."""
        with self._changed:
            room = min(len(self._waiting), self._max_running - self._running())
            admitted = [answer for answer in (self._waiting.popleft() for _ in range(room)) if not answer.cancelled]
            self._starting = len(admitted)
        starts = [admitted] if self._runner.starts_together and admitted else [[answer] for answer in admitted]
        for answers in starts:
            group = _Group(answers)
            with _failing(group):
                group.batch = self._runner.start(answers, self._step)
                self.tokens["prompt"] += sum(len(answer.prompt) for answer in answers)
                self._advance(group)
            if group.answers:
                self._add(group)
            self._starting -= len(answers)

    def _add(self, group: _Group) -> None:
        if not (self._runner.joins and self._groups):
            self._groups.append(group)
            return
        first = self._groups[0]
        with _failing(first, group):  # what is half joined cannot go on
            first.batch.join(group.batch)
            first.answers += group.answers
        self._forget_ended()

    def _step(self) -> None:
        """Take every running answer one token further, but for those that nobody waits for any more."""
        for group in self._groups:
            with _failing(group):
                self._keep(group, [not answer.cancelled for answer in group.answers])
                if group.answers:
                    group.batch.step([answer.generated[-1] for answer in group.answers])
                    self._advance(group)
        self._forget_ended()

    def _forget_ended(self) -> None:
        self._groups = [group for group in self._groups if group.answers]

    def _advance(self, group: _Group) -> None:
        """Choose each answer's next token and tell it; the complete ones leave."""
        chosen = group.batch.choose(group.answers)
        self.tokens["generated"] += len(chosen)
        self._keep(group, [self._tell_next(answer, token) for answer, token in zip(group.answers, chosen, strict=True)])

    def _tell_next(self, answer: Answer, chosen: Next) -> bool:
        """Return whether the answer goes on."""
        answer.generated.append(chosen.token)
        reason, text = None, ""
        if chosen.token in self._runner.end_tokens:
            reason = "stop"
        else:
            text = answer.text.add(chosen.token)
            if len(answer.generated) >= answer.sampling.max_tokens:
                reason = "length"
        if reason is not None and not answer.text.stopped:
            text += answer.text.finish()
        if answer.text.stopped:
            reason = "stop"
        logprobs = () if chosen.logprob is None else (chosen.logprob,)
        return _tell(answer, Piece(text, 1, logprobs, reason)) and reason is None

    @staticmethod
    def _keep(group: _Group, stays: Sequence[bool]) -> None:
        rows = [row for row, stay in enumerate(stays) if stay]
        if len(rows) < len(group.answers):
            group.answers = [group.answers[row] for row in rows]
            if rows:
                group.batch.keep(rows)


def _chances(sampling: Sampling) -> random.Random:
    return random.Random(sampling.seed)  # noqa: S311 - text, no secret


def _tell(answer: Answer, piece: Piece) -> bool:
    """Return whether it could be told: it cannot when the event loop of whoever waits is gone."""
    try:
        answer.listener(answer.index, piece)
    except RuntimeError:
        return False
    return True


@contextmanager
def _failing(*groups: _Group) -> Iterator[None]:
    """End the groups' answers with an error when computing them fails. The cause is for the log, not for whoever asked."""
    try:
        yield
    except Exception as exc:
        traceback.print_exception(exc, file=sys.stderr)
        for group in groups:
            for answer in group.answers:
                _tell(answer, Piece(error="Computing the answer failed; the server's log says why."))
            group.answers = []
