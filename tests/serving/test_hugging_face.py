"""Models of Hugging Face against transformers itself (FS-16, FS-L03, FS-L05, MD-13, OI-11, OI-12, OI-14).

Real: torch, transformers and the modules that serve; tiny models with random weights, made here. Not here: HTTP.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.transformers_process import TransformersProcess

pytestmark = [pytest.mark.environment, pytest.mark.timeout(1800), pytest.mark.xdist_group("transformers")]

GENERATORS = ["gpt2", "llama", "mistral", "mamba", "recurrent"]
END = "1"
"""The token that ends a text."""
TEXTS = [
    "the quick brown fox",
    "a",
    "서울의 봄은",
    "a model is trained, becomes a resource, is examined and can be served; what is counted is what is paid for",
    "tokens, words",
    "and runs into the deep forest and jumps over",
    "the lazy dog",
    "characters",
]


@pytest.fixture(scope="module")
def worker(models: Path) -> Iterator[TransformersProcess]:
    with TransformersProcess(models) as process:
        for kind in ["classifier", "gpt2-classifier", "tagger", "masked", "t5", *GENERATORS]:
            told = process.ask("load", kind, parameters={})
            assert "failed" not in told, told
        yield process


def completion(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "prompt": text, "temperature": 0, "max_tokens": 30, **fields}


def texts_of(answers: list[Any]) -> list[str]:
    assert [answer["status"] for answer in answers] == [200] * len(answers), answers
    return [answer["body"]["choices"][0]["text"] for answer in answers]


# Understanding.


@pytest.mark.parametrize("scores", [False, True])
def test_classes_of_texts(worker: TransformersProcess, scores: bool) -> None:
    answers = worker.ask("predict", "classifier", rows=[*TEXTS, {"text": TEXTS[0]}], parameters={"all_scores": scores})
    arguments = {"truncation": True, **({"top_k": None} if scores else {})}
    expected = worker.ask("pipeline", "classifier", task="text-classification", rows=[*TEXTS, TEXTS[0]], arguments=arguments)
    for answer, theirs in zip(answers, expected, strict=True):
        if scores:
            assert answer.pop("scores") == pytest.approx({one["label"]: one["score"] for one in theirs}, abs=1e-5)
        assert answer["label"] == theirs[0]["label"]
        assert answer["score"] == pytest.approx(theirs[0]["score"], abs=1e-5)
        assert answer.keys() == {"label", "score"}


def test_texts_of_different_lengths_for_a_tokenizer_that_cannot_pad(worker: TransformersProcess) -> None:
    together = worker.ask("predict", "gpt2-classifier", rows=TEXTS, parameters={})
    alone = [worker.ask("predict", "gpt2-classifier", rows=[text], parameters={})[0] for text in TEXTS]
    assert [answer["label"] for answer in together] == [answer["label"] for answer in alone]
    assert [answer["score"] for answer in together] == pytest.approx([answer["score"] for answer in alone], abs=1e-5)


def test_classes_of_pairs_of_texts_and_of_single_ones_together(worker: TransformersProcess) -> None:
    rows = [[TEXTS[0], TEXTS[1]], TEXTS[2], {"text": TEXTS[4], "text_pair": TEXTS[5]}]
    answers = worker.ask("predict", "classifier", rows=rows, parameters={})
    theirs = [{"text": TEXTS[0], "text_pair": TEXTS[1]}, TEXTS[2], rows[2]]
    expected = worker.ask("pipeline", "classifier", task="text-classification", rows=theirs, arguments={"truncation": True})
    for answer, their in zip(answers, expected, strict=True):
        their = their[0] if isinstance(their, list) else their
        assert (answer["label"], answer["score"]) == (their["label"], pytest.approx(their["score"], abs=1e-5))


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "max"])
def test_classes_of_tokens(worker: TransformersProcess, strategy: str) -> None:
    wanted = {"aggregation_strategy": strategy}
    texts = [text for text in TEXTS if len(text) < 50]  # the others are cut, which a pipeline does not do by itself
    answers = worker.ask("predict", "tagger", rows=texts, parameters=wanted)
    expected = worker.ask("pipeline", "tagger", task="token-classification", rows=texts, arguments=wanted)
    assert any(answers)
    for answer, theirs in zip(answers, expected, strict=True):
        assert [{**one, "score": pytest.approx(one["score"], abs=1e-5)} for one in theirs] == answer


def test_words_for_masks(worker: TransformersProcess) -> None:
    rows = ["the [MASK] fox", "[MASK] model is [MASK] and served by the lazy dog", "a [MASK]"]
    answers = worker.ask("predict", "masked", rows=rows, parameters={"top_k": 3})
    expected = worker.ask("pipeline", "masked", task="fill-mask", rows=rows, arguments={"top_k": 3})
    for answer, theirs in zip(answers, expected, strict=True):
        masks = [answer] if isinstance(answer[0], dict) else answer
        for mine, their in zip(masks, [theirs] if isinstance(theirs[0], dict) else theirs, strict=True):
            assert [word["token"] for word in mine] == [word["token"] for word in their]
            assert [word["score"] for word in mine] == pytest.approx([word["score"] for word in their], abs=1e-5)
            assert [word["token_str"] for word in mine] == [word["token_str"] for word in their]


def test_texts_that_are_too_long_are_cut(worker: TransformersProcess) -> None:
    answers = worker.ask("predict", "classifier", rows=["fox " * 500, "fox " * 600], parameters={})
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("kind", "rows", "parameters", "says"),
    [
        ("classifier", [3], {}, '"text"'),
        ("classifier", [{"text": "a", "text_pair": 3}], {}, '"text_pair"'),
        ("classifier", ["a"], {"top_k": 3}, "top_k"),
        ("tagger", ["a"], {"aggregation_strategy": "best"}, "aggregation_strategy"),
        ("masked", ["no mask"], {}, "[MASK]"),
        ("masked", ["[MASK]"], {"top_k": 0}, "top_k"),
        ("llama", [""], {}, '"text"'),
        ("gpt2-classifier", ["a", ""], {}, '"text"'),
        ("gpt2-classifier", [""], {}, '"text"'),
        ("llama", ["a"], {"temperature": "warm"}, "temperature"),
        ("llama", ["a"], {"temperature": 5}, "temperature"),
        ("llama", ["a"], {"max_new_tokens": 256}, "context has 256 tokens. The prompt has 1, and 256"),
        ("llama", ["a"], {"max_new_tokens": 0}, "max_tokens"),
        ("llama", ["a"], {"max_new_tokens": -1}, "max_tokens"),
        ("llama", ["a"], {"beams": 2}, "beams"),
        ("gpt2", ["a"], {"num_beams": 0}, "num_beams"),
        ("gpt2", ["a"], {"num_beams": 2, "temperature": 1}, "num_beams"),
    ],
)
def test_rows_and_parameters_that_mean_nothing_are_refused(
    worker: TransformersProcess, kind: str, rows: list[Any], parameters: dict[str, Any], says: str
) -> None:
    answer = worker.ask("predict", kind, rows=rows, parameters={"binary_data_output": True, **parameters})
    assert isinstance(answer, dict), answer
    assert says in answer["invalid"]


# Generating.


@pytest.mark.parametrize("kind", [*GENERATORS, "t5"])
def test_the_likeliest_text_is_that_of_transformers_alone_and_among_others(worker: TransformersProcess, kind: str) -> None:
    """Continuous batching changes nothing: eight requests that share passes, each alone, and rows of version 1."""
    lengths = [30, 7, 22, 12, 30, 3, 18, 30]
    expected = [
        worker.ask("generate", kind, texts=[text], arguments={"max_new_tokens": length, "do_sample": False})[0]
        for text, length in zip(TEXTS, lengths, strict=True)
    ]
    assert len(set(expected)) == len(expected), "the texts are different ones"
    bodies = [completion(text, max_tokens=length) for text, length in zip(TEXTS, lengths, strict=True)]
    assert texts_of(worker.ask("ask", kind, route="completions", bodies=bodies)) == expected
    assert [texts_of(worker.ask("ask", kind, route="completions", bodies=[body]))[0] for body in bodies] == expected
    longer = worker.ask("generate", kind, texts=TEXTS, arguments={"max_new_tokens": 30, "do_sample": False})
    assert worker.ask("predict", kind, rows=TEXTS, parameters={"max_new_tokens": 30}) == longer


def test_models_share_passes_where_that_changes_nothing(worker: TransformersProcess) -> None:
    assert {kind: worker.ask("joins", kind) for kind in [*GENERATORS, "t5"]} == {
        "gpt2": True, "llama": True, "mistral": True, "mamba": False, "recurrent": False, "t5": False,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["gpt2", "llama", "mistral"])
@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [1], [5, 1], [0, 2, 4]])
def test_rows_may_leave_as_soon_as_they_have_joined(worker: TransformersProcess, kind: str, order: list[int]) -> None:
    assert worker.ask("rows", kind, texts=TEXTS[:6], order=order) < 1e-4


def test_a_prompt_of_several_chunks(worker: TransformersProcess, models: Path) -> None:
    """A long prompt is read in chunks, between which the others go on."""
    worker.ask("load", "long", parameters={})
    long = " ".join(TEXTS) * 8
    expected = worker.ask("generate", "long", texts=[long, "a"], arguments={"max_new_tokens": 12, "do_sample": False})
    bodies = [completion("a", max_tokens=12), completion(long, max_tokens=12)]
    answers = worker.ask("ask", "long", route="completions", bodies=bodies)
    assert answers[1]["body"]["usage"]["prompt_tokens"] > 1024
    assert texts_of(answers) == expected[::-1]


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_streams_join_to_the_whole_text(worker: TransformersProcess, kind: str) -> None:
    fields = {"temperature": 1.0, "seed": 4, "max_tokens": 40}
    whole = texts_of(worker.ask("ask", kind, route="completions", bodies=[completion(text, **fields) for text in TEXTS]))
    bodies = [completion(text, **fields, stream=True) for text in TEXTS]
    for answer, text in zip(worker.ask("ask", kind, route="completions", bodies=bodies), whole, strict=True):
        assert answer["events"][-1] == "[DONE]"
        pieces = [json.loads(event)["choices"][0]["text"] for event in answer["events"][:-1]]
        assert "".join(pieces) == text
        assert len(pieces) > 5


def test_a_seed_gives_the_same_text_whatever_else_is_generated(worker: TransformersProcess) -> None:
    body = completion("the quick", temperature=1.0, top_p=0.9, top_k=50, seed=11, max_tokens=25)
    others = [completion(text, temperature=1.5, max_tokens=20 + place) for place, text in enumerate(TEXTS)]
    alone = texts_of(worker.ask("ask", "llama", route="completions", bodies=[body]))[0]
    among = texts_of(worker.ask("ask", "llama", route="completions", bodies=[*others, body]))[-1]
    other_seed = texts_of(worker.ask("ask", "llama", route="completions", bodies=[{**body, "seed": 12}]))[0]
    assert alone == among != other_seed
    unseeded = [completion("the quick", temperature=1.0, max_tokens=25) for _ in range(4)]
    assert len(set(texts_of(worker.ask("ask", "llama", route="completions", bodies=unseeded)))) == 4


def test_sampling_is_narrowed_and_bent(worker: TransformersProcess) -> None:
    """Limits that leave one token give the likeliest text; a bias of 100 gives its token; penalties end repetition."""
    greedy = completion("the quick", max_tokens=20)
    narrow = [{**greedy, "temperature": 2.0, "top_k": 1}, {**greedy, "temperature": 2.0, "top_p": 1e-9}]
    first, *others = texts_of(worker.ask("ask", "llama", route="completions", bodies=[greedy, *narrow]))
    assert others == [first, first]
    biased = {**greedy, "logit_bias": {"40": 30}}
    free = {**biased, "frequency_penalty": 2.0, "presence_penalty": 2.0}
    same, varied = texts_of(worker.ask("ask", "llama", route="completions", bodies=[biased, free]))
    assert same == 20 * same[0]
    assert varied.startswith(5 * same[0])
    assert len(set(varied)) > 1, "after so many times the penalty outweighs the bias"


def test_penalties_and_processors_are_those_of_transformers(worker: TransformersProcess) -> None:
    arguments = {"max_new_tokens": 30, "do_sample": False, "repetition_penalty": 1.7}
    expected = worker.ask("generate", "gpt2", texts=TEXTS, arguments=arguments)
    bodies = [completion(text, repetition_penalty=1.7) for text in TEXTS]
    assert texts_of(worker.ask("ask", "gpt2", route="completions", bodies=bodies)) == expected
    assert expected != worker.ask("generate", "gpt2", texts=TEXTS, arguments={**arguments, "repetition_penalty": 1.0})


def test_what_the_authors_recommend_is_kept(worker: TransformersProcess, models: Path) -> None:
    """``generation_config.json`` says how texts begin, what does not repeat, and what is usual for sampling."""
    copy = models / "authored"
    shutil.copytree(models / "t5", copy)
    settings = {"no_repeat_ngram_size": 2, "forced_bos_token_id": 40, "min_length": 5, "suppress_tokens": [62]}
    known = json.loads((copy / "generation_config.json").read_text())
    (copy / "generation_config.json").write_text(json.dumps({**known, **settings, "temperature": 1e-6}))
    worker.ask("load", "authored", parameters={"maxNewTokens": "9"})
    expected = worker.ask("generate", "authored", texts=TEXTS, arguments={"max_new_tokens": 9, "do_sample": False})
    assert worker.ask("predict", "authored", rows=TEXTS, parameters={}) == expected
    bodies = [{"model": "m", "prompt": text, "max_tokens": 9} for text in TEXTS]
    assert texts_of(worker.ask("ask", "authored", route="completions", bodies=bodies)) == expected, "the temperature is usual"
    plain = worker.ask("generate", "t5", texts=TEXTS, arguments={"max_new_tokens": 9, "do_sample": False})
    assert all(mine != theirs for mine, theirs in zip(expected, plain, strict=True))


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_beam_search_is_that_of_transformers(worker: TransformersProcess, kind: str) -> None:
    arguments = {"max_new_tokens": 12, "do_sample": False, "num_beams": 3}
    expected = worker.ask("generate", kind, texts=TEXTS, arguments=arguments)
    before = worker.ask("tokens", kind)["generated"]
    wanted = {"max_new_tokens": 12, "num_beams": 3}
    found = worker.ask("predict", kind, rows=TEXTS, parameters={**wanted, "details": True})
    assert [row["generated_text"] for row in found] == expected
    assert worker.ask("tokens", kind)["generated"] - before == sum(row["generated_tokens"] for row in found)
    assert {row["finish_reason"] for row in found} <= {"length", "stop"}
    assert expected != worker.ask("predict", kind, rows=TEXTS, parameters={**wanted, "num_beams": 1})


def test_stop_strings_end_a_text(worker: TransformersProcess) -> None:
    whole = texts_of(worker.ask("ask", "llama", route="completions", bodies=[completion("the quick", max_tokens=40)]))[0]
    stop = whole[9:12]  # letters of several tokens
    answer = worker.ask(
        "ask", "llama", route="completions", bodies=[completion("the quick", max_tokens=40, stop=["no such", stop])]
    )[0]
    choice = answer["body"]["choices"][0]
    assert choice["text"] == whole[: whole.index(stop)]
    assert choice["finish_reason"] == "stop"
    assert answer["body"]["usage"]["completion_tokens"] < 40


def test_usage_and_reasons(worker: TransformersProcess) -> None:
    before = worker.ask("tokens", "gpt2")
    body = completion("the quick", max_tokens=5, n=2)
    answer = worker.ask("ask", "gpt2", route="completions", bodies=[body])[0]["body"]
    usage = answer["usage"]
    assert [choice["finish_reason"] for choice in answer["choices"]] == ["length", "length"]
    assert (usage["completion_tokens"], usage["total_tokens"]) == (10, usage["prompt_tokens"] + 10)
    after = worker.ask("tokens", "gpt2")
    assert after["generated"] - before["generated"] == 10
    ending = worker.ask("ask", "gpt2", route="completions", bodies=[{**body, "n": 1, "logit_bias": {END: 100}}])[0]["body"]
    assert (ending["choices"][0]["text"], ending["choices"][0]["finish_reason"]) == ("", "stop")
    assert ending["usage"]["completion_tokens"] == 1


def test_log_probabilities_are_those_of_the_model(worker: TransformersProcess) -> None:
    """The likeliest token leads the alternatives; a pass over the whole text gives the same as the steps do."""
    body = completion("the quick", max_tokens=6, logprobs=3)
    choice = worker.ask("ask", "gpt2", route="completions", bodies=[body])[0]["body"]["choices"][0]
    logprobs = choice["logprobs"]
    assert len(logprobs["tokens"]) == 6
    for chosen, top in zip(logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True):
        assert chosen == max(top.values())
        assert 1 <= len(top) <= 3, "parts of characters have the same text"
        assert chosen <= 0
    sampled = completion("the quick", max_tokens=1, logprobs=0, temperature=0.1, logit_bias={"40": 100})
    told = worker.ask("ask", "gpt2", route="completions", bodies=[sampled])[0]["body"]["choices"][0]["logprobs"]
    assert told["token_logprobs"][0] < -0.5, "bias and temperature are not in it"


def test_chats_go_through_the_model_s_template(worker: TransformersProcess) -> None:
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": [{"type": "text", "text": "안녕"}]}]
    prompt = "<|system|>be brief\n<|user|>안녕\n<|assistant|>"
    expected = worker.ask("generate", "llama", texts=[prompt], arguments={"max_new_tokens": 20, "do_sample": False})[0]
    body = {"model": "m", "messages": messages, "temperature": 0, "max_tokens": 20}
    answer = worker.ask("ask", "llama", route="chat_completions", bodies=[body])[0]["body"]
    assert answer["choices"][0]["message"]["content"] == expected
    longest = worker.ask("ask", "llama", route="chat_completions", bodies=[{**body, "max_tokens": None, "stop": "zzz"}])[0][
        "body"
    ]
    assert longest["usage"]["total_tokens"] <= 256
    refused = worker.ask("ask", "llama", route="chat_completions", bodies=[{**body, "messages": messages[::-1]}])[0]
    assert refused["status"] == 400
    assert "A system message comes first." in refused["body"]["error"]["message"]


def test_more_requests_than_places(worker: TransformersProcess) -> None:
    worker.ask("load", "llama", parameters={"max-num-seqs": "2", "max_queue": "3", "max_new_tokens": "4"})
    try:
        bodies = [completion(text, max_tokens=150, logit_bias={END: -100}) for text in TEXTS]
        answers = worker.ask("ask", "llama", route="completions", bodies=bodies)
        statuses = sorted(answer["status"] for answer in answers)
        assert statuses == [200] * 5 + [503] * 3
        rows = worker.ask("predict", "llama", rows=TEXTS, parameters={"details": True})
        assert [row["generated_tokens"] for row in rows] == [4] * 8, "rows were let in by the server already: they wait"
    finally:
        worker.ask("load", "llama", parameters={})


# Loading.


@pytest.mark.parametrize(
    ("kind", "platform", "tensors", "generates", "chats"),
    [
        ("classifier", "transformers_sequence_classification", ["text", "label", "score"], False, False),
        ("tagger", "transformers_token_classification", ["text", "entities"], False, False),
        ("masked", "transformers_fill_mask", ["text", "words"], False, False),
        ("llama", "transformers_text_generation", ["text", "generated_text"], True, True),
        ("gpt2", "transformers_text_generation", ["text", "generated_text"], True, False),
        ("t5", "transformers_text2text_generation", ["text", "generated_text"], True, False),
    ],
)
def test_what_a_model_tells_of_itself(
    worker: TransformersProcess, kind: str, platform: str, tensors: list[str], generates: bool, chats: bool
) -> None:
    told = worker.ask("load", kind, parameters={"task": ""})
    assert told["platform"] == platform
    assert [(name, shape) for name, _, shape in told["tensors"]] == [(name, [-1]) for name in tensors]
    assert (told["generates"], told["chats"]) == (generates, chats)


def test_16_bits(worker: TransformersProcess) -> None:
    assert "failed" not in worker.ask("load", "llama", parameters={"dtype": "bfloat16"})
    try:
        rows = worker.ask("predict", "llama", rows=TEXTS, parameters={"max_new_tokens": 5})
        assert len(rows) == len(TEXTS)
        assert worker.ask("joins", "llama")
    finally:
        worker.ask("load", "llama", parameters={})


def _config(**changes: Any) -> Any:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _index_of_pickles(folder: Path) -> None:
    _no_weights(folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "pytorch_model.bin"}}))


def _cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def _own_code(folder: Path) -> None:
    _config(auto_map={"AutoConfig": "own.OwnConfig"}, model_type="own")(folder)
    (folder / "own.py").write_text("raise SystemExit('executed')\n")


@pytest.mark.parametrize(
    ("change", "parameters", "says"),
    [
        (_no_weights, {}, "safetensors"),
        (_index_of_pickles, {}, "safetensors"),
        (_cut, {}, "cannot load"),
        (_own_code, {}, "trust_remote_code"),
        (_config(architectures=["BertForQuestionAnswering"]), {}, "sequence_classification, token_classification, fill_mask"),
        (None, {"task": "question_answering"}, "sequence_classification, token_classification, fill_mask"),
        (None, {"task": "text_generation"}, "model for text_generation"),
        (_config(model_type="no such"), {}, "no such"),
        (lambda folder: (folder / "config.json").unlink(), {}, "config.json"),
        (lambda folder: (folder / "tokenizer.json").unlink(), {}, "cannot load"),
        (None, {"dtype": "int8"}, "dtype"),
        (None, {"trust_remote_code": "perhaps"}, "trust_remote_code"),
    ],
)
def test_what_cannot_be_served_says_why(
    worker: TransformersProcess, models: Path, tmp_path: Path, change: Any, parameters: dict[str, str], says: str
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(models / "classifier", folder)
    if change is not None:
        change(folder)
    told = worker.ask("load", str(folder), parameters=parameters)
    assert says in told["failed"]
    assert "\n" not in told["failed"]


@pytest.mark.parametrize(
    "parameters", [{"max_model_len": "512"}, {"max_num_seqs": "0"}, {"max_queue": "many"}, {"temperature": "warm"}]
)
def test_limits_that_mean_nothing(worker: TransformersProcess, models: Path, parameters: dict[str, str]) -> None:
    assert next(iter(parameters)) in worker.ask("load", str(models / "llama") + "/", parameters=parameters)["failed"]


def test_code_of_the_model_s_own_is_executed_where_it_is_trusted(
    worker: TransformersProcess, models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    shutil.copytree(models / "classifier", folder)
    classes = {"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.OwnForSequenceClassification"}
    _config(auto_map=classes, model_type="own")(folder)
    (folder / "own.py").write_text(
        "from transformers import BertConfig, BertForSequenceClassification\n"
        "class OwnConfig(BertConfig):\n    model_type = 'own'\n"
        "class OwnForSequenceClassification(BertForSequenceClassification):\n    config_class = OwnConfig\n"
    )
    assert "failed" in worker.ask("load", str(folder), parameters={})
    assert "failed" not in worker.ask("load", str(folder), parameters={"trust remote code": "true"})
    expected = worker.ask("predict", "classifier", rows=TEXTS, parameters={})
    assert worker.ask("predict", str(folder), rows=TEXTS, parameters={}) == expected
