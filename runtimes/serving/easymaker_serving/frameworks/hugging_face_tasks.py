"""Models of transformers that understand text: classes for texts, classes for tokens, words for masks (FS-16).

A row is a text or an object with ``text``; to classify, also a pair of texts, as a list or with ``text_pair``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import msgspec
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TokenClassificationPipeline
from transformers.pipelines.token_classification import AggregationStrategy

from easymaker_serving.model import InvalidInput, RowModel, TensorSpec

# Parameters of the protocol and of its clients that say nothing about the task.
PROTOCOL_PARAMETERS = {"binary_data_output", "priority", "timeout", "sequence_id", "sequence_start", "sequence_end"}


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request may set for all its rows; each task has its own."""


class _Task(RowModel):
    """Texts to tokens, one pass through the model for all rows, answers from its output."""

    inputs = (TensorSpec("text", "BYTES", (-1,)),)
    parameters: type[Parameters] = Parameters
    tokenizing: Mapping[str, Any] = {}

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        if tokenizer.pad_token is None:  # as of models that were made to generate; what is padded is masked
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
        if model.config.pad_token_id is None:
            model.config.pad_token_id = tokenizer.pad_token_id

    @torch.inference_mode()
    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        given = {name: value for name, value in parameters.items() if name not in PROTOCOL_PARAMETERS}
        try:
            wanted = msgspec.convert(given, self.parameters, strict=False)
        except msgspec.ValidationError as exc:
            names = ", ".join(self.parameters.__struct_fields__) or "none"
            raise InvalidInput(f"Parameters: {exc}. There are: {names}.") from exc
        texts = [self._text(row) for row in rows]
        encoded = self._tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=self._max_tokens,
            return_attention_mask=True,
            return_tensors="pt",
            **self.tokenizing,
        )
        if not bool(encoded["attention_mask"].any(-1).all()):
            raise InvalidInput('A row of "text" has nothing in it that is a token.')
        taken = {name: encoded[name].to(self._model.device) for name in self._tokenizer.model_input_names if name in encoded}
        logits = self._model(**taken).logits.float().cpu()
        return self._answers(texts, encoded, logits, wanted)

    def _text(self, row: Any) -> Any:
        text = row.get("text") if isinstance(row, Mapping) else row
        if not isinstance(text, str):
            raise InvalidInput('Each row of "text" is a text, or an object with "text".')
        return text

    @abstractmethod
    def _answers(self, texts: list[Any], encoded: Mapping[str, Any], logits: torch.Tensor, wanted: Any) -> list[Any]: ...


class ClassificationParameters(Parameters, frozen=True):
    """``all_scores`` adds the score of every class."""

    all_scores: bool = False


class SequenceClassification(_Task):
    """Answers with the likeliest class and its score: a probability, or the value itself where the model is for regression."""

    platform = "transformers_sequence_classification"
    outputs = (TensorSpec("label", "BYTES", (-1,)), TensorSpec("score", "FP64", (-1,)))
    parameters = ClassificationParameters

    def _text(self, row: Any) -> Any:
        pair = row.get("text_pair") if isinstance(row, Mapping) else None
        if isinstance(row, list) and len(row) == 2:
            row, pair = row
        if pair is not None and not isinstance(pair, str):
            raise InvalidInput('"text_pair" is a text.')
        text = super()._text(row)
        return text if pair is None else (text, pair)

    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        # A tokenizer takes either texts or pairs of them; requests of both kinds may come together.
        pairs = [isinstance(self._text(row), tuple) for row in rows]
        if len(set(pairs)) < 2:
            return super().predict(rows, parameters)
        answers: dict[int, Any] = {}
        for kind in (False, True):
            places = [place for place, pair in enumerate(pairs) if pair is kind]
            answers |= zip(places, super().predict([rows[place] for place in places], parameters), strict=True)
        return [answers[place] for place in range(len(rows))]

    def _answers(self, texts: list[Any], encoded: Mapping[str, Any], logits: torch.Tensor, wanted: Any) -> list[Any]:
        config = self._model.config
        if config.problem_type == "regression":
            scores = logits
        elif config.problem_type == "multi_label_classification" or config.num_labels == 1:
            scores = logits.sigmoid()
        else:
            scores = logits.softmax(-1)
        labels = [config.id2label[index] for index in range(scores.shape[-1])]
        best = scores.argmax(-1).tolist()
        answers = []
        for row, index in zip(scores.tolist(), best, strict=True):
            answer: dict[str, Any] = {"label": labels[index], "score": row[index]}
            if wanted.all_scores:
                answer["scores"] = dict(zip(labels, row, strict=True))
            answers.append(answer)
        return answers


class TokenParameters(Parameters, frozen=True):
    """``aggregation_strategy`` is that of transformers: none, simple, first, average or max."""

    aggregation_strategy: str = "none"


class TokenClassification(_Task):
    """Answers with the tokens, or by aggregation the groups of them, that have a class other than "O"."""

    platform = "transformers_token_classification"
    outputs = (TensorSpec("entities", "BYTES", (-1,)),)
    parameters = TokenParameters
    tokenizing: Mapping[str, Any] = {"return_special_tokens_mask": True, "return_offsets_mapping": True}

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> None:
        super().__init__(model, tokenizer, max_tokens)
        if not tokenizer.is_fast:  # only those written in Rust know where a token was in the text
            self.tokenizing = {"return_special_tokens_mask": True}
        # How groups are made of tokens is its business; the pass through the model is ours, for all rows at once.
        self._pipeline = TokenClassificationPipeline(model=model, tokenizer=tokenizer)

    def _answers(self, texts: list[Any], encoded: Mapping[str, Any], logits: torch.Tensor, wanted: Any) -> list[Any]:
        try:
            strategy = AggregationStrategy(wanted.aggregation_strategy)
        except ValueError as exc:
            names = ", ".join(known.value for known in AggregationStrategy)
            raise InvalidInput(f"'aggregation_strategy' is none of {names}.") from exc
        lengths = encoded["attention_mask"].sum(-1).tolist()
        left = self._tokenizer.padding_side == "left"
        answers = []
        for row, (text, length) in enumerate(zip(texts, lengths, strict=True)):
            real = slice(-length, None) if left else slice(0, length)
            output = {
                name: encoded[name][row : row + 1, real] if name in encoded else None
                for name in ("input_ids", "special_tokens_mask", "offset_mapping")
            }
            output |= {"sentence": text, "logits": logits[row : row + 1, real]}
            found = self._pipeline.postprocess([output], aggregation_strategy=strategy)
            answers.append([_as_json(entity) for entity in found])
        return answers


class MaskParameters(Parameters, frozen=True):
    """``top_k`` is how many words are told for each mask."""

    top_k: int = 5


class FillMask(_Task):
    """Answers with the likeliest words for the mask, as a list; where there are several masks, with a list of those."""

    platform = "transformers_fill_mask"
    outputs = (TensorSpec("words", "BYTES", (-1,)),)
    parameters = MaskParameters

    def _answers(self, texts: list[Any], encoded: Mapping[str, Any], logits: torch.Tensor, wanted: Any) -> list[Any]:
        if not 1 <= wanted.top_k <= logits.shape[-1]:
            raise InvalidInput(f"'top_k' is {wanted.top_k}; it has to be from 1 to {logits.shape[-1]}.")
        answers = []
        for row in range(len(texts)):
            ids = encoded["input_ids"][row]
            places = (ids == self._tokenizer.mask_token_id).nonzero()[:, 0].tolist()
            if not places:
                text = f'A row of "text" has no {self._tokenizer.mask_token} within {self._max_tokens} tokens.'
                raise InvalidInput(text)
            ids = ids[encoded["attention_mask"][row].bool()]
            filled = [self._words(logits[row, place], ids, number, wanted.top_k) for number, place in enumerate(places)]
            answers.append(filled[0] if len(filled) == 1 else filled)
        return answers

    def _words(self, logits: torch.Tensor, ids: torch.Tensor, number: int, top_k: int) -> list[dict[str, Any]]:
        top = logits.softmax(-1).topk(top_k)
        place = (ids == self._tokenizer.mask_token_id).nonzero()[number, 0]
        words = []
        for score, token in zip(top.values.tolist(), top.indices.tolist(), strict=True):
            filled = ids.clone()
            filled[place] = token
            text = self._tokenizer.decode(filled, skip_special_tokens=True)
            words.append({"score": score, "token": token, "token_str": self._tokenizer.decode([token]), "sequence": text})
        return words


def _as_json(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Return what transformers found without the numbers of NumPy."""
    return {name: value.item() if hasattr(value, "item") else value for name, value in entity.items()}
