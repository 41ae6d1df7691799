"""Models of the Hugging Face hub, by transformers: a local directory in safetensors format (MD-13, FS-16, FS-L03).

Nothing is fetched, no pickle is read, and code that a model brings is not executed unless ``trust_remote_code`` says so.
Parameters: ``task``, ``dtype`` (as in "bfloat16"; "auto" as saved, which is usual on GPUs), ``device``, ``trust_remote_code``;
for models that generate also ``max_model_len``, ``max_num_seqs``, ``max_queue`` and, where a request does not set them, those
of rows, as in ``max_new_tokens``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before the import: it is read there

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from easymaker_serving.frameworks.hugging_face_generation import GenerationModel, RowParameters
from easymaker_serving.frameworks.hugging_face_tasks import FillMask, SequenceClassification, TokenClassification
from easymaker_serving.generation import Context
from easymaker_serving.model import InvalidInput, LoadFailed, LoadSettings, Model

_CLASSES = {
    "sequence_classification": transformers.AutoModelForSequenceClassification,
    "token_classification": transformers.AutoModelForTokenClassification,
    "fill_mask": transformers.AutoModelForMaskedLM,
    "text_generation": transformers.AutoModelForCausalLM,
    "text2text_generation": transformers.AutoModelForSeq2SeqLM,
}
_UNDERSTANDS = {
    "sequence_classification": SequenceClassification,
    "token_classification": TokenClassification,
    "fill_mask": FillMask,
}
# How the names of transformers' classes end. The first that fits counts; the examination of models goes by the same table.
_ENDINGS = {
    "ForSequenceClassification": "sequence_classification",
    "ForTokenClassification": "token_classification",
    "ForMaskedLM": "fill_mask",
    "ForCausalLM": "text_generation",
    "WithLMHeadModel": "fill_mask",
    "LMHeadModel": "text_generation",
    "ForConditionalGeneration": "text2text_generation",
    "MTModel": "text2text_generation",
    "EncoderDecoderModel": "text2text_generation",
}
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_UNKNOWN_CONTEXT = 4096  # tokens, where the configuration names no limit, as for relative positions
_NO_LIMIT = 1 << 30  # tokenizers that know no limit say a number beyond it
_MAX_RUNNING = 32
_MAX_WAITING = 256
_MAX_REASON = 500  # characters


def load(settings: LoadSettings) -> Model:
    """Load a model for its task. Raises LoadFailed."""
    parameters = {_plain(name): value for name, value in settings.parameters.items()}
    torch.set_num_threads(settings.threads)
    _check_files(settings.path)
    trusts = _flag(parameters, "trust_remote_code")
    local = {"local_files_only": True, "trust_remote_code": trusts}
    try:
        config = AutoConfig.from_pretrained(settings.path, **local)
        task = _task(parameters.get("task"), config)
        tokenizer = AutoTokenizer.from_pretrained(settings.path, **local)
        device = _device(parameters.get("device"))
        model, report = _CLASSES[task].from_pretrained(
            settings.path, config=config, dtype=_dtype(parameters.get("dtype"), device), use_safetensors=True,
            output_loading_info=True, **local,
        )  # fmt: skip
        if missing := sorted(report["missing_keys"]):
            raise LoadFailed(f"These are no weights of a model for {task}: {len(missing)} are missing, as {missing[0]!r}.")
        model = model.eval().to(device)
        if task in _UNDERSTANDS:
            return _UNDERSTANDS[task](model, tokenizer, _max_positions(model, config, tokenizer))
        return _generator(settings, parameters, model, tokenizer)
    except LoadFailed:
        raise
    except InvalidInput as exc:  # of a row's parameters
        raise LoadFailed(str(exc)) from exc
    except Exception as exc:  # whatever transformers raises: of files, of configurations, of code that a model brings
        raise LoadFailed(f"transformers cannot load the model: {type(exc).__name__}: {_one_line(exc)}") from exc


def _check_files(path: Path) -> None:
    if not (path / "config.json").is_file():
        raise LoadFailed(f"{path} has no config.json, so it is no model of Hugging Face.")
    if not any((path / name).is_file() for name in _WEIGHTS):
        raise LoadFailed(f"{path} has no weights in safetensors format ({_WEIGHTS[0]}); any other format is refused.")
    index = path / _WEIGHTS[1]
    if not (path / _WEIGHTS[0]).is_file():
        files = set(json.loads(index.read_bytes())["weight_map"].values())
        if others := sorted(name for name in files if not str(name).endswith(".safetensors")):
            raise LoadFailed(f"{index.name} names {others[0]!r}, which is not in safetensors format.")


def _task(wanted: str | None, config: PretrainedConfig) -> str:
    if wanted:
        task = _plain(wanted)
        if task not in _CLASSES:
            raise LoadFailed(f"The task {wanted!r} is none of {', '.join(_CLASSES)}.")
        return task
    name = (config.architectures or [""])[0]
    for ending, task in _ENDINGS.items():
        if name.endswith(ending):
            return task
    raise LoadFailed(f"{name or 'The model'} is for none of the tasks {', '.join(_CLASSES)}; parameter 'task' can name one.")


def _device(wanted: str | None) -> torch.device:
    return torch.device(wanted or ("cuda" if torch.cuda.is_available() else "cpu"))


def _dtype(wanted: str | None, device: torch.device) -> Any:
    """Return the type of the weights. On CPUs 32 bits are usual: few compute fast with 16."""
    if wanted is None:
        return "auto" if device.type == "cuda" else torch.float32
    if wanted == "auto":
        return wanted
    dtype = getattr(torch, wanted, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise LoadFailed(f"The parameter 'dtype' is {wanted!r}; it is auto, float32, bfloat16 or float16.")
    return dtype


def _max_positions(model: PreTrainedModel, config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return after how many tokens a text is cut. RoBERTa and its kin count positions from the padding's on."""
    most = getattr(config, "max_position_embeddings", None) or _UNKNOWN_CONTEXT
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            most = min(most, module.num_embeddings)
            if module.padding_idx is not None:
                most = min(most, module.num_embeddings - module.padding_idx - 1)
    return min(most, tokenizer.model_max_length)


def _generator(
    settings: LoadSettings, parameters: Mapping[str, str], model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> GenerationModel:
    known = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    length = _number(parameters, "max_model_len", known or _UNKNOWN_CONTEXT)
    if known is not None and length > known:
        raise LoadFailed(f"The parameter 'max_model_len' is {length}; the model has {known} positions.")
    return GenerationModel(
        settings.name,
        model,
        tokenizer,
        Context(length, shared=not model.config.is_encoder_decoder),
        threads=settings.threads,
        max_running=_number(parameters, "max_num_seqs", _MAX_RUNNING),
        max_waiting=_number(parameters, "max_queue", _MAX_WAITING),
        row_defaults={name: value for name, value in parameters.items() if name in RowParameters.__struct_fields__},
    )


def _number(parameters: Mapping[str, str], name: str, otherwise: int) -> int:
    value = parameters.get(name, str(otherwise))
    if not (value.isascii() and value.isdecimal() and 0 < int(value) < _NO_LIMIT):
        raise LoadFailed(f"The parameter {name!r} is {value!r}; it is a whole number above 0.")
    return int(value)


def _flag(parameters: Mapping[str, str], name: str) -> bool:
    value = parameters.get(name, "false").strip().lower()
    if value not in ("true", "false", "1", "0", ""):
        raise LoadFailed(f"The parameter {name!r} is {value!r}; it is true or false.")
    return value in ("true", "1")


def _plain(name: str) -> str:
    """Return a name as Python has it: ``trustRemoteCode``, ``trust-remote-code`` and ``trust remote code`` are one (MD-11)."""
    return re.sub(r"[^0-9a-z]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())[:_MAX_REASON]
