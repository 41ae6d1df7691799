"""Why a row cannot be read."""

from __future__ import annotations

from pydantic import ValidationError


def problem_of(error: ValueError | TypeError) -> str:
    """Return what is wrong, for people: not pydantic's own words, which repeat what is in the row and may be a secret."""
    if isinstance(error, ValidationError):
        return f"{error.title}: {error.errors(include_input=False, include_url=False)[0]['msg']}"
    return str(error)
