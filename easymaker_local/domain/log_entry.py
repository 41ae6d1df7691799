"""Entries of the log store: the product's field names (LG-06…LG-19), and how lines of a file become entries."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from pydantic.alias_generators import to_camel

LOG_TYPE = "NHNCloud-AIEasyMaker"

MAXIMUM_ENTRY_BYTES = 64 << 10
"""A longer line becomes several entries, so that no line can fill the memory of whoever reads it."""


class Category(StrEnum):
    """LG-07, LG-20; what users send has the SDK's own category (rest-api §9)."""

    TRAINING = "easymaker.training"
    INFERENCE = "easymaker.inference"
    PIPELINE = "easymaker.pipeline"
    SDK = "easymaker.sdk"


class Level(StrEnum):
    """LG-08."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Source(NamedTuple):
    """What entries of one origin have in common; stored once for all of them. ``node`` is the node's index (DT-07)."""

    easymaker_app_key: str | None = None
    category: str | None = None
    log_level: str = Level.INFO
    log_type: str = LOG_TYPE
    training_id: str | None = None
    hyperparameter_tuning_id: str | None = None
    endpoint_id: str | None = None
    endpoint_stage_id: str | None = None
    action: str | None = None
    model_name: str | None = None
    batch_inference_id: str | None = None
    pipeline_run_id: str | None = None
    node: str | None = None
    host: str | None = None
    project_name: str | None = None


def training_source(appkey: str, training_id: str, tuning_id: str | None = None) -> Source:
    """Return the source of what a training writes; a trial has the tuning's id beside its own (LG-20)."""
    return Source(
        easymaker_app_key=appkey, category=Category.TRAINING, training_id=training_id, hyperparameter_tuning_id=tuning_id
    )  # fmt: skip


def stage_source(appkey: str, endpoint_id: str, stage_id: str) -> Source:
    """Return the source of what the model servers of a stage write (LG-13, LG-14)."""
    return Source(
        easymaker_app_key=appkey, category=Category.INFERENCE, endpoint_id=endpoint_id, endpoint_stage_id=stage_id
    )  # fmt: skip


class Entry(NamedTuple):
    """One entry. ``time`` in epoch seconds; ``fields``: further fields of the sender as a JSON object."""

    source: Source
    time: float
    body: str
    inference_id: str | None = None
    fields: str | None = None


class StoredEntry(NamedTuple):
    """An entry with its id. Ids grow in the order of arrival and are never used again."""

    id: int
    entry: Entry


SOURCE_FIELDS = {to_camel(name): name for name in Source._fields}
"""Wire name -> attribute of ``Source``."""
INFERENCE_FIELD, BODY_FIELD, TIME_FIELD = "inferenceId", "body", "time"

# A level has to stand where programs put one; the word in the middle of a sentence is no level.
_WORD = r"(WARN(?:ING)?|ERROR|CRITICAL|FATAL)"
_LEVEL = re.compile(
    rf"^\W{{0,3}}{_WORD}(?=[\s:\]|)>,-]|$)"  # ERROR: …   [ERROR] …   WARNING:root:…
    rf"|[\[(<|:]\s*{_WORD}\s*[\])>|:]"  # 12:00 [ERROR] …   name:WARNING:…
    rf"|\s-\s{_WORD}\s-\s"  # time - name - ERROR - …
    rf"|^\S{{0,12}}\s?\d\d:\d\d\S*\s.{{0,60}}?\b{_WORD}\b"  # 2026-01-01 12:00:00,123 name ERROR …
    r"|\b[lL]evel(?:[nN]ame)?\"?\s*[=:]\s*\"?((?i:warn(?:ing)?|error|critical|fatal))\b"  # level=error   "level": "error"
    r"|^(?:\S{0,12}\s?\d\d:\d\d:\d\d\S*:\s|)([WEF])(?:\d{4}\s|\s\S+:\d+\])"  # W0101 …   2026-01-01 12:00:00.1: E file.cc:1]
    r"|^\S.*?:\d+:\s\w*(Warning):\s"  # file.py:1: UserWarning: …
    r"|^(Traceback) \(most recent call last\):",
    re.ASCII,
)
_LOOKED_AT = 200
_MAY_HAVE_LEVEL = re.compile(r"WARN|ERROR|CRITICAL|FATAL|Warn|[Ll]evel|Traceback|^[WEF]\d{4} |: [WEF] ")


def level_of(line: str) -> Level:
    """Return the level that a line visibly carries in one of the common forms, else INFO."""
    head = line[:_LOOKED_AT]
    if _MAY_HAVE_LEVEL.search(head) is None:
        return Level.INFO
    found = _LEVEL.search(head)
    if found is None:
        return Level.INFO
    word = next(group for group in found.groups() if group is not None)
    return Level.WARNING if word[0] in "Ww" else Level.ERROR


def cut_lines(data: bytes, *, final: bool) -> tuple[list[str], int]:
    """Return the lines in ``data`` without their ends, and how many bytes they took.

    A last line without its end is left, unless ``final``: nothing more is written. A line over MAXIMUM_ENTRY_BYTES is cut into
    pieces, never within a character. Bytes that are no UTF-8 become U+FFFD.
    """
    lines: list[str] = []
    whole, newline, rest = data.rpartition(b"\n")
    if newline:
        for line in whole.split(b"\n"):
            _take(lines, line.removesuffix(b"\r"), final=True)
    taken = len(data) - len(rest)
    return lines, taken + _take(lines, rest, final=final, is_begun=True)


def _take(lines: list[str], line: bytes, *, final: bool, is_begun: bool = False) -> int:
    """Append ``line`` in pieces; of one that has only begun whole pieces, unless ``final``. Returns the bytes taken."""
    if len(line) <= MAXIMUM_ENTRY_BYTES:
        if is_begun and (not final or not line):
            return 0
        lines.append(line.decode("utf-8", errors="replace"))
        return len(line)
    start = 0
    while len(line) - start > MAXIMUM_ENTRY_BYTES:
        end = start + MAXIMUM_ENTRY_BYTES
        for back in range(4):
            if line[end - back] & 0b1100_0000 != 0b1000_0000:  # the beginning of a character
                end -= back
                break
        lines.append(line[start:end].decode("utf-8", errors="replace"))
        start = end
    return start + _take(lines, line[start:], final=final, is_begun=is_begun)
