"""Paths as patterns: a name may be any text, and every client escapes it in a path as it likes."""

from __future__ import annotations

import re
from urllib.parse import quote

from easymaker_local.domain.gateway import Api

UNRESERVED = "-._~"

# Characters that clients may leave as they are in one part of a path (RFC 3986, 3.3); what is not allowed there some send all
# the same. A slash, a question mark and a number sign never stand for themselves.
_LITERAL = frozenset(range(0x21, 0x7F)) - frozenset(b'/?#%"<>\\')


def quoted(name: str) -> str:
    """Return the usual spelling of a name as one part of a path."""
    return quote(name, safe=UNRESERVED)


def spellings(name: str) -> str:
    """Return a pattern (RE2) of every spelling of a name as one part of a path.

    Letters and digits are only taken as they are: nobody escapes them, and patterns stay short.
    """
    return "".join(_byte(byte) for byte in name.encode())


def _byte(byte: int) -> str:
    character = chr(byte)
    if character.isascii() and character.isalnum():
        return character
    escaped = "%" + "".join(d if d.isdigit() else f"[{d}{d.lower()}]" for d in f"{byte:02X}")
    return f"(?:{re.escape(character)}|{escaped})" if byte in _LITERAL else escaped


def model_paths(name: str, *, is_alone: bool) -> list[tuple[Api, str]]:
    """Return patterns of a model's paths below its stage, each with the API that it is (OI-01…OI-12, rest-api §6.13).

    ``is_alone``: it is the stage's only model, so that paths which name none mean it.
    """
    model = spellings(name)
    below = f"/{model}"
    either = f"(?:{below})?"
    stage = either if is_alone else below
    versioned = f"{model}(?:/versions/[^/]+)?"
    verb = "(?:/|:|%3[Aa])"
    return [
        (Api.PREDICT, f"{either}/v1/models/{versioned}{verb}predict"),
        (Api.INFER, f"{either}/v2/models/{versioned}/infer"),
        (Api.COMPLETIONS, f"{stage}(?:/openai)?/v1/completions"),
        (Api.CHAT, f"{stage}(?:/openai)?/v1/chat/completions"),
        (Api.EXPLAIN, f"{either}/v1/models/{versioned}{verb}explain"),
        (Api.MODELS, f"{stage}(?:/openai)?/v1/models"),
        (Api.MODEL, f"{either}/v1/models/{versioned}"),
        (Api.MODEL, f"{either}/openai/v1/models/{model}"),
        (Api.SERVER, f"{stage}/v2/?"),
        (Api.LIVE, f"{stage}/v2/health/live"),
        (Api.READY, f"{stage}/v2/health/ready"),
        (Api.METADATA, f"{either}/v2/models/{versioned}"),
        (Api.MODEL_READY, f"{either}/v2/models/{versioned}/ready"),
    ]


def spelled_path(path: str) -> str:
    """Return a pattern of every spelling of a path."""
    return "/".join(map(spellings, path.split("/")))
