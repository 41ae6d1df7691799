"""Hugging Face: a directory that transformers can load without executing anything of it (MD-13, FS-15, FS-16, FS-L03)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from easymaker_local.artifacts.models.files import Findings, ModelFiles, as_text
from easymaker_local.artifacts.models.safetensors import Header, read_header
from easymaker_local.domain.model import HuggingFaceDetails, Task

_CONFIG = "config.json"
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_SAFETENSORS = (".safetensors",)
_OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".keras", ".msgpack", ".onnx", ".gguf")
_ONLY_SAFETENSORS = "Hugging Face models must be in safetensors format; any other file format is unsupported"
_VOCABULARIES = (
    "tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model", "source.spm", "vocab.txt",
    "vocab.json", "tekken.json",
)  # fmt: skip
_TOKENIZER = "tokenizer_config.json"  # enough where the vocabulary is the bytes

# How the names of transformers' classes end. The first that fits counts.
_TASKS = {
    "ForSequenceClassification": Task.SEQUENCE_CLASSIFICATION,
    "ForTokenClassification": Task.TOKEN_CLASSIFICATION,
    "ForMaskedLM": Task.FILL_MASK,
    "ForCausalLM": Task.TEXT_GENERATION,
    "WithLMHeadModel": Task.FILL_MASK,  # of XLM and Flaubert
    "LMHeadModel": Task.TEXT_GENERATION,
}
# Classes for conditional generation also take images or speech; these models take text alone.
_TEXT_TO_TEXT = {
    "bart", "bigbird_pegasus", "blenderbot", "blenderbot-small", "encoder-decoder", "fsmt", "led", "longt5", "m2m_100",
    "marian", "mbart", "mt5", "mvp", "nllb-moe", "pegasus", "pegasus_x", "plbart", "prophetnet", "switch_transformers", "t5",
    "t5gemma", "umt5", "xlm-prophetnet",
}  # fmt: skip
_GENERATES = ("ForConditionalGeneration", "MTModel", "EncoderDecoderModel")
_ELSEWHERE = "Models for other tasks, and those that are fine-tuned by adapters, need TENSORFLOW or PYTORCH serving."
_MAX_NAMED = 5


def look(files: ModelFiles, findings: Findings) -> HuggingFaceDetails | None:
    """Examine what is to be served by transformers."""
    task = architecture = None
    config: Mapping[str, Any] = {}
    if _CONFIG in files.sizes:
        config = files.read_json(_CONFIG)
        task, architecture = _task(config, findings)
    elif "adapter_config.json" in files.sizes:
        findings.problems.append(f"{_CONFIG!r} is missing: this is an adapter. {_ELSEWHERE}")
    else:
        findings.lack(f"{_CONFIG!r} is missing.")
    if not any(name in files.sizes for name in _VOCABULARIES):
        if _TOKENIZER in files.sizes:
            findings.remarks.append("There is no vocabulary, so the tokenizer has to be one of bytes.")
        else:
            findings.lack(f"The tokenizer is missing: none of {', '.join(map(repr, _VOCABULARIES))} is there.")
    if "auto_map" in config:
        findings.remarks.append("The model brings code of its own ('auto_map'), which is not executed unless you allow it.")
    weights = _weights(files, findings)
    if weights is None or task is None or architecture is None:
        return None
    return HuggingFaceDetails(
        task=task, architecture=architecture, model_type=as_text(config.get("model_type")),
        parameters=sum(header.elements for header in weights.values()),
        dtypes=tuple(sorted({dtype for header in weights.values() for dtype in header.dtypes})), weights=tuple(weights),
    )  # fmt: skip


def _task(config: Mapping[str, Any], findings: Findings) -> tuple[Task | None, str | None]:
    architectures = config.get("architectures")
    name = as_text(architectures[0]) if isinstance(architectures, list) and architectures else None
    if name is None:
        findings.problems.append(f"{_CONFIG!r} names no architecture ('architectures').")
        return None, None
    for ending, task in _TASKS.items():
        if name.endswith(ending):
            return task, name
    if name.endswith(_GENERATES) and str(config.get("model_type")) in _TEXT_TO_TEXT:
        return Task.TEXT2TEXT_GENERATION, name
    findings.problems.append(f"{name!r} is for none of the tasks {', '.join(Task)}. {_ELSEWHERE}")
    return None, name


def _weights(files: ModelFiles, findings: Findings) -> Mapping[str, Header] | None:
    """Return the headers of the files that transformers would load, if they are all there and whole."""
    found, others = files.names(*_SAFETENSORS), files.names(*_OTHER_WEIGHTS)
    if not found and others:
        findings.lack(f"{_named(others)}: {_ONLY_SAFETENSORS}.")
        return None
    if others:
        findings.remarks.append(f"{_named(others)}: not used, as the weights are there in safetensors format.")
    if _WEIGHTS in files.sizes:
        shards: Mapping[str, set[str]] | None = None
        names = [_WEIGHTS]
    elif _INDEX in files.sizes:
        shards = _shards(files.read_json(_INDEX))
        if not shards:
            findings.problems.append(f"{_INDEX!r} names no weights.")
            return None
        missing = [name for name in shards if name not in found]
        if missing:
            findings.lack(f"{_named(missing)}: named by {_INDEX!r}, but missing.")
            return None
        names = sorted(shards)
    else:
        findings.lack(f"{_WEIGHTS!r} is missing, and there is no {_INDEX!r} either.")
        return None
    if unused := [name for name in found if name not in names]:
        findings.remarks.append(f"{_named(unused)}: not used.")
    headers = {}
    for name in names:
        with files.open(name) as file:
            headers[name] = read_header(file, name)
    for name, tensors in (shards or {}).items():
        if absent := sorted(tensors - headers[name].tensors):
            findings.problems.append(f"{name!r} lacks tensors that {_INDEX!r} names: {_named(absent)}.")
        if unnamed := sorted(headers[name].tensors - tensors):
            findings.problems.append(f"{name!r} has tensors that {_INDEX!r} does not name: {_named(unnamed)}.")
    return headers


def _shards(index: Mapping[str, Any]) -> Mapping[str, set[str]]:
    """Return the tensors by the file that they are in."""
    weight_map = index.get("weight_map")
    shards: dict[str, set[str]] = {}
    for tensor, name in (weight_map if isinstance(weight_map, dict) else {}).items():
        shards.setdefault(str(name), set()).add(tensor)
    return shards


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(repr(name[:80]) for name in names[:_MAX_NAMED]) + more
