"""What a user of the ``openai`` package does, unmodified: ``python ask.py BASE_URL MODEL`` prints what came back as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import openai

MESSAGES = [{"role": "system", "content": "be brief"}, {"role": "user", "content": [{"type": "text", "text": "안녕"}]}]


def main(url: str, model: str) -> dict[str, Any]:
    """Ask in every way."""
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    greedy = {"model": model, "max_tokens": 20, "temperature": 0}
    found: dict[str, Any] = {"models": [one.id for one in client.models.list()]}

    whole = client.completions.create(prompt="the quick", **greedy)
    assert whole.usage is not None
    found["completion"] = [whole.choices[0].text, whole.choices[0].finish_reason, whole.usage.completion_tokens, whole.object]
    with client.completions.create(prompt="the quick", stream=True, **greedy) as stream:
        found["completion_stream"] = "".join(part.choices[0].text for part in stream)
    several = client.completions.create(prompt=["the quick", "a"], n=2, logprobs=2, **greedy)
    found["several"] = [[one.index, one.text, len(one.logprobs.tokens)] for one in several.choices]

    chat = client.chat.completions.create(messages=MESSAGES, logprobs=True, top_logprobs=2, **greedy)
    choice = chat.choices[0]
    found["chat"] = [choice.message.role, choice.message.content, choice.finish_reason, len(choice.logprobs.content)]
    options = {"include_usage": True}
    parts = list(client.chat.completions.create(messages=MESSAGES, stream=True, stream_options=options, **greedy))
    found["chat_stream"] = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    found["chat_stream_usage"] = parts[-1].usage.completion_tokens
    stop = choice.message.content[3:5]  # the package takes an answer that is cut for an error here
    with client.chat.completions.stream(messages=MESSAGES, stop=stop, **greedy) as events:
        found["chat_events"] = events.get_final_completion().choices[0].message.content

    for name, wrong in (("not_found", {"model": "other"}), ("bad", {"temperature": 9}), ("long", {"max_tokens": 10_000})):
        try:
            client.chat.completions.create(messages=MESSAGES, **{**greedy, **wrong})
        except openai.APIStatusError as exc:
            found[name] = [type(exc).__name__, exc.status_code, exc.message, exc.type, exc.code]

    with client.chat.completions.create(messages=MESSAGES, stream=True, model=model, max_tokens=200, temperature=0) as stream:
        next(iter(stream))  # and the client goes away
    found["many"] = asyncio.run(many(url, greedy))
    return found


async def many(url: str, greedy: dict[str, Any]) -> list[str]:
    """Ask for the same at the same time."""
    async with openai.AsyncOpenAI(base_url=url, api_key="none") as client:
        asked = [client.completions.create(prompt="the quick", **greedy) for _ in range(16)]
        return [answer.choices[0].text for answer in await asyncio.gather(*asked)]


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
