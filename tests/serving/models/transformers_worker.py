"""Loads models of Hugging Face as the server does, in one process for many tests, and asks transformers itself beside it.

One JSON object a line on standard input, ``{"do": ..., "model": FOLDER, ...}``; one on standard output for each. "load" with
``parameters`` comes before "predict" and "ask"; "generate" and "pipeline" are transformers' own.
"""

from __future__ import annotations

import asyncio
import copy
import json
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers
from easymaker_serving.frameworks.hugging_face import load
from easymaker_serving.model import InvalidInput, LoadFailed, LoadSettings, Model, Request, Response

_models: dict[str, Model] = {}


def do_load(model: str, parameters: dict[str, str]) -> Any:
    """Say what the model tells of itself, or why it cannot be loaded."""
    if model in _models:
        _models.pop(model).close()
    try:
        loaded = _models[model] = load(LoadSettings(Path(model), "m", parameters))
    except LoadFailed as exc:
        return {"failed": str(exc)}
    tensors = [[tensor.name, tensor.datatype, list(tensor.shape)] for tensor in (*loaded.inputs, *loaded.outputs)]
    chats = loaded.openai is not None and loaded.openai.chat_completions is not None
    return {"platform": loaded.platform, "tensors": tensors, "generates": loaded.openai is not None, "chats": chats}


def do_predict(model: str, rows: list[Any], parameters: dict[str, Any]) -> Any:
    """Say what versions 1 and 2 answer."""
    try:
        return _models[model].predict(rows, parameters)
    except InvalidInput as exc:
        return {"invalid": str(exc)}


def do_ask(model: str, route: str, bodies: list[Any]) -> Any:
    """Send the bodies at the same time; say each one's status and answer, or its events."""
    handler = getattr(_models[model].openai, route)

    async def one(body: Any) -> Any:
        response = await handler(Request("POST", "/", {}, json.dumps(body).encode()))
        if isinstance(response, Response):
            return {"status": response.status, "body": json.loads(response.body)}
        return {"status": 200, "events": [chunk.decode()[6:].strip() async for chunk in response.chunks]}

    async def every() -> Any:
        return await asyncio.gather(*map(one, bodies))

    return asyncio.run(every())


def do_joins(model: str) -> bool:
    """Say whether sequences of this model share passes."""
    return _models[model]._engine._runner.joins


@torch.inference_mode()
def do_rows(model: str, texts: Sequence[str], order: Sequence[int]) -> float:
    """Say how far the logits of joined sequences, of which only some are kept in some order, are from those of each alone."""
    runner = _models[model]._engine._runner._batches
    prompts = [_models[model].encode(text) for text in texts]
    alone = [runner.start([prompt], [prompt], lambda: None) for prompt in prompts]
    joined, *others = [runner.start([prompt], [prompt], lambda: None) for prompt in prompts]
    for place, other in enumerate(others):
        if place == len(others) // 2:  # the rest joins those that have begun
            joined.step([7] * (place + 1))
            for batch in alone[: place + 1]:
                batch.step([7])
        joined.join(other)
    joined.keep(order)
    kept = [alone[row] for row in order]
    furthest = 0.0
    for token in (5, 9, 40):
        expected = torch.cat([batch.logits for batch in kept])
        furthest = max(furthest, float((joined.logits - expected).abs().max()))
        joined.step([token] * len(order))
        for batch in kept:
            batch.step([token])
    return furthest


def do_tokens(model: str) -> Any:
    """Say what was read and generated."""
    return _models[model].openai.tokens()


@cache
def _theirs(model: str) -> tuple[Any, Any, bool]:
    """Load tokenizer and network by transformers alone, and say whether the network reads a text before it writes."""
    config = transformers.AutoConfig.from_pretrained(model)
    kind = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    network = kind.from_pretrained(model, dtype=torch.float32).eval()
    return transformers.AutoTokenizer.from_pretrained(model), network, config.is_encoder_decoder


@torch.inference_mode()
def do_generate(model: str, texts: Sequence[str], arguments: dict[str, Any]) -> list[str]:
    """Say what transformers' own generate continues each text with, one by one."""
    tokenizer, unused, is_encoder_decoder = _theirs(model)
    found = []
    for text in texts:
        network = copy.deepcopy(unused)  # some remember the text before
        inputs = tokenizer(text, return_tensors="pt")
        output = network.generate(inputs["input_ids"], attention_mask=inputs["attention_mask"], **arguments)[0].tolist()
        if is_encoder_decoder:
            found.append(tokenizer.decode(output, skip_special_tokens=True))
        else:
            whole = tokenizer.decode(output, skip_special_tokens=True)
            assert whole.startswith(text)
            found.append(whole[len(text) :])
    return found


def do_pipeline(model: str, task: str, rows: list[Any], arguments: dict[str, Any]) -> Any:
    """Say what a pipeline of transformers answers, row by row."""
    pipeline = transformers.pipeline(task, model=model, device="cpu", dtype=torch.float32)
    return [pipeline(row, **arguments) for row in rows]


def main() -> None:
    """Answer until the input ends."""
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is not mixed into the answers
    for line in sys.stdin:
        wanted = json.loads(line)
        try:
            answer = globals()[f"do_{wanted.pop('do')}"](**wanted)
        except Exception:
            answer = {"raised": traceback.format_exc()}
        answers.write(json.dumps(answer, default=float) + "\n")
        answers.flush()
    for model in _models.values():
        model.close()


if __name__ == "__main__":
    main()
