"""The query language of the log store (LG-02…LG-05, LG-L02): from text to a tree.

    query   ::= or                                    nothing at all: everything
    or      ::= and ("OR" and)*
    and     ::= not (["AND"] not)*
    not     ::= "NOT" not | "(" or ")" | term
    term    ::= [field ":"] value | "time" ":" "[" time "TO" time "]"
    value   ::= word ["*"] | '"' text '"' ["*"] | "*"

A value without a field is looked for in ``body``, several words in quotes as a phrase. Fields compare whole values; case of
ASCII letters does not count anywhere. ``*`` at the end stands for anything, alone for "has the field". AND, OR, NOT and TO are
written in capitals. In quotes ``\\`` takes the next character as it is. Times without an offset are UTC (LG-11).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

MAXIMUM_LENGTH = 4000
MAXIMUM_TERMS = 100
MAXIMUM_DEPTH = 30


class LogQueryError(ValueError):
    """The text is no query. ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True)
class Everything:
    """Matches always."""


@dataclass(frozen=True)
class Text:
    """The body contains these words in this order, whole; with ``prefix`` the last one may go on."""

    text: str
    prefix: bool = False


@dataclass(frozen=True)
class FieldIs:
    """The field has this value, or with ``prefix`` one that begins so."""

    field: str
    value: str
    prefix: bool = False


@dataclass(frozen=True)
class HasField:
    """The field has any value."""

    field: str


@dataclass(frozen=True)
class TimeRange:
    """Both ends belong to it; epoch seconds, None is open."""

    first: float | None
    last: float | None


@dataclass(frozen=True)
class Not:
    """Does not match."""

    part: Node


@dataclass(frozen=True)
class And:
    """All match."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """At least one matches."""

    parts: tuple[Node, ...]


Node = Everything | Text | FieldIs | HasField | TimeRange | Not | And | Or


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int
    prefix: bool = False


_SPACE = re.compile(r"\s+")
_FIELD = re.compile(r"[^\W\d][\w.-]*:")
_WORD = re.compile(r'[^\s()"\[\]]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(\*?)', re.DOTALL)
_RANGE = re.compile(r"\[([^\[\]]*)\]")
_KEYWORDS = {"AND", "OR", "NOT"}


def parse(text: str) -> Node:
    """Return the tree of a query; raises LogQueryError with the position of the fault."""
    if len(text) > MAXIMUM_LENGTH:
        raise LogQueryError(f"a query has at most {MAXIMUM_LENGTH} characters", MAXIMUM_LENGTH)
    return _Parser(_tokens(text), len(text)).query()


def parse_time(text: str) -> float:
    """Return epoch seconds of an ISO 8601 date or time, UTC if it has no offset; raises ValueError."""
    moment = datetime.fromisoformat(text)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        if match := _SPACE.match(text, at):
            at = match.end()
            continue
        token, at = _token(text, at)
        found.append(token)
    return found


def _token(text: str, at: int) -> tuple[_Token, int]:
    character = text[at]
    if character in "()":
        return _Token(character, character, at), at + 1
    if character == '"':
        if match := _QUOTED.match(text, at):
            return _Token("value", re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL), at, bool(match[2])), match.end()
        raise LogQueryError("the quotation mark is never closed", at)
    if character == "[":
        if match := _RANGE.match(text, at):
            return _Token("range", match[1], at), match.end()
        raise LogQueryError("the bracket is never closed", at)
    if character == "]":
        raise LogQueryError("this bracket was never opened", at)
    if match := _FIELD.match(text, at):
        return _Token("field", match[0][:-1], at), match.end()
    match = _WORD.match(text, at)
    assert match is not None
    word = match[0]
    if word in _KEYWORDS:
        return _Token(word, word, at), match.end()
    star = word.find("*")
    if 0 <= star < len(word) - 1:
        raise LogQueryError("* is possible at the end of a word only; to look for the character, use quotes", at + star)
    return _Token("value", word.removesuffix("*"), at, star >= 0), match.end()


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._end = end
        self._at = 0
        self._terms = 0

    def query(self) -> Node:
        if not self._tokens:
            return Everything()
        node = self._or(0)
        if (token := self._peek()) is not None:
            raise LogQueryError("this parenthesis was never opened", token.position)
        return node

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _is_next(self, *kinds: str) -> bool:
        token = self._peek()
        return token is not None and token.kind in kinds

    def _or(self, depth: int) -> Node:
        parts = [self._and(depth)]
        while self._is_next("OR"):
            self._at += 1
            parts.append(self._and(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self, depth: int) -> Node:
        parts = [self._not(depth)]
        while (token := self._peek()) is not None and token.kind not in {"OR", ")"}:
            if token.kind == "AND":
                self._at += 1
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _not(self, depth: int) -> Node:
        token = self._peek()
        if token is None:
            raise LogQueryError("something to look for is missing here", self._end)
        if depth >= MAXIMUM_DEPTH:
            raise LogQueryError(f"parentheses and NOT are nested deeper than {MAXIMUM_DEPTH}", token.position)
        if token.kind == "NOT":
            self._at += 1
            return Not(self._not(depth + 1))
        if token.kind == "(":
            self._at += 1
            inside = self._or(depth + 1)
            if not self._is_next(")"):
                raise LogQueryError("this parenthesis is never closed", token.position)
            self._at += 1
            return inside
        return self._term(token)

    def _term(self, token: _Token) -> Node:
        self._terms += 1
        if self._terms > MAXIMUM_TERMS:
            raise LogQueryError(f"a query has at most {MAXIMUM_TERMS} terms", token.position)
        self._at += 1
        if token.kind == "field":
            return self._field(token)
        if token.kind == "range":
            raise LogQueryError("a range needs its field: time:[… TO …]", token.position)
        if token.kind != "value":
            raise LogQueryError(f"something to look for is missing before {token.text!r}", token.position)
        return _text(token)

    def _field(self, field: _Token) -> Node:
        token = self._peek()
        if token is None or token.kind not in {"value", "range", "field"}:
            raise LogQueryError(f"the value of {field.text} is missing", field.position + len(field.text) + 1)
        if token.kind == "field":
            raise LogQueryError("a value with a colon needs quotes", token.position)
        self._at += 1
        if field.text == "time":
            return _time_range(token)
        if token.kind == "range":
            raise LogQueryError("only time takes a range", token.position)
        if field.text == "body":
            return _text(token)
        if token.prefix and not token.text:
            return HasField(field.text)
        return FieldIs(field.text, token.text, token.prefix)


def _text(token: _Token) -> Node:
    if not token.text.strip():
        if token.prefix:
            return Everything()
        raise LogQueryError("there is nothing between the quotation marks", token.position)
    return Text(token.text, token.prefix)


def _time_range(token: _Token) -> TimeRange:
    if token.kind != "range":
        raise LogQueryError("time takes a range: time:[2026-01-01T00:00 TO *]", token.position)
    match = re.fullmatch(r"(\s*)(\S+)(\s+TO\s+)(\S+)\s*", token.text)
    if match is None:
        raise LogQueryError("a range is written [2026-01-01T00:00 TO *]", token.position)
    start = token.position + 1
    return TimeRange(_moment(match[2], start + match.start(2)), _moment(match[4], start + match.start(4)))


def _moment(text: str, position: int) -> float | None:
    if text == "*":
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise LogQueryError(f"{text!r} is no time; write 2026-01-31, 2026-01-31T12:00 or *", position) from error
