"""Beam search by transformers' own ``generate``: what many translators and summarizers are made for. There is no streaming."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

Tokens = Sequence[int]


@torch.inference_mode()
def search(
    model: PreTrainedModel, prompts: Sequence[Tokens], num_beams: int, max_new_tokens: int, repetition_penalty: float
) -> list[list[int]]:
    """Return the best continuation of each prompt, without what fills a row up to the longest one."""
    reads_prompt = not model.config.is_encoder_decoder
    length = max(map(len, prompts))
    filler = model.generation_config.pad_token_id or 0
    rows = [_filled(prompt, length, filler, reads_prompt) for prompt in prompts]
    masks = [_filled([1] * len(prompt), length, 0, reads_prompt) for prompt in prompts]
    output = model.generate(
        torch.tensor(rows, device=model.device), attention_mask=torch.tensor(masks, device=model.device), do_sample=False,
        num_beams=num_beams, max_new_tokens=max_new_tokens, repetition_penalty=repetition_penalty, pad_token_id=filler,
    )  # fmt: skip
    generated = output[:, length if reads_prompt else 1 :].tolist()  # a decoder's first token is no part of the answer
    ends = model.generation_config.eos_token_id
    return [_cut(tokens, {ends} if isinstance(ends, int) else {*(ends or ())}) for tokens in generated]


def _filled(values: Tokens, length: int, filler: int, on_the_left: bool) -> list[int]:
    rest = [filler] * (length - len(values))
    return [*rest, *values] if on_the_left else [*values, *rest]


def _cut(tokens: list[int], ends: set[int]) -> list[int]:
    """Return the tokens to the one that ends them, with it."""
    end = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return tokens[: end + 1]
