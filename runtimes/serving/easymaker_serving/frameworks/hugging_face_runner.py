"""How the engine of generation computes with transformers: batches of sequences, and what their tokens are chosen by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from easymaker_serving.frameworks import hugging_face_batches as batches
from easymaker_serving.frameworks.hugging_face_sampling import Chosen, Processor, Row, choose, model_processors
from easymaker_serving.generation import TokenLogprob
from easymaker_serving.generation_engine import Answer, Next


class _Rows:
    """A batch of the engine: rows of transformers with what is chosen by."""

    def __init__(
        self,
        batch: batches.Batch,
        first: Sequence[Sequence[int]],
        processors: list[list[Processor]],
        decode: Callable[[int], str],
    ) -> None:
        self._batch = batch
        self._first = list(first)  # tokens of the decoder before the generated ones
        self._processors = processors
        self._decode = decode

    def choose(self, answers: Sequence[Answer]) -> list[Next]:
        rows = []
        for answer, first, processors in zip(answers, self._first, self._processors, strict=True):
            looks_back = processors or answer.sampling.repetition_penalty != 1
            read = [*first, *answer.generated] if looks_back else ()
            rows.append(Row(answer.sampling, read, answer.generated, processors, answer.chances.random()))
        return [self._told(chosen) for chosen in choose(self._batch.logits, rows)]

    def _told(self, chosen: Chosen) -> Next:
        if chosen.logprob is None:
            return Next(chosen.token)
        top = tuple((self._decode(token), logprob) for token, logprob in chosen.top)
        return Next(chosen.token, TokenLogprob(self._decode(chosen.token), chosen.logprob, top))

    def step(self, tokens: Sequence[int]) -> None:
        self._batch.step(tokens)

    def keep(self, rows: Sequence[int]) -> None:
        self._batch.keep(rows)
        self._first = [self._first[row] for row in rows]
        self._processors = [self._processors[row] for row in rows]

    def join(self, other: _Rows) -> None:
        self._batch.join(other._batch)
        self._first += other._first
        self._processors += other._processors


class EngineRunner:
    """The engine's way into transformers."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, threads: int) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._threads = threads
        self._batches = batches.Runner(model)
        self.joins = self._batches.joins
        self.starts_together = self._batches.starts_together
        ends = model.generation_config.eos_token_id
        ends = tokenizer.eos_token_id if ends is None else ends
        self.end_tokens = frozenset([] if ends is None else [ends] if isinstance(ends, int) else ends)

    def computing(self) -> AbstractContextManager[object]:
        torch.set_num_threads(self._threads)
        return torch.inference_mode()

    def start(self, answers: Sequence[Answer], between: Callable[[], None]) -> _Rows:
        prompts = [answer.prompt for answer in answers]
        first = [[self._decoder_start()]] * len(prompts) if self.starts_together else prompts
        processors = [
            model_processors(
                self._model.generation_config, len(begin), len(begin) + answer.sampling.max_tokens, self._model.device
            )
            for begin, answer in zip(first, answers, strict=True)
        ]
        batch = self._batches.start(prompts, first, between)
        return _Rows(batch, first, processors, lambda token: self._tokenizer.decode([token]))

    def _decoder_start(self) -> int:
        config, generation = self._model.config, self._model.generation_config
        candidates = (
            generation.decoder_start_token_id,
            getattr(config, "decoder_start_token_id", None),
            generation.bos_token_id,
        )
        return next((token for token in candidates if token is not None), 0)
