"""Choosing the next token of each row of a batch. What one row gets does not depend on the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import GenerationConfig
from transformers.generation import logits_process as processors

from easymaker_serving.generation import Sampling

_COLDEST = 1e-5  # below it a temperature is 0: dividing by it would leave the range of numbers

Processor = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one row. ``read`` are its tokens so far, prompt included, as the model's processors look at them."""

    sampling: Sampling
    read: Sequence[int]
    generated: Sequence[int]
    processors: Sequence[Processor]
    chance: float
    """A number of [0, 1) that decides, drawn from the row's own seed."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A token, with its log probability and the likeliest alternatives' where they were wanted."""

    token: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


def choose(logits: torch.Tensor, rows: Sequence[Row]) -> list[Chosen]:
    """Return a token for each row of ``logits`` [rows, vocabulary]."""
    raw = logits.float()
    scores = raw.clone() if any(map(_changes, rows)) else raw
    for index, row in enumerate(rows):
        if _changes(row):
            _adjust(scores[index], row)
    tokens = scores.argmax(-1)
    drawn = [index for index, row in enumerate(rows) if row.sampling.temperature > _COLDEST]
    # By themselves, as the order in which tokens are gone through decides what a chance means.
    for narrows in (False, True):
        some = [index for index in drawn if _narrows(rows[index].sampling) is narrows]
        if some:
            tokens[some] = _draw(scores[some], [rows[index] for index in some], narrows)
    chosen = [Chosen(token) for token in tokens.tolist()]
    for index, row in enumerate(rows):
        if row.sampling.logprobs is not None:
            chosen[index] = _tell(raw[index], chosen[index].token, row.sampling.logprobs)
    return chosen


def _narrows(sampling: Sampling) -> bool:
    return sampling.top_k > 0 or sampling.top_p < 1


def _changes(row: Row) -> bool:
    sampling = row.sampling
    penalties = sampling.presence_penalty or sampling.frequency_penalty or sampling.repetition_penalty != 1
    return bool(penalties or sampling.logit_bias or row.processors)


def _adjust(scores: torch.Tensor, row: Row) -> None:
    """Apply penalties, bias and what the model's authors set, in place. Penalties count what was generated, not the prompt."""
    sampling = row.sampling
    if sampling.repetition_penalty != 1:
        seen = torch.tensor(sorted({*row.read}), device=scores.device)
        values = scores[seen]
        scores[seen] = torch.where(values < 0, values * sampling.repetition_penalty, values / sampling.repetition_penalty)
    if row.generated and (sampling.presence_penalty or sampling.frequency_penalty):
        counts = Counter(row.generated)
        seen = torch.tensor(list(counts), device=scores.device)
        times = torch.tensor(list(counts.values()), device=scores.device, dtype=scores.dtype)
        scores[seen] -= sampling.presence_penalty + sampling.frequency_penalty * times
    for token, bias in sampling.logit_bias.items():
        scores[token] += bias
    if row.processors:
        ids = torch.tensor([row.read], device=scores.device)
        for process in row.processors:
            scores[:] = process(ids, scores[None])[0]


def _draw(scores: torch.Tensor, rows: Sequence[Row], narrows: bool) -> torch.Tensor:
    """Return tokens drawn by each row's chance: where the sum of probabilities passes it; ``narrows``: likeliest first."""
    device = scores.device
    temperature = torch.tensor([row.sampling.temperature for row in rows], device=device)[:, None]
    # In 64 bits, so that the sum over a large vocabulary is not led astray by rounding.
    probabilities = (scores / temperature).softmax(-1, dtype=torch.float64)
    vocabulary = scores.shape[-1]
    order = None
    if narrows:
        probabilities, order = probabilities.sort(dim=-1, descending=True, stable=True)
        top_k = torch.tensor([row.sampling.top_k or vocabulary for row in rows], device=device)[:, None]
        top_p = torch.tensor([row.sampling.top_p for row in rows], device=device, dtype=torch.float64)[:, None]
        before = probabilities.cumsum(-1) - probabilities
        kept = (torch.arange(vocabulary, device=device) < top_k) & ((before < top_p) | (top_p >= 1))
        kept[:, 0] = True
        probabilities = probabilities * kept
    total = probabilities.cumsum(-1)
    chance = torch.tensor([row.chance for row in rows], device=device, dtype=torch.float64)[:, None]
    index = torch.searchsorted(total, chance * total[:, -1:], right=True).clamp(max=vocabulary - 1)
    return (index if order is None else order.gather(-1, index))[:, 0]


def _tell(logits: torch.Tensor, token: int, alternatives: int) -> Chosen:
    logprobs = logits.log_softmax(-1)
    top = logprobs.topk(min(alternatives, len(logprobs)))
    return Chosen(token, float(logprobs[token]), tuple(zip(top.indices.tolist(), top.values.tolist(), strict=True)))


def model_processors(config: GenerationConfig, prompt_length: int, max_length: int, device: torch.device) -> list[Processor]:
    """Return what a model's own ``generation_config.json`` asks for beside sampling.

    ``prompt_length`` and ``max_length`` count the decoder's tokens, those of the prompt included where the decoder reads it.
    """
    found: list[Processor] = []
    eos = config.eos_token_id
    if config.no_repeat_ngram_size:
        found.append(processors.NoRepeatNGramLogitsProcessor(config.no_repeat_ngram_size))
    if config.bad_words_ids:
        found.append(processors.NoBadWordsLogitsProcessor(config.bad_words_ids, eos))
    if config.min_length and eos is not None:
        found.append(processors.MinLengthLogitsProcessor(config.min_length, eos, device=device))
    if config.min_new_tokens and eos is not None:
        least = config.min_new_tokens
        found.append(processors.MinNewTokensLengthLogitsProcessor(prompt_length, least, eos, device=device))
    if config.suppress_tokens:
        found.append(processors.SuppressTokensLogitsProcessor(config.suppress_tokens, device=device))
    if config.begin_suppress_tokens:
        begin = config.begin_suppress_tokens
        found.append(processors.SuppressTokensAtBeginLogitsProcessor(begin, prompt_length, device=device))
    if config.forced_bos_token_id is not None:
        found.append(processors.ForcedBOSTokenLogitsProcessor(config.forced_bos_token_id))
    if config.forced_eos_token_id is not None:
        found.append(processors.ForcedEOSTokenLogitsProcessor(max_length, config.forced_eos_token_id, device=device))
    return found
