"""What is examined in an artifact of each framework, and how it is said (MD-L01)."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from easymaker_local.artifacts.models import archives, files
from easymaker_local.domain.model import (
    HuggingFaceDetails,
    ModelFormat,
    SavedModelDetails,
    Signature,
    SklearnDetails,
    SklearnKind,
    Task,
    Tensor,
    TorchDetails,
    TorchKind,
)
from tests.artifacts.models import made
from tests.artifacts.models.made import HUGGING_FACE, LOOSE, PACKED, VARIABLES, look, write

TENSORFLOW, PYTORCH, SKLEARN, HUB, PYTHON = (
    ModelFormat.TENSORFLOW, ModelFormat.PYTORCH, ModelFormat.SKLEARN, ModelFormat.HUGGING_FACE, ModelFormat.PYTHON,
)  # fmt: skip
SAVED = {"saved_model.pb": made.saved_model(), **VARIABLES}
INDEX = "model.safetensors.index.json"


def without(artifact: Mapping[str, bytes | str], *names: str) -> dict[str, bytes | str]:
    return {name: data for name, data in artifact.items() if name not in names}


def test_files_sizes_and_checksums(tmp_path: Path) -> None:
    """MD-L01: total size and checksum list, the files in order of their names."""
    found = look(write(tmp_path, {"predict.py": "class Model: ...", "data/b": b"\0" * 3_000_000}), PYTHON)
    assert [(file.name, file.bytes) for file in found.files] == [("data/b", 3_000_000), ("predict.py", 16)]
    assert found.files[0].sha256 == hashlib.sha256(b"\0" * 3_000_000).hexdigest()
    assert found.bytes == 3_000_016
    assert found.problems == found.remarks == ()


def test_saved_model(tmp_path: Path) -> None:
    """FS-01, FS-02: signatures with types and shapes, the graph that is tagged for serving."""
    graphs = made.meta_graph(tags=("serve", "gpu"), signature="other"), made.meta_graph()
    found = look(write(tmp_path, {**SAVED, "saved_model.pb": made.saved_model(*graphs)}), TENSORFLOW)
    signature = Signature("serving_default", (Tensor("x", "float32", (-1, 4)),), (Tensor("label", "string", None),))
    assert found.problems == ()
    assert found.details == SavedModelDetails(None, ("serve",), (signature,), "2.21.0", has_variables=True)


def test_saved_model_without_variables(tmp_path: Path) -> None:
    """FS-03: variables/ is needed where the graph has some."""
    found = look(write(tmp_path, {"saved_model.pb": made.saved_model(made.meta_graph(variables=False))}), TENSORFLOW)
    assert found.problems == ()


def test_highest_version_is_taken(tmp_path: Path) -> None:
    """FS-03: by number, not by letters; only its files count."""
    write(tmp_path, {"9/saved_model.pb": "old", "logs/1": "", **{f"10/{name}": data for name, data in SAVED.items()}})
    found = look(tmp_path, TENSORFLOW)
    assert isinstance(found.details, SavedModelDetails)
    assert found.details.version == 10
    assert {file.name for file in found.files} == set(SAVED)


@pytest.mark.parametrize("name", ["iris.mar", "iris.tar.gz", ""])
def test_archives(tmp_path: Path, name: str) -> None:
    """FS-04: the archiver's three forms; a tar has all below a directory of the model's name."""
    if name == "iris.mar":
        write(tmp_path, {name: made.zipped(PACKED)})
    elif name:
        write(tmp_path, {name: made.tarred({f"iris/{member}": data for member, data in PACKED.items()})})
    else:
        write(tmp_path, PACKED)
    kind = TorchKind.ARCHIVE if name else TorchKind.DIRECTORY
    found = look(tmp_path, PYTORCH)
    assert found.problems == ()
    assert found.details == TorchDetails(kind, "model.pt", "handler.py", name or None, "iris", "1.0", "requirements.txt")


@pytest.mark.parametrize("handler", ["image_classifier", "handler", "handler:entry", "handler.py:entry"])
def test_handlers_of_archives(tmp_path: Path, handler: str) -> None:
    """FS-04: TorchServe's own handlers, and every way to write the name of a file."""
    members = {**PACKED, "MAR-INF/MANIFEST.json": made.manifest(handler=handler)}
    missing = look(write(tmp_path / "1", {"a.mar": made.zipped(without(members, "handler.py"))}), PYTORCH).problems
    assert look(write(tmp_path / "2", {"a.mar": made.zipped(members)}), PYTORCH).problems == ()
    assert bool(missing) == handler.startswith("handler")


def test_name_of_the_archive_counts(tmp_path: Path) -> None:
    """MD-02."""
    write(tmp_path, {"iris.mar": made.zipped(PACKED)})
    assert look(tmp_path / "iris.mar", PYTORCH, name="iris").problems == ()
    assert look(tmp_path / "iris.mar", PYTORCH, name="rose").problems == (
        "The model has to be called 'iris', as its archive is, not 'rose'.",
    )


@pytest.mark.parametrize(
    ("artifact", "kind"),
    [
        ({**LOOSE, "requirements.txt": "", "extra/words.txt": ""}, TorchKind.FILES),
        ({"model.pt": made.TORCHSCRIPT}, TorchKind.TORCHSCRIPT),
        ({"model.pt2": made.EXPORT}, TorchKind.EXPORT),
        ({"model.pt2": made.OLD_EXPORT, "handler.py": ""}, TorchKind.EXPORT),
    ],
)
def test_pytorch_without_archive(tmp_path: Path, artifact: Mapping[str, bytes], kind: TorchKind) -> None:
    """FS-05…FS-10; what carries its structure needs no model.py."""
    found = look(write(tmp_path, artifact), PYTORCH)
    assert found.problems == ()
    assert isinstance(found.details, TorchDetails)
    assert found.details.kind is kind
    assert len(found.files) == len(artifact)


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("pack", [bytes, zlib.compress, gzip.compress, bz2.compress, lzma.compress])
def test_joblib(tmp_path: Path, protocol: int, pack: Callable[[bytes], bytes]) -> None:
    """SK-01, SK-03: which library wrote it, in which version, and that loading it is a risk; nothing of it is imported."""
    found = look(write(tmp_path, {"model.joblib": pack(made.estimator(protocol))}), SKLEARN)
    name = "sklearn.linear_model._logistic.LogisticRegression"
    assert found.details == SklearnDetails(SklearnKind.JOBLIB, "model.joblib", name, "1.7.2")
    assert found.remarks == ("'model.joblib' can execute code when it is loaded. Serve it only if you trust its origin.",)


def test_version_behind_arrays(tmp_path: Path) -> None:
    """SK-03: joblib puts arrays' bytes between the opcodes, and the version comes last."""
    head, tail = made.estimator().split(b"_sklearn_version")
    data = head + os.urandom(3 << 20).replace(b"_", b"") + b"_sklearn_version" + tail
    for pack in (bytes, lzma.compress):
        found = look(write(tmp_path, {"model.pkl": pack(data)}), SKLEARN)
        assert isinstance(found.details, SklearnDetails)
        assert found.details.library_version == "1.7.2"


def test_pickles_are_not_executed(tmp_path: Path) -> None:
    """SK-03: what a pickle would call is named."""
    mark = tmp_path / "executed"
    found = look(write(tmp_path, {"m.pickle": f"cos\nsystem\n(S'touch {mark}'\ntR.".encode()}), SKLEARN)
    assert "'m.pickle' holds os.system, which is not of scikit-learn." in found.remarks
    assert not mark.exists()


def test_skops(tmp_path: Path) -> None:
    """SK-01, SK-03: no warning, since skops executes nothing."""
    state = {"_sklearn_version": {"__class__": "str", "__loader__": "JsonNode", "content": '"1.9.1"', "is_json": True}}
    schema = json.dumps({"__class__": "SVC", "__module__": "sklearn.svm._classes", "content": {"content": state}}, indent=2)
    found = look(write(tmp_path, {"m.skops": made.zipped({"schema.json": schema})}), SKLEARN)
    assert (found.details, found.remarks) == (
        SklearnDetails(SklearnKind.SKOPS, "m.skops", "sklearn.svm._classes.SVC", "1.9.1"),
        (),
    )


def test_hugging_face(tmp_path: Path) -> None:
    """MD-13, FS-L03: types and parameters of the weights; of other weights beside them nothing is used."""
    found = look(write(tmp_path, {**HUGGING_FACE, "pytorch_model.bin": "x"}), HUB)
    assert found.problems == ()
    assert found.details == HuggingFaceDetails(
        Task.SEQUENCE_CLASSIFICATION, "BertForSequenceClassification", "bert", 9, ("BF16", "F32"), ("model.safetensors",)
    )
    assert found.remarks == ("'pytorch_model.bin': not used, as the weights are there in safetensors format.",)


@pytest.mark.parametrize(
    ("architecture", "model_type", "task"),
    [
        ("DistilBertForTokenClassification", "distilbert", Task.TOKEN_CLASSIFICATION),
        ("XLMWithLMHeadModel", "xlm", Task.FILL_MASK),
        ("RobertaForMaskedLM", "roberta", Task.FILL_MASK),
        ("GPT2LMHeadModel", "gpt2", Task.TEXT_GENERATION),
        ("LlamaForCausalLM", "llama", Task.TEXT_GENERATION),
        ("T5ForConditionalGeneration", "t5", Task.TEXT2TEXT_GENERATION),
        ("MarianMTModel", "marian", Task.TEXT2TEXT_GENERATION),
        ("WhisperForConditionalGeneration", "whisper", None),
        ("ViTForImageClassification", "vit", None),
        ("BertModel", "bert", None),
    ],
)
def test_tasks(tmp_path: Path, architecture: str, model_type: str, task: Task | None) -> None:
    """FS-16, FS-15: others are refused with the list."""
    found = look(write(tmp_path, {**HUGGING_FACE, "config.json": made.config(architecture, model_type)}), HUB)
    if task is None:
        assert found.problems == (
            f"{architecture!r} is for none of the tasks sequence_classification, token_classification, fill_mask, "
            "text_generation, text2text_generation. Models for other tasks, and those that are fine-tuned by adapters, need "
            "TENSORFLOW or PYTORCH serving.",
        )
    else:
        assert isinstance(found.details, HuggingFaceDetails)
        assert found.details.task is task


def sharded(
    weight_map: Mapping[str, str], second: bytes | None = made.safetensors({"b": ("F32", (1,), 4)})
) -> Mapping[str, bytes | str]:
    shards: dict[str, bytes | str] = {"one.safetensors": made.safetensors({"a": ("F32", (2,), 8)})}
    if second is not None:
        shards["two.safetensors"] = second
    return {**without(HUGGING_FACE, "model.safetensors"), **shards, INDEX: json.dumps({"weight_map": weight_map})}


def test_shards(tmp_path: Path) -> None:
    """MD-13: all shards of the index are read."""
    found = look(write(tmp_path, sharded({"a": "one.safetensors", "b": "two.safetensors"})), HUB)
    assert isinstance(found.details, HuggingFaceDetails)
    assert (found.details.parameters, found.details.weights) == (3, ("one.safetensors", "two.safetensors"))


def test_own_code_is_told(tmp_path: Path) -> None:
    """FS-L03: remote code is off unless the user turns it on."""
    remarks = look(write(tmp_path, {**HUGGING_FACE, "config.json": made.config(auto_map={"AutoModel": "m.M"})}), HUB).remarks
    assert remarks == ("The model brings code of its own ('auto_map'), which is not executed unless you allow it.",)


NEEDED = "A PyTorch model needs an archive ('.mar'), or 'model.py', 'handler.py' and one weight file ('.pt', '.pth' or '.bin')."
MANIFEST = "MAR-INF/MANIFEST.json"
REFUSED = [
    (TENSORFLOW, {}, ["'saved_model.pb' is missing."]),
    (TENSORFLOW, {"model.h5": "", **VARIABLES}, ["'saved_model.pb' is missing. 'model.h5' cannot be served."]),
    (TENSORFLOW, {"3/x": "", "2/saved_model.pb": SAVED["saved_model.pb"]}, ["'saved_model.pb' of version 3 is missing."]),
    (TENSORFLOW, {"saved_model.pb": "text"}, ["'saved_model.pb' is no SavedModel: it has a field of the unknown kind 4."]),
    (
        TENSORFLOW,
        {"saved_model.pb": made.saved_model(made.meta_graph(tags=("train",)))},
        ["'saved_model.pb' has no graph with the tag 'serve' alone; its tags are train."],
    ),
    (
        TENSORFLOW,
        {**SAVED, "saved_model.pb": made.saved_model(made.meta_graph(signature=None))},
        ["'saved_model.pb' has no signature, so nothing in it can be called."],
    ),
    (
        TENSORFLOW,
        without(SAVED, "variables/variables.index"),
        ["'variables/variables.index' is missing, and the graph has variables."],
    ),
    (
        TENSORFLOW,
        {**without(SAVED, "variables/variables.data-00000-of-00001"), "variables/variables.data-00000-of-00002": ""},
        ["'variables/variables.data-00001-of-00002' is missing."],
    ),
    (PYTORCH, {}, ["'model.py' is missing.", "'handler.py' is missing.", "A weight file is missing.", NEEDED]),
    (PYTORCH, without(LOOSE, "handler.py"), ["'handler.py' is missing.", NEEDED]),
    (PYTORCH, {**without(LOOSE, "model.pt"), "extra/model.pt": made.STATE}, ["A weight file is missing.", NEEDED]),
    (
        PYTORCH,
        {**LOOSE, "b.bin": "", "iris.mar": ""},
        ["More than one weight file or archive: 'b.bin', 'iris.mar', 'model.pt'. Leave the one that is to be served."],
    ),
    (PYTORCH, {"model.pt2": made.STATE, **without(LOOSE, "model.pt")}, ["'model.pt2' is no program that torch.export saved."]),
    (
        PYTORCH,
        {"a.mar": made.zipped(LOOSE)},
        ["'a.mar' holds no 'MAR-INF/MANIFEST.json', so torch-model-archiver did not make it."],
    ),
    (PYTORCH, {"a.mar": made.zipped({**PACKED, MANIFEST: "{}"})}, ["'MAR-INF/MANIFEST.json' describes no model."]),
    (
        PYTORCH,
        {"a.mar": made.zipped({MANIFEST: made.manifest(modelName=None)})},
        [
            "'MAR-INF/MANIFEST.json' gives the model no name ('modelName').",
            "'model.pt' ('serializedFile' of 'MAR-INF/MANIFEST.json') is missing.",
            "'model.py' ('modelFile' of 'MAR-INF/MANIFEST.json') is missing.",
            "'requirements.txt' ('requirementsFile' of 'MAR-INF/MANIFEST.json') is missing.",
            "'handler.py' ('handler' of 'MAR-INF/MANIFEST.json') is missing.",
        ],
    ),
    (PYTORCH, without(PACKED, "model.pt"), ["'model.pt' ('serializedFile' of 'MAR-INF/MANIFEST.json') is missing."]),
    (
        PYTORCH,
        {"a.mar": made.zipped({**PACKED, "../../etc/cron.d/x": ""})},
        ["'a.mar' holds '../../etc/cron.d/x', a name that leads out of it."],
    ),
    (PYTORCH, {"a.mar": "no zip"}, ["'a.mar' is damaged: File is not a zip file."]),
    (
        SKLEARN,
        {"model.h5": ""},
        ["A file with the model is missing: one that ends in '.joblib', '.pkl', '.pickle' or '.skops'."],
    ),
    (
        SKLEARN,
        {"a.joblib": "", "b.skops": ""},
        ["More than one file with a model: 'a.joblib', 'b.skops'. Leave the one that is to be served."],
    ),
    (SKLEARN, {"a.joblib": "text"}, ["'a.joblib' is no pickle, or is cut off; neither pickle nor joblib wrote it so."]),
    (
        SKLEARN,
        {"a.pkl": made.estimator()[:-9]},
        ["'a.pkl' is no pickle, or is cut off; neither pickle nor joblib wrote it so."],
    ),
    (SKLEARN, {"a.skops": made.estimator()}, ["'a.skops' is no file that skops wrote."]),
    (
        HUB,
        {},
        [
            "'config.json' is missing.",
            "The tokenizer is missing: none of 'tokenizer.json', 'tokenizer.model', 'spiece.model', 'sentencepiece.bpe.model', "
            "'spm.model', 'source.spm', 'vocab.txt', 'vocab.json', 'tekken.json' is there.",
            "'model.safetensors' is missing, and there is no 'model.safetensors.index.json' either.",
        ],
    ),
    (HUB, {**HUGGING_FACE, "config.json": "{}"}, ["'config.json' names no architecture ('architectures')."]),
    (HUB, {**HUGGING_FACE, "config.json": "[" * 100_000}, ["'config.json' is no JSON."]),
    (HUB, {**HUGGING_FACE, "config.json": "[]"}, ["'config.json' holds no JSON object."]),
    (
        HUB,
        {**without(HUGGING_FACE, "config.json"), "adapter_config.json": "{}"},
        [
            "'config.json' is missing: this is an adapter. Models for other tasks, and those that are fine-tuned by adapters, "
            "need TENSORFLOW or PYTORCH serving."
        ],
    ),
    *(
        (
            HUB,
            {**without(HUGGING_FACE, "model.safetensors"), name: ""},
            [f"'{name}': Hugging Face models must be in safetensors format; any other file format is unsupported."],
        )
        for name in ("pytorch_model.bin", "model.pt", "tf_model.h5", "flax_model.msgpack")
    ),
    (
        HUB,
        sharded({"a": "one.safetensors", "b": "two.safetensors"}, second=None),
        ["'two.safetensors': named by 'model.safetensors.index.json', but missing."],
    ),
    (
        HUB,
        sharded({"a": "one.safetensors", "c": "two.safetensors"}),
        [
            "'two.safetensors' lacks tensors that 'model.safetensors.index.json' names: 'c'.",
            "'two.safetensors' has tensors that 'model.safetensors.index.json' does not name: 'b'.",
        ],
    ),
    (
        HUB,
        sharded({"a": "../one.safetensors"}),
        ["'../one.safetensors': named by 'model.safetensors.index.json', but missing."],
    ),
    (HUB, sharded({}), ["'model.safetensors.index.json' names no weights."]),
    (PYTHON, {"src/predict.py": ""}, ["'predict.py' is missing."]),
]


@pytest.mark.parametrize(("model_format", "artifact", "problems"), REFUSED)
def test_what_is_missing_is_named(
    tmp_path: Path, model_format: ModelFormat, artifact: Mapping[str, bytes | str], problems: list[str]
) -> None:
    """MD-L01, FS-03, FS-11, MD-13: the exact finding, all of it at once."""
    assert list(look(write(tmp_path, artifact), model_format).problems) == problems


def test_nothing_there(tmp_path: Path) -> None:
    """MD-14: the path does not exist."""
    assert look(tmp_path / "gone", PYTHON).problems == (f"There is nothing at {tmp_path / 'gone'}.",)


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    """MD-L01: links within the storage are files, others are left out and told."""
    outside = write(tmp_path / "outside", {"predict.py": "secret"})
    model = write(tmp_path / "model", {"real.py": "", "below/x": ""})
    (model / "loop").symlink_to(".")
    (model / "predict.py").symlink_to(outside / "predict.py")
    found = look(model, PYTHON)
    assert found.problems == ("'predict.py' is missing.",)
    assert found.remarks == ("'loop', 'predict.py': left out, as links to directories or to outside of the artifact.",)
    (model / "predict.py").unlink()
    (model / "predict.py").symlink_to("real.py")
    assert [file.name for file in look(model, PYTHON).files] == ["below/x", "predict.py", "real.py"]
    assert look(tmp_path / "model", PYTHON, root=outside).problems == (f"{model} leads out of its storage.",)


def test_pipes_and_odd_names(tmp_path: Path) -> None:
    """MD-L01: no pipe is waited for, and what cannot be shown is refused."""
    write(tmp_path, {"predict.py": ""})
    os.mkfifo(tmp_path / "pipe")
    assert [file.name for file in look(tmp_path, PYTHON).files] == ["predict.py"]
    (tmp_path / os.fsdecode(b"\xff")).touch()
    assert look(tmp_path, PYTHON).problems == (r"The artifact holds '\udcff', a name that is no UTF-8 or too long.",)


def test_files_that_change_meanwhile(tmp_path: Path) -> None:
    """MD-L01: the owner is at work."""
    listed = files.ModelFiles(write(tmp_path, {"a": "a", "b/c": "b", "d": "d", "e": "e"}))
    (tmp_path / "a").write_text("more")
    (tmp_path / "b" / "c").unlink()
    (tmp_path / "b").rmdir()
    (tmp_path / "d").unlink()
    (tmp_path / "d").symlink_to("/etc/passwd")
    (tmp_path / "e").unlink()
    os.mkfifo(tmp_path / "e")
    with pytest.raises(files.StorageError, match="'a' was changed"):
        list(listed.checksums())
    for name, message in {"b/c": "does not exist", "d": "leads out", "e": "was changed"}.items():
        with pytest.raises(files.StorageError, match=message), listed.open(name):
            pass


def test_too_many_files_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MD-L01: an artifact that nobody could serve is given up early."""
    write(tmp_path, {f"{number}": "" for number in range(11)})
    monkeypatch.setattr(files, "MAX_FILES", 10)
    assert look(tmp_path, PYTHON).problems == ("The artifact has more than 10 files.",)
    monkeypatch.setattr(files, "MAX_FILES", 20)
    with (tmp_path / "0").open("r+b") as file:
        file.truncate((1 << 40) + 1)
    assert look(tmp_path, PYTHON).problems == ("The artifact has more than 1 TiB.",)


def test_archives_that_unpack_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MD-L01: neither a zip nor a tar is unpacked beyond a bound, nor is a manifest."""
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 2 << 30)
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 1 << 20)
    zeros = bytes(2 << 20)
    packs = {"a.mar": made.zipped, "a.tar.gz": made.tarred}
    for name, pack in packs.items():
        found = look(write(tmp_path / name, {name: pack({f"x/{MANIFEST}": zeros})}), PYTORCH)
        assert found.problems == (f"'x/{MANIFEST}' in {name!r} has more than 1,048,576 bytes.",)
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1 << 20)
    for name, pack in packs.items():
        found = look(write(tmp_path / name, {name: pack({"x/zeros": zeros})}), PYTORCH)
        assert found.problems in (
            (f"{name!r} unpacks to more than 0 GiB.",),
            (f"{name!r} is damaged: a header that leads astray.",),
        )
