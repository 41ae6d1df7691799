"""Whatever bytes lie in an artifact, an examination ends with findings (MD-L01)."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from easymaker_local.artifacts.models import protobuf, tensorflow
from easymaker_local.artifacts.models.files import Findings, ModelFiles
from easymaker_local.domain.model import ModelFormat
from easymaker_local.testing.protobuf import field, varint
from tests.artifacts.models import made
from tests.artifacts.models.made import framed, look, write

TAR = made.tarred({f"iris/{name}": data for name, data in made.PACKED.items()})
# Of every parser: the file that it reads, and the others that let it come so far.
PARSED: Mapping[str, tuple[ModelFormat, str, bytes, Mapping[str, bytes | str]]] = {
    "savedmodel": (ModelFormat.TENSORFLOW, "saved_model.pb", made.saved_model(), made.VARIABLES),
    "mar": (ModelFormat.PYTORCH, "iris.mar", made.zipped(made.PACKED), {}),
    "tar": (ModelFormat.PYTORCH, "a.tar.gz", TAR, {}),
    "tar's content": (ModelFormat.PYTORCH, "a.tar.gz", gzip.decompress(TAR), {}),
    "manifest": (ModelFormat.PYTORCH, "MAR-INF/MANIFEST.json", made.manifest(requirementsFile=None).encode(), made.LOOSE),
    "torchscript": (ModelFormat.PYTORCH, "model.pt", made.TORCHSCRIPT, {}),
    "pickle": (ModelFormat.SKLEARN, "model.pkl", made.estimator(), {}),
    "old pickle": (ModelFormat.SKLEARN, "model.pkl", made.estimator(0), {}),
    "skops": (ModelFormat.SKLEARN, "m.skops", made.zipped({"schema.json": "{}"}), {}),
    "safetensors": (ModelFormat.HUGGING_FACE, "model.safetensors", made.WEIGHTS, made.HUGGING_FACE),
    "config": (ModelFormat.HUGGING_FACE, "config.json", made.config().encode(), made.HUGGING_FACE),
}
few = settings(max_examples=60, deadline=None)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def examined(kind: str, data: bytes) -> tuple[str, ...]:
    model_format, name, _, others = PARSED[kind]
    if kind == "tar's content":
        data = gzip.compress(data)
    with TemporaryDirectory() as folder:
        return look(write(Path(folder), {**others, name: data}), model_format).problems


@pytest.mark.parametrize("kind", PARSED)
def test_the_whole_file_is_fine(kind: str) -> None:
    """MD-L01: so what the other tests spoil is what they spoil."""
    assert examined(kind, PARSED[kind][2]) == ()


@pytest.mark.parametrize("kind", PARSED)
@few
@given(data=st.data())
def test_spoilt_files(kind: str, data: st.DataObject) -> None:
    """MD-L01: bytes replaced, put in, taken out, or cut off at the end."""
    whole = PARSED[kind][2]
    start = data.draw(st.integers(0, len(whole)))
    gone = data.draw(st.integers(0, 8) | st.just(len(whole)))
    examined(kind, whole[:start] + data.draw(st.binary(max_size=8)) + whole[start + gone :])


@pytest.mark.parametrize("kind", PARSED)
@few
@given(rest=st.binary(max_size=200))
@example(rest=b"cos\nsystem\nS'\\ '\n.")  # an escape that Python warns of
def test_random_files(kind: str, rest: bytes) -> None:
    """MD-L01: with and without a beginning that is right."""
    examined(kind, rest)
    examined(kind, PARSED[kind][2][:4] + rest)


@few
@given(cut=st.integers(0, len(made.WEIGHTS) - 1))
def test_cut_off_safetensors_are_noticed(cut: int) -> None:
    """MD-13: at whatever byte a copy was broken off."""
    assert examined("safetensors", made.WEIGHTS[:cut])


@few
@given(entry=jsons)
def test_safetensors_whose_entries_lie(entry: object) -> None:
    """MD-13: nothing but an object with type, shape and place is taken."""
    assert examined("safetensors", framed(json.dumps({"t": entry}).encode(), b"1234"))


@pytest.mark.parametrize(
    ("entry", "fits"),
    [
        ({}, True),
        ({"shape": [2, 2]}, False),
        ({"shape": [-1, -1]}, False),
        ({"shape": [True]}, False),
        ({"shape": [1.0]}, False),
        ({"shape": [1] * 65}, False),
        ({"shape": [10**30, 0], "data_offsets": [0, 0]}, False),
        ({"dtype": "F33"}, False),
        ({"data_offsets": [1, 5]}, False),
        ({"data_offsets": [4, 0]}, False),
        ({"data_offsets": [0, 4, 8]}, False),
    ],
)
def test_safetensors_entries(entry: Mapping[str, object], fits: bool) -> None:
    """MD-13: type, shape, place and the file's length agree."""
    whole = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **entry}
    assert (examined("safetensors", framed(json.dumps({"t": whole}).encode(), b"1234")) == ()) is fits


@few
@given(config=st.dictionaries(st.sampled_from(["architectures", "model_type", "auto_map"]), jsons | st.lists(jsons)))
def test_odd_configurations(config: object) -> None:
    """FS-16: whatever stands where names are expected."""
    examined("config", json.dumps(config).encode())


@few
@given(model=jsons | st.dictionaries(st.sampled_from(["modelName", "handler", "serializedFile", "modelFile"]), jsons))
def test_odd_manifests(model: object) -> None:
    """FS-04: whatever stands where names are expected."""
    assert examined("manifest", json.dumps({"model": model}).encode())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (field(2, b"")[:1] + varint(1 << 40), "a field that is longer than its message"),
        (b"\x0a" + b"\xff" * 12, "a number that does not end"),
        (b"\x80", "a message that ends within a number"),
        (b"\x02\x00", "a field without a number"),
        (b"\x09\x00", "a message that ends within a field"),
        (field(1, 1) * (protobuf.MAX_FIELDS // 50), "more than 1,000 fields"),
        (field(2, field(5, field(1, "x" * 5000))), "a name of more than 4,096 bytes"),
        (field(2, field(1, field(4, "x" * 4000) * 20)), "names of more than 60,000 bytes"),
        (field(2, field(1, field(4, b"\xff"))), "a name that is no UTF-8"),
    ],
)
def test_messages_that_lie(monkeypatch: pytest.MonkeyPatch, data: bytes, problem: str) -> None:
    """FS-01: lengths and numbers that do not fit, and more than anybody needs."""
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 1000)
    monkeypatch.setattr(protobuf, "MAX_TEXTS_BYTES", 60_000)
    assert examined("savedmodel", data) == (f"'saved_model.pb' is no SavedModel: it has {problem}.",)


def test_a_graph_of_gigabytes_is_skipped(tmp_path: Path) -> None:
    """FS-01: the file is not held in memory (a hole stands for the graph)."""
    size = 3 << 30
    start = field(1, field(4, "serve")) + varint(2 << 3 | 2) + varint(size)
    end = made.meta_graph(variables=False)
    with (tmp_path / "saved_model.pb").open("wb") as file:
        file.write(varint(2 << 3 | 2) + varint(len(start) + size + len(end)) + start)
        file.seek(size, 1)
        file.write(end)
    tracemalloc.start()
    with_graph = look_at_once(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert with_graph == ["serving_default"]
    assert peak < 8 << 20


def look_at_once(path: Path) -> list[str]:
    """The signatures alone: checksums of gigabytes take their time."""
    details = tensorflow.look(ModelFiles(path), None, Findings())
    return [signature.name for signature in details.signatures] if details else []


@pytest.mark.parametrize("length", [1 << 20, 1 << 40, (1 << 64) - 1])
def test_zip_directories_and_tar_headers_that_lie(length: int) -> None:
    """FS-04: no more is read than is there, and never much at once."""
    whole = PARSED["mar"][2]
    end = whole.rindex(b"PK\x05\x06")
    lying = whole[: end + 12] + (length & 0xFFFFFFFF).to_bytes(4, "little") + whole[end + 16 :]
    assert examined("mar", lying)
    assert examined("safetensors", length.to_bytes(8, "little") + b"{}")
