"""What generating text is made of, whatever computes it: how tokens are chosen, text that appears piece by piece (OI-14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from easymaker_serving.model import InvalidInput

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"  # what tokenizers write for the first bytes of a character
_MAX_PENDING = 64  # tokens that may wait for the rest of a character; real ones need 4
_MAX_STOPS = 16
_MAX_LOGPROBS = 20
_RANGES = (
    ("max_tokens", 1, 1 << 31), ("temperature", 0, 2), ("top_p", 0, 1), ("top_k", 0, 1 << 31), ("presence_penalty", -2, 2),
    ("frequency_penalty", -2, 2), ("repetition_penalty", 0, 10), ("logprobs", 0, _MAX_LOGPROBS),
)  # fmt: skip
_CONTEXT = 6  # tokens before the answer that say whether its first word begins with a space


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer's tokens are chosen, in the words of the OpenAI API; ``top_k`` and ``repetition_penalty`` are additions.

    ``temperature`` 0 takes the likeliest token. ``top_k`` 0 leaves all. ``logprobs`` is how many alternatives are told beside
    each chosen token's own; None tells none. The same ``seed`` and prompt give the same answer, whatever else is computed.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None

    def check(self) -> None:
        """Raise InvalidInput for values that mean nothing."""
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise InvalidInput(f"{name!r} is {value}; it has to be from {least} to {most}.")
        if self.top_p == 0 or self.repetition_penalty == 0:
            raise InvalidInput("'top_p' and 'repetition_penalty' have to be above 0.")
        if not all(self.stop) or len(self.stop) > _MAX_STOPS:
            raise InvalidInput(f"'stop' takes up to {_MAX_STOPS} texts that are not empty.")


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token's text and the natural logarithm of its probability, before temperature and penalties."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()
    """The likeliest alternatives, with the chosen token where it is one of them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What an answer grew by. ``finish_reason`` ("stop" or "length") or ``error`` makes it the last one."""

    text: str = ""
    tokens: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()
    finish_reason: str | None = None
    error: str | None = None


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return an answer's pieces as one; the last of them says why it ended."""
    text = "".join(piece.text for piece in pieces)
    logprobs = tuple(token for piece in pieces for token in piece.logprobs)
    return Piece(text, sum(piece.tokens for piece in pieces), logprobs, pieces[-1].finish_reason)


class Overloaded(Exception):
    """Too many answers are waiting already: answered with 503."""


@dataclass(frozen=True, slots=True)
class Context:
    """How many tokens a model can hold; ``shared``: those of prompt and answer together, else each on its own."""

    length: int
    shared: bool

    def room(self, prompt: int, wanted: int | None) -> int:
        """Return how many tokens an answer may have: ``wanted``, None all that there is room for. Raises InvalidInput."""
        room = self.length - prompt if self.shared else self.length
        if prompt > self.length or room < (1 if wanted is None else wanted):
            answer = f", and {wanted} are wanted for the answer" if wanted is not None else ", which leaves none for the answer"
            raise InvalidInput(f"This model's context has {self.length} tokens. The prompt has {prompt}{answer}.")
        return room if wanted is None else wanted


class Ticket(Protocol):
    """Answers on their way."""

    def cancel(self) -> None:
        """Stop computing them; calm if they are complete. No piece follows once computing has noticed."""


Listener = Callable[[int, Piece], None]
"""Called with an answer's index and its next piece, from the thread that computes: it must not block."""


class Generator(Protocol):
    """A model that generates, as the OpenAI routes need it. All methods may be called from any thread."""

    context: Context
    vocabulary: int
    defaults: Mapping[str, float]
    """What the model's authors recommend for fields of Sampling."""

    def encode(self, text: str) -> list[int]:
        """Return a prompt's tokens."""

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the tokens of a conversation whose next turn is the model's. Raises InvalidInput."""

    def decode(self, tokens: Sequence[int]) -> str:
        """Return a prompt's text."""

    def submit(self, answers: Sequence[tuple[Sequence[int], Sampling]], listener: Listener) -> Ticket:
        """Start one answer for each prompt and sampling, all or none of them. Raises Overloaded."""


class TextStream:
    """Turns one answer's tokens into text that can be sent: whole characters, and nothing that may belong to a stop string.

    A token's text depends on its neighbours: a character may have several tokens, and some tokenizers write a word's space
    only when something is before it. So a token is decoded together with those of the piece before it.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], before: Sequence[int], stop: Sequence[str]) -> None:
        self.stopped = False
        self._decode = decode
        self._stop = stop
        self._tokens = list(before[-_CONTEXT:])
        self._known = decode(self._tokens) if self._tokens else ""
        self._sent = len(self._tokens)
        self._held = ""

    def add(self, token: int) -> str:
        """Return the text that this token completes. Once ``stopped`` is set, the answer is complete."""
        self._tokens.append(token)
        text = self._decode(self._tokens)
        if text.endswith(_INCOMPLETE) and len(self._tokens) - self._sent < _MAX_PENDING:
            return ""
        return self._release(self._take(text))

    def finish(self) -> str:
        """Return what was held back, now that nothing follows."""
        text = self._release(self._take(self._decode(self._tokens))) if len(self._tokens) > self._sent else ""
        if not self.stopped:
            text, self._held = text + self._held, ""
        return text

    def _take(self, text: str) -> str:
        new = text[len(self._known) :]
        if new:
            self._tokens = self._tokens[self._sent :]
            self._sent = len(self._tokens)
            self._known = self._decode(self._tokens)
        return new

    def _release(self, new: str) -> str:
        text = self._held + new
        found = [index for stop in self._stop if (index := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)]
        held = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]


def _overlap(text: str, stop: str) -> int:
    """Return how many of the text's last characters may be a stop string's first ones."""
    return next((length for length in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:length])), 0)
