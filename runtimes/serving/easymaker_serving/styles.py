"""In which style a body asks, where its path does not say (rest-api, 6.13)."""

from __future__ import annotations

import msgspec

from easymaker_serving.routes import Route

STYLES = (Route.V1_PREDICT, Route.V2_INFER, Route.OPENAI_COMPLETIONS, Route.OPENAI_CHAT)


class _Keys(msgspec.Struct):
    """What is looked for at the top of a body. Raw: values are skipped, not made."""

    instances: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    inputs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    model: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    prompt: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    messages: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_DECODER = msgspec.json.Decoder(_Keys)


def style_of(body: bytes | memoryview) -> Route:
    """Return the style by the first of these that is there: "instances", "inputs", "model" with "prompt" or "messages".

    Everything else, what is no JSON included, is version 1, which then says what is wrong with it.
    """
    try:
        keys = _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Route.V1_PREDICT
    if keys.instances is not msgspec.UNSET:
        return Route.V1_PREDICT
    if keys.inputs is not msgspec.UNSET:
        return Route.V2_INFER
    if keys.model is not msgspec.UNSET:
        if keys.prompt is not msgspec.UNSET:
            return Route.OPENAI_COMPLETIONS
        if keys.messages is not msgspec.UNSET:
            return Route.OPENAI_CHAT
    return Route.V1_PREDICT
