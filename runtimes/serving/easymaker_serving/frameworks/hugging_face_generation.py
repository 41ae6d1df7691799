"""Text generation with transformers: rows of version 1 and 2, and what the OpenAI routes need (FS-16, OI-11, OI-12)."""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from jinja2 import TemplateError
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from easymaker_serving.frameworks.hugging_face_beams import search
from easymaker_serving.frameworks.hugging_face_runner import EngineRunner
from easymaker_serving.frameworks.hugging_face_tasks import PROTOCOL_PARAMETERS
from easymaker_serving.generation import Context, Listener, Piece, Sampling, Ticket, joined
from easymaker_serving.generation_engine import Engine
from easymaker_serving.model import InvalidInput, OpenAI, RowModel, TensorSpec
from easymaker_serving.openai import Routes

_DEFAULT_NEW_TOKENS = 128
_MAX_BEAMS = 32


class RowParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What versions 1 and 2 may set for all rows of a request. Without a temperature, the likeliest text is taken.

    ``num_beams`` above 1, from here or as the model's authors recommend, is for that: it searches with so many candidates.
    """

    max_new_tokens: int | None = None
    max_tokens: int | None = None
    num_beams: int | None = None
    do_sample: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    return_full_text: bool = False
    details: bool = False

    @property
    def samples(self) -> bool:
        """Whether chance decides."""
        return self.temperature is not None if self.do_sample is None else self.do_sample

    def beams(self, config: GenerationConfig) -> int:
        """Return how many candidates a search has, 1: there is none. Raises InvalidInput."""
        searches = not (self.samples or self.stop or self.presence_penalty or self.frequency_penalty)
        if self.num_beams is None:
            return (config.num_beams or 1) if searches else 1
        if not 1 <= self.num_beams <= _MAX_BEAMS:
            raise InvalidInput(f"'num_beams' is {self.num_beams}; it has to be from 1 to {_MAX_BEAMS}.")
        if self.num_beams > 1 and not searches:
            raise InvalidInput("'num_beams' does not go with sampling, 'stop', 'presence_penalty' and 'frequency_penalty'.")
        return self.num_beams


class GenerationModel(RowModel):
    """A model that continues a text, or answers one with another."""

    outputs = (TensorSpec("generated_text", "BYTES", (-1,)),)
    inputs = (TensorSpec("text", "BYTES", (-1,)),)

    def __init__(
        self,
        name: str,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        context: Context,
        *,
        threads: int,
        max_running: int,
        max_waiting: int,
        row_defaults: Mapping[str, str],
    ) -> None:
        self.platform = "transformers_text_generation" if context.shared else "transformers_text2text_generation"
        self.context = context
        self.vocabulary = int(model.get_input_embeddings().num_embeddings)
        self.defaults = _defaults(model)
        self._model = model
        self._tokenizer = tokenizer
        self._row_defaults = dict(row_defaults)
        self._row_parameters({})
        runner = EngineRunner(model, tokenizer, threads)
        self._end_tokens = runner.end_tokens
        self._searched: Counter[str] = Counter()  # tokens
        self._engine = Engine(runner, self.decode, max_running, max_waiting)
        self._routes = Routes(name, self)

    @property
    def openai(self) -> OpenAI:
        chats = self._tokenizer.chat_template is not None and self.context.shared
        routes = self._routes
        return OpenAI(routes.completions, routes.chat_completions if chats else None, self._tokens)

    def _tokens(self) -> Mapping[str, int]:
        return {kind: count + self._searched[kind] for kind, count in self._engine.tokens.items()}

    def close(self) -> None:
        self._engine.close()

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer(text)["input_ids"])

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        try:
            text = self._tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, tokenize=False)
        except (TemplateError, TypeError, ValueError, KeyError) as exc:  # templates are programs of the model's authors
            raise InvalidInput(f"The model's chat template refuses the messages: {exc}") from exc
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def submit(self, answers: Sequence[tuple[Sequence[int], Sampling]], listener: Listener) -> Ticket:
        return self._submit(answers, listener, bounded=True)

    def _submit(self, answers: Sequence[tuple[Sequence[int], Sampling]], listener: Listener, *, bounded: bool) -> Ticket:
        before = [prompt if self.context.shared else () for prompt, _ in answers]
        return self._engine.submit(answers, before, listener, bounded=bounded)

    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        wanted = self._row_parameters(parameters)
        texts = [_text(row) for row in rows]
        answers = [(prompt, self._sampling(wanted, len(prompt))) for prompt in map(self.encode, texts)]
        if not all(prompt for prompt, _ in answers):
            raise InvalidInput('A row of "text" has nothing in it that is a token.')
        beams = wanted.beams(self._model.generation_config)
        generated = self._step_by_step(answers) if beams == 1 else self._search(answers, beams)
        prefixes = texts if wanted.return_full_text else [""] * len(texts)
        if not wanted.details:
            return [prefix + answer.text for prefix, answer in zip(prefixes, generated, strict=True)]
        return [
            {"generated_text": prefix + answer.text, "finish_reason": answer.finish_reason, "prompt_tokens": len(prompt),
             "generated_tokens": answer.tokens}
            for prefix, answer, (prompt, _) in zip(prefixes, generated, answers, strict=True)
        ]  # fmt: skip

    def _step_by_step(self, answers: Sequence[tuple[Sequence[int], Sampling]]) -> list[Piece]:
        """Return the whole answers, computed together with those to other requests."""
        pieces: queue.SimpleQueue[tuple[int, Piece]] = queue.SimpleQueue()
        self._submit(answers, lambda index, piece: pieces.put((index, piece)), bounded=False)
        found: list[list[Piece]] = [[] for _ in answers]
        left = len(answers)
        while left:
            index, piece = pieces.get()
            if piece.error is not None:
                raise RuntimeError(piece.error)
            found[index].append(piece)
            left -= piece.finish_reason is not None
        return [joined(one) for one in found]

    def _search(self, answers: Sequence[tuple[Sequence[int], Sampling]], beams: int) -> list[Piece]:
        found: dict[int, Piece] = {}
        for most in {sampling.max_tokens for _, sampling in answers}:
            places = [place for place, (_, sampling) in enumerate(answers) if sampling.max_tokens == most]
            prompts = [answers[place][0] for place in places]
            best = search(self._model, prompts, beams, most, answers[0][1].repetition_penalty)
            self._searched.update(prompt=sum(map(len, prompts)), generated=sum(map(len, best)))
            for place, tokens in zip(places, best, strict=True):
                reason = "stop" if tokens and tokens[-1] in self._end_tokens else "length"
                found[place] = Piece(self.decode(tokens), len(tokens), finish_reason=reason)
        return [found[place] for place in range(len(answers))]

    def _row_parameters(self, parameters: Mapping[str, Any]) -> RowParameters:
        given = {**self._row_defaults, **{name: value for name, value in parameters.items() if name not in PROTOCOL_PARAMETERS}}
        try:
            return msgspec.convert(given, RowParameters, strict=False)
        except msgspec.ValidationError as exc:
            raise InvalidInput(f"Parameters: {exc}. There are {', '.join(RowParameters.__struct_fields__)}.") from exc

    def _sampling(self, wanted: RowParameters, prompt: int) -> Sampling:
        config = self._model.generation_config
        tokens = wanted.max_tokens if wanted.max_new_tokens is None else wanted.max_new_tokens
        if tokens is None:
            usual = config.max_new_tokens or (None if self.context.shared else config.max_length) or _DEFAULT_NEW_TOKENS
            tokens = min(usual, self.context.room(prompt, None))
        defaults = self.defaults
        temperature = wanted.temperature if wanted.temperature is not None else defaults.get("temperature", 1.0)
        penalty = wanted.repetition_penalty
        sampling = Sampling(
            max_tokens=self.context.room(prompt, tokens),
            temperature=temperature if wanted.samples else 0.0,
            top_p=wanted.top_p if wanted.top_p is not None else defaults.get("top_p", 1.0),
            top_k=wanted.top_k if wanted.top_k is not None else int(defaults.get("top_k", 0)),
            presence_penalty=wanted.presence_penalty,
            frequency_penalty=wanted.frequency_penalty,
            repetition_penalty=penalty if penalty is not None else defaults.get("repetition_penalty", 1.0),
            seed=wanted.seed,
            stop=tuple([wanted.stop] if isinstance(wanted.stop, str) else wanted.stop or ()),
        )
        sampling.check()
        return sampling


def _defaults(model: PreTrainedModel) -> dict[str, float]:
    config = model.generation_config
    names = ("temperature", "top_p", "top_k", "repetition_penalty")
    return {name: max(0, value) for name in names if (value := getattr(config, name, None)) is not None}


def _text(row: Any) -> str:
    text = row.get("text", row.get("prompt")) if isinstance(row, Mapping) else row
    if not isinstance(text, str) or not text:
        raise InvalidInput('Each row of "text" is a text, or an object with "text", and is not empty.')
    return text
