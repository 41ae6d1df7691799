"""Makes tiny transformers with random weights and tokenizers of its own, in a folder; nothing is fetched.

``python make_transformers.py FOLDER`` writes a directory per kind: ``classifier``, ``tagger``, ``masked``, ``gpt2``,
``gpt2-classifier`` (whose tokenizer cannot pad), ``llama`` (with a chat template), ``long`` (and a long context), ``mistral``
(with a sliding window), ``mamba`` (without attention), ``recurrent`` (which keeps a text's state in itself) and ``t5``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    RecurrentGemmaConfig,
    RecurrentGemmaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

TEXTS = [
    "the quick brown fox jumps over the lazy dog and runs into the deep forest",
    "a model is trained, becomes a resource, is examined and can be served",
    "서울의 봄은 따뜻하고 가을은 시원하다",
    "tokens, words and characters: what is counted is what is paid for",
]
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'system' and not loop.first %}{{ raise_exception('A system message comes first.') }}{% endif %}"
    "<|{{ message.role }}|>{{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


LETTERS = sorted({letter for text in TEXTS for letter in text if letter != " "})
WORDS = ["the", "model", "fox", "lazy", "is", "and", "served"]


def words() -> PreTrainedTokenizerFast:
    """Return a tokenizer as BERT has it."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS), *WORDS]
    places = {token: place for place, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(places, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=32,
    )  # fmt: skip


def letters(chat_template: str | None = None) -> PreTrainedTokenizerFast:
    """Return a tokenizer of bytes and pairs of them, as GPT-2 has it: characters of Korean need several tokens."""
    space = "\u0120"  # as these tokenizers write it
    merges = [
        ("t", "h"),
        ("th", "e"),
        (space, "the"),
        ("i", "s"),
        (space, "is"),
        ("a", "n"),
        ("an", "d"),
        (space, "and"),
        ("e", "r"),
    ]
    vocabulary = ["<pad>", "<eos>", *sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges)]
    tokenizer = Tokenizer(models.BPE({token: place for place, token in enumerate(vocabulary)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", chat_template=chat_template
    )


def pieces() -> PreTrainedTokenizerFast:
    """Return a tokenizer whose words carry their space, as T5 has it."""
    begin = "\u2581"  # as these tokenizers write a space
    scores = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0), (begin, -5.0), *((letter, -8.0) for letter in LETTERS)]
    tokenizer = Tokenizer(models.Unigram([*scores, *((begin + word, -4.0) for word in WORDS)], unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def main(folder: Path) -> None:
    """Write all of them."""
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    bert = {**small, "max_position_embeddings": 32, "pad_token_id": 0, "initializer_range": 0.5}
    causal = {**small, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1, "initializer_range": 0.3}
    tokenizer = words()
    bert["vocab_size"] = len(tokenizer)
    moods = {0: "CALM", 1: "GLAD", 2: "SAD"}
    tags = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}
    save(folder / "classifier", tokenizer, BertForSequenceClassification, BertConfig(**bert, id2label=moods))
    save(folder / "tagger", tokenizer, BertForTokenClassification, BertConfig(**bert, id2label=tags))
    save(folder / "masked", tokenizer, BertForMaskedLM, BertConfig(**bert))

    tokenizer = letters()
    causal["vocab_size"] = len(tokenizer)
    gpt2 = GPT2Config(
        vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=128, pad_token_id=0, bos_token_id=1,
        eos_token_id=1, initializer_range=0.3,
    )  # fmt: skip
    save(folder / "gpt2", tokenizer, GPT2LMHeadModel, gpt2)
    unpadded = letters()
    unpadded.pad_token = None
    classes = GPT2Config(**{**gpt2.to_dict(), "pad_token_id": None}, num_labels=3)
    save(folder / "gpt2-classifier", unpadded, GPT2ForSequenceClassification, classes)
    llama = LlamaConfig(**causal, num_key_value_heads=2, max_position_embeddings=256)
    save(folder / "llama", letters(CHAT_TEMPLATE), LlamaForCausalLM, llama)
    long = LlamaConfig(**causal, num_key_value_heads=2, max_position_embeddings=4096)
    save(folder / "long", letters(CHAT_TEMPLATE), LlamaForCausalLM, long)
    mistral = MistralConfig(**causal, num_key_value_heads=2, max_position_embeddings=256, sliding_window=8)
    save(folder / "mistral", tokenizer, MistralForCausalLM, mistral)
    mamba = MambaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, state_size=4, pad_token_id=0, bos_token_id=1,
        eos_token_id=1, initializer_range=0.3,
    )  # fmt: skip
    save(folder / "mamba", tokenizer, MambaForCausalLM, mamba)

    recurrent = RecurrentGemmaConfig(**{**causal, "num_hidden_layers": 3}, num_key_value_heads=1, attention_window_size=8)
    save(folder / "recurrent", tokenizer, RecurrentGemmaForCausalLM, recurrent)

    tokenizer = pieces()
    t5 = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, pad_token_id=0, eos_token_id=1,
        decoder_start_token_id=0, initializer_factor=5.0,
    )  # fmt: skip
    save(folder / "t5", tokenizer, T5ForConditionalGeneration, t5)


def save(folder: Path, tokenizer: PreTrainedTokenizerFast, kind: type, config: object) -> None:
    """Write a model and its tokenizer, the same each time."""
    torch.manual_seed(7)
    kind(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
