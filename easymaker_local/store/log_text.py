"""How text becomes words for the index: SQLite's ``unicode61`` splits it, and CJK characters are words of their own.

Chinese and Japanese have no spaces and Korean glues particles to its words, so people expect to find parts there. A phrase of
single characters is exactly that: ``학습`` is found in ``재학습이``.
"""

from __future__ import annotations

import re
import unicodedata

_CJK = re.compile(
    "([\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff])"
)


def prepare(text: str) -> str:
    """Return what is given to the index for ``text``."""
    return text if text.isascii() else _CJK.sub(r" \1 ", text)


def has_words(text: str) -> bool:
    """True if ``text`` has a character that the index knows; all others only separate words."""
    return any(unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "Co" for c in text)


def phrase(text: str, *, prefix: bool) -> str:
    """Return the FTS5 expression for the words of ``text`` in this order."""
    # A zero byte would end the expression.
    quoted = prepare(text).replace("\0", " ").replace('"', '""')
    return f'"{quoted}" *' if prefix else f'"{quoted}"'
