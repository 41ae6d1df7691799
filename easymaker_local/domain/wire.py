"""What all request bodies have in common: camelCase names, limits, and the spellings of older SDKs (rest-api §1.6, §13)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel


def _no_control_characters(text: str) -> str:
    if any(ord(c) < 32 and c not in "\n\t" for c in text):
        raise ValueError("must not contain control characters")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


Name = Annotated[str, StringConstraints(max_length=50), AfterValidator(_not_blank), AfterValidator(_no_control_characters)]
Description = Annotated[str, StringConstraints(max_length=255)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=36)]
Uri = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Body(BaseModel):
    """A request body. Unknown keys are ignored, since older SDKs send more; ``null`` counts as absent (rest-api §13.1)."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else data


class Tag(Body):
    """A Key-Value pair (GN-03)."""

    tag_key: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    tag_value: Annotated[str, StringConstraints(max_length=256)] = ""


def _unique_keys(tags: tuple[Tag, ...]) -> tuple[Tag, ...]:
    seen: set[str] = set()
    for tag in tags:
        if tag.tag_key in seen:
            raise ValueError(f"the key {tag.tag_key!r} is given twice")
        seen.add(tag.tag_key)
    return tags


Tags = Annotated[tuple[Tag, ...], Field(max_length=10), AfterValidator(_unique_keys)]
