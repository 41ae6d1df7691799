"""Metrics in what a job prints: a user's regular expression on every line (HP-26, HP-27, HP-39).

RE2, as the cloud's collector uses: it takes time in proportion to the length of a line, whatever the expression, so that no
expression can stall the daemon. What RE2 lacks (references back, looking ahead) is refused with its own words.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import re2

DEFAULT_REGEX = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
MAXIMUM_SHOWN = 200
"""Characters of a line that are shown."""


@dataclass(frozen=True)
class Found:
    """A value of a metric, in the order of appearance."""

    name: str
    value: float


class MetricRegex:
    """A compiled expression: group 1 is the name, group 2 the value. Raises ValueError with what is wrong about it."""

    def __init__(self, text: str) -> None:
        options = re2.Options()
        options.log_errors = False
        try:
            self._pattern = re2.compile(text, options)
        except re2.error as error:
            raise ValueError(f"is no regular expression (RE2): {_words(error)}") from error
        if self._pattern.groups < 2:
            raise ValueError("needs two groups: the first is the metric's name, the second its value")

    def matches(self, line: str) -> Iterator[tuple[str, str]]:
        """Yield name and value as text of every match, stripped of blanks."""
        for match in self._pattern.finditer(line):
            yield (match.group(1) or "").strip(), (match.group(2) or "").strip()


def number(text: str) -> float | None:
    """Return the value of a match; None if it is no finite number, as of ``loss = `` and ``loss = nan``."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Read:
    """What lines held: values, and the first line that names a metric that was looked for without giving its value."""

    found: list[Found]
    almost: str | None


def read_lines(lines: Iterable[str], regex: MetricRegex, names: Collection[str], objective: str) -> Read:
    """Collect the metrics in ``names``; ``objective`` is the one whose near misses are worth telling."""
    found: list[Found] = []
    almost: str | None = None
    for line in lines:
        seen = False
        # Most lines name nothing that is looked for, and the expression is what takes time.
        for name, text in regex.matches(line) if any(name in line for name in names) else ():
            if name in names:
                value = number(text)
                if value is not None:
                    found.append(Found(name, value))
                    seen = seen or name == objective
        if not seen and almost is None and objective and objective in line:
            almost = line.strip()[:MAXIMUM_SHOWN]
    return Read(found, almost)


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else error
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
