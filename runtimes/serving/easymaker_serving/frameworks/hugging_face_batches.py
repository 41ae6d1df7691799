"""Sequences that take their steps together through a model of transformers: one forward pass, a token for each.

Why not transformers' own continuous batching: in 5.24 it has one seed for the whole process, no penalties per request and no
encoder-decoder models, so the answer to a request would depend on its neighbours, or could not be given.

A sequence is prefilled alone and its cache then joins that of the others, aligned at the newest token: on the left, shorter
sequences are padded and masked. Distances between tokens stay true, so windows of attention and relative positions do too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer, DynamicSlidingWindowLayer, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

Tokens = Sequence[int]

_PREFILL_CHUNK = 512  # tokens of a prompt per pass; in between, the other sequences take a step
_SAME = 1e-3  # of the logits' spread: what rounding may change in 32 bits
_SAME_IN_16_BITS = 0.1


class Batch:
    """Sequences with one cache, a row each. ``logits`` [rows, vocabulary] are those of every row's next token."""

    def __init__(self, model: PreTrainedModel, cache: Cache | None, logits: torch.Tensor, **inputs: Any) -> None:
        self.logits = logits
        self._model = model
        self._cache = cache
        self._inputs = inputs  # of every step, rows first

    def step(self, tokens: Tokens) -> None:
        """Read one token per row."""
        self._read(tokens, self._inputs)

    def _read(self, tokens: Tokens, inputs: Mapping[str, Any]) -> None:
        ids = torch.tensor(tokens, device=self.logits.device)[:, None]
        name = "decoder_input_ids" if self._model.config.is_encoder_decoder else "input_ids"
        output = self._model(**{name: ids}, cache=self._cache, use_cache=True, **inputs)
        self.logits = output.logits[:, -1]

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows alone."""
        index = torch.tensor(rows, device=self.logits.device)
        self.logits = self.logits[index]
        if self._cache is not None:
            self._cache.batch_select_indices(index)
        self._inputs = {name: _rows(value, index) for name, value in self._inputs.items()}


class PaddedBatch(Batch):
    """Rows of different lengths, which others may join at any time. ``mask`` [rows, length] is 0 at the padding."""

    def __init__(self, model: PreTrainedModel, cache: DynamicCache, logits: torch.Tensor, mask: torch.Tensor) -> None:
        super().__init__(model, cache, logits)
        self._mask = mask
        self._has_positions = _takes(model, "position_ids")

    def step(self, tokens: Tokens) -> None:
        positions = self._mask.sum(-1, keepdim=True)
        self._mask = pad(self._mask, (0, 1), value=1)
        self._read(tokens, {"attention_mask": self._mask, **({"position_ids": positions} if self._has_positions else {})})

    def keep(self, rows: Sequence[int]) -> None:
        super().keep(rows)
        self._mask = self._mask[torch.tensor(rows, device=self.logits.device)]
        surplus = int(self._mask.argmax(-1).min())
        if surplus:
            self._mask = self._mask[:, surplus:]
            for layer in self._cache.layers:
                _resize(layer, -surplus)

    def join(self, other: PaddedBatch) -> None:
        """Take the other batch's rows; it must not be used any more."""
        length = max(self._mask.shape[1], other._mask.shape[1])
        for batch in (self, other):
            more = length - batch._mask.shape[1]
            batch._mask = pad(batch._mask, (more, 0))
            for layer in batch._cache.layers:
                _resize(layer, more)
        for mine, theirs in zip(self._cache.layers, other._cache.layers, strict=True):
            if mine.is_initialized:  # layers that share another's cache have none
                mine.keys = torch.cat([mine.keys, theirs.keys])
                mine.values = torch.cat([mine.values, theirs.values])
        self._mask = torch.cat([self._mask, other._mask])
        self.logits = torch.cat([self.logits, other.logits])


class Runner:
    """Starts batches. ``joins`` says whether they may be joined; ``starts_together`` whether several sequences start as one."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._keeps_logits = _takes(model, "logits_to_keep")
        self._caches = _takes(model, "cache")
        self.starts_together = bool(model.config.is_encoder_decoder)
        self.joins = False
        if self._caches and not self.starts_together:
            self._examine()

    def start(self, prompts: Sequence[Tokens], first: Sequence[Tokens], between: Callable[[], None]) -> Batch:
        """Return a batch that has read the prompts; ``between`` is called between the chunks of long ones.

        ``first`` are the tokens with which each answer of a decoder begins. Without ``starts_together`` there is one prompt.
        """
        if self.starts_together:
            return self._encode(prompts, first)
        ids = torch.tensor(prompts[0], device=self._model.device)[None]
        if not self._caches:
            return _Uncached(self._model, ids)
        cache = DynamicCache(config=self._model.config)
        keep = {"logits_to_keep": 1} if self._keeps_logits else {}
        chunks = ids.split(_PREFILL_CHUNK if self.joins else ids.shape[1], dim=1)
        for number, chunk in enumerate(chunks):
            if number:
                between()
            output = self._model(input_ids=chunk, cache=cache, use_cache=True, **keep)
        logits = output.logits[:, -1]
        if self.joins:
            return PaddedBatch(self._model, cache, logits, torch.ones_like(ids))
        return Batch(self._model, cache, logits)

    def _encode(self, prompts: Sequence[Tokens], first: Sequence[Tokens]) -> Batch:
        """Start sequences whose prompts an encoder reads. Their answers begin together, so decoding needs no padding."""
        length = max(map(len, prompts))
        mask = torch.tensor([[1] * len(prompt) + [0] * (length - len(prompt)) for prompt in prompts], device=self._model.device)
        filler = self._model.config.pad_token_id or 0
        ids = torch.tensor([[*prompt, *[filler] * (length - len(prompt))] for prompt in prompts], device=self._model.device)
        encoded = self._model.get_encoder()(input_ids=ids, attention_mask=mask, return_dict=True)
        state = BaseModelOutput(last_hidden_state=encoded.last_hidden_state)
        config = self._model.config
        cache = EncoderDecoderCache(DynamicCache(config=config), DynamicCache())
        output = self._model(
            encoder_outputs=state, attention_mask=mask, cache=cache, use_cache=True,
            decoder_input_ids=torch.tensor(first, device=self._model.device),
        )  # fmt: skip
        return Batch(self._model, cache, output.logits[:, -1], encoder_outputs=state, attention_mask=mask)

    @torch.inference_mode()
    def _examine(self) -> None:
        """Find out by trying what two sequences can share: a pass, or at least the model, each with a cache of its own.

        Not every model takes padding for what it is, and there are some that keep a sequence's state in themselves.
        """
        vocabulary = self._model.config.get_text_config().vocab_size
        prompts = [[place * 7 % vocabulary for place in range(3, 3 + length)] for length in (4, 11)]
        tokens = (5 % vocabulary, 9 % vocabulary)
        one_by_one = []
        for prompt in prompts:
            batch = self._start_alone(prompt)
            for token in tokens:
                batch.step([token])
            one_by_one.append(batch.logits)
        expected = torch.cat(one_by_one)
        in_turns = [self._start_alone(prompt) for prompt in prompts]
        for token in tokens:
            for batch in in_turns:
                batch.step([token])
        self._caches = _is_same(torch.cat([batch.logits for batch in in_turns]), expected)
        self.joins = self._caches and self._takes_padding() and self._is_same_joined(prompts, tokens, expected)

    def _start_alone(self, prompt: Tokens) -> Batch:
        return self.start([prompt], [[]], between=_nothing)

    def _takes_padding(self) -> bool:
        config = self._model.config
        known = all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in DynamicCache(config=config).layers)
        # Chunks are counted from the first token: padding would shift them.
        return known and "chunked_attention" not in (getattr(config, "layer_types", None) or ())

    def _is_same_joined(self, prompts: Sequence[Tokens], tokens: Tokens, expected: torch.Tensor) -> bool:
        self.joins = True  # for the attempt
        joined, other = (self._start_alone(prompt) for prompt in prompts)
        try:
            joined.join(other)
            for token in tokens:
                joined.step([token, token])
        except (RuntimeError, TypeError, ValueError):  # of shapes that its code does not expect
            return False
        return _is_same(joined.logits, expected)


class _Uncached(Batch):
    """One sequence of a model whose cache cannot be used: every step reads all of it again."""

    def __init__(self, model: PreTrainedModel, ids: torch.Tensor) -> None:
        self._ids = ids
        self._options = {"use_cache": False} if _takes(model, "use_cache") else {}
        super().__init__(model, None, model(input_ids=ids, **self._options).logits[:, -1])

    def step(self, tokens: Tokens) -> None:
        self._ids = torch.cat([self._ids, torch.tensor([tokens], device=self._ids.device)], dim=1)
        self.logits = self._model(input_ids=self._ids, **self._options).logits[:, -1]


def _resize(layer: DynamicLayer, more: int) -> None:
    """Lengthen a layer of a cache on the left, or shorten it. One with a window has no more than the window."""
    if not layer.is_initialized:
        return
    length = layer.get_seq_length() + more
    held = layer.keys.shape[-2]
    if isinstance(layer, DynamicSlidingWindowLayer):
        layer.cumulative_length = length
        more = min(length, layer.sliding_window - 1) - held
    layer.keys = pad(layer.keys, (0, 0, more, 0))  # below zero, pad cuts off
    layer.values = pad(layer.values, (0, 0, more, 0))


def _rows(value: Any, index: torch.Tensor) -> Any:
    if isinstance(value, BaseModelOutput):
        return BaseModelOutput(last_hidden_state=value.last_hidden_state[index])
    return value[index]


def _takes(model: PreTrainedModel, name: str) -> bool:
    return name in inspect.signature(model.forward).parameters


def _is_same(logits: torch.Tensor, expected: torch.Tensor) -> bool:
    tolerance = _SAME if logits.dtype == torch.float32 else _SAME_IN_16_BITS
    return bool((logits - expected).float().abs().max() <= tolerance * expected.float().std())


def _nothing() -> None:
    pass
