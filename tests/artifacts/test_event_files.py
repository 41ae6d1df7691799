"""TensorBoard's event files: what real writers write is read, and what is damaged ends quietly (TB-01, TB-04, TB-L01)."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.artifacts.event_files import MAXIMUM_RECORD_BYTES, MAXIMUM_TAG_BYTES, EventFile, Scalar, masked_crc
from easymaker_local.testing.event_writer import event, record, simple, tensor
from easymaker_local.testing.protobuf import field

FILES = Path(__file__).with_name("event_files")
FLOATS = st.floats(width=32)
TAGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
STEPS = st.integers(-(1 << 63), (1 << 63) - 1)


def read_on(reader: EventFile, content: bytes, known: Collection[str] = ()) -> list[Scalar]:
    """Read a file with this content from where the reader stands."""
    file = os.memfd_create("events")
    try:
        os.write(file, content)
        return list(reader.read(file, known))
    finally:
        os.close(file)


def read(content: bytes, known: Collection[str] = ()) -> list[Scalar]:
    return read_on(EventFile(), content, known)


def test_the_checksum_is_the_one_of_the_standard() -> None:
    """CRC-32C of RFC 3720, masked as TFRecord does."""
    crc = 0xE3069283
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            "keras/train/events.out.tfevents.1.v2",
            {"epoch_loss": [0.59635, 0.56856, 0.54232], "epoch_learning_rate": [0.01] * 3},
        ),
        (
            "keras/validation/events.out.tfevents.1.v2",
            {"epoch_loss": [0.56856, 0.54232, 0.51754], "evaluation_loss_vs_iterations": [0.56856, 0.54232, 0.51754]},
        ),
        ("keras/events.out.tfevents.1.v2", {"double": [1, 1 / 2, 1 / 3], "zero": [0]}),
        ("pytorch/events.out.tfevents.1", {"train/loss": [1, 1 / 2, 1 / 3], "new": [0.25], "nan": [math.nan, math.inf]}),
        ("pytorch/both_a/events.out.tfevents.1", {"both": [1]}),
        ("tensorboardx/events.out.tfevents.1", {"train/loss": [1, 1 / 2, 1 / 3]}),
    ],
)
def test_files_of_real_writers(file: str, expected: dict[str, list[float]]) -> None:
    """TB-03: scalars, and nothing of histograms, texts and images."""
    found = read((FILES / file).read_bytes())
    values: dict[str, list[float]] = {}
    for scalar in found:
        values.setdefault(scalar.tag, []).append(scalar.value)
    assert values == {tag: pytest.approx(some, abs=1e-5, nan_ok=True) for tag, some in expected.items()}
    assert all(1.79e9 < scalar.at < 1.8e9 for scalar in found)
    steps = [scalar.step for scalar in found if scalar.tag == found[0].tag]
    assert steps == [0, 1, 2][: len(steps)] or steps in ([1, 2, 3], [5])


@given(st.lists(st.tuples(TAGS, STEPS, FLOATS, st.floats(0, 1e11))))
def test_what_is_written_is_read(written: list[tuple[str, int, float, float]]) -> None:
    found = read(b"".join(event(step, at, simple(tag, value)) for tag, step, value, at in written))
    assert [(one.tag, one.step, one.at) for one in found] == [(tag, step, at) for tag, step, _, at in written]
    assert [one.value for one in found] == pytest.approx([value for _, _, value, _ in written], nan_ok=True)


@given(st.lists(FLOATS, max_size=5), st.data())
def test_a_file_that_is_not_written_to_its_end_is_read_as_far_as_it_goes(values: list[float], data: st.DataObject) -> None:
    """TB-04: and the next time from there, whatever was there the first time."""
    written = [event(step, 1.0, simple("loss", value)) for step, value in enumerate(values)]
    whole = b"".join(written)
    cut = data.draw(st.integers(0, len(whole)))
    reader = EventFile()
    first = read_on(reader, whole[:cut])
    assert [one.step for one in first] == [i for i in range(len(written)) if len(b"".join(written[: i + 1])) <= cut]
    assert reader.offset == sum(map(len, written[: len(first)]))
    assert [one.step for one in first + read_on(reader, whole)] == [*range(len(written))]
    assert read_on(reader, whole) == []


@given(st.binary(max_size=300))
def test_whatever_is_in_a_file_raises_nothing(noise: bytes) -> None:
    before = event(1, 1.0, simple("loss", 0.5))
    for after in (noise, record(noise), event(2, 1.0, noise), event(2, 1.0, field(8, noise) + field(9, noise))):
        found = read(before + after, known=[""])
        assert found[0] == Scalar("loss", 1, 0.5, 1.0)
        assert all(isinstance(one.tag, str) and isinstance(one.value, float) for one in found)


@given(st.data())
def test_a_damaged_byte_makes_no_values_up(data: st.DataObject) -> None:
    """What stands before it counts. A record that looks like no scalar any more is passed over."""
    written = [event(step, 1.0, simple("loss", step)) for step in range(4)]
    spoilt = bytearray(b"".join(written))
    place = data.draw(st.integers(0, len(spoilt) - 1))
    spoilt[place] ^= data.draw(st.integers(1, 255))
    found = [one.step for one in read(bytes(spoilt))]
    damaged = place // len(written[0])
    assert found[:damaged] == [*range(damaged)]
    assert damaged not in found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (tensor("t", struct.pack("<f", 0.5)), 0.5), (tensor("t", struct.pack("<d", 0.5), kind=2), 0.5),
        (tensor("t", struct.pack("<f", 0.5), place=5), 0.5), (tensor("t", struct.pack("<d", 0.5), kind=2, place=6), 0.5),
        (tensor("t", b""), 0.0), (tensor("t", struct.pack("<ff", 1, 2)), None), (tensor("t", b"\0" * 8, kind=9), None),
        (tensor("t", struct.pack("<f", 0.5), plugin="histograms"), None), (tensor("t", b"\0" * 4, plugin=None), None),
        (tensor(b"t" * (MAXIMUM_TAG_BYTES + 1), b"\0" * 4), None), (simple(b"t" * (MAXIMUM_TAG_BYTES + 1), 1), None),
    ],
)  # fmt: skip
def test_which_tensors_are_scalars(value: bytes, expected: float | None) -> None:
    assert [one.value for one in read(event(1, 1.0, value))] == ([] if expected is None else [expected])


def test_a_tensor_may_say_only_at_first_that_it_is_a_scalar() -> None:
    again = event(2, 1.0, tensor("loss", struct.pack("<f", 0.25), plugin=None))
    assert read(again) == []
    assert [one.value for one in read(again, known={"loss"})] == [0.25]


def test_large_and_small_things_between_scalars_are_passed_over() -> None:
    image = field(1, b"image") + field(4, b"x" * 1000)
    large = record(b"x" * (MAXIMUM_RECORD_BYTES + 1))
    full = event(2, 1.0, field(4, b"x" * (MAXIMUM_RECORD_BYTES - 100)), simple("loss", 2))
    parts = [event(1, 1.0, image, simple("loss", 1), image), large, full, large, large, event(3, 1.0, simple("loss", 3))]
    assert [one.step for one in read(b"".join(parts))] == [1, 2, 3]
    reader = EventFile()
    assert [one.step for one in read_on(reader, b"".join(parts)[: len(parts[0]) + 100])] == [1]
    assert reader.offset == len(parts[0]), "the large record is not there yet"
    endless = struct.pack("<Q", (1 << 64) - 1)
    assert [one.step for one in read(parts[0] + endless + struct.pack("<I", masked_crc(endless)) + large)] == [1]


@pytest.mark.parametrize(("at", "shown"), [(math.nan, 0.0), (math.inf, 0.0), (-1e300, 0.0), (1e300, 253_402_000_000.0)])
def test_a_time_that_no_calendar_has(at: float, shown: float) -> None:
    assert [one.at for one in read(event(1, at, simple("loss", 1)))] == [shown]
