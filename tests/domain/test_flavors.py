"""Flavors of a machine: the vendor's names, the whole machine, and its GPUs with their share of the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.flavor import generate_flavors
from easymaker_local.domain.gpu import Gpu, find_model
from easymaker_local.domain.image import CoreType

A100, L4 = "NVIDIA A100-SXM4-80GB", "NVIDIA L4"


def gpu(number: int, model: str, memory_mib: int = 81920, *, is_mig: bool = False) -> Gpu:
    return Gpu(f"GPU-{number}", str(number), model, memory_mib, is_mig=is_mig)


def names(*gpus: Gpu, cpus: int = 64, gib: int = 512) -> list[str]:
    return [flavor.name for flavor in generate_flavors(cpus, gib * 1024, gpus=gpus) if flavor.gpu_count]


def test_flavors_have_the_vendors_names_and_one_for_the_whole_machine() -> None:
    """IT-04, IT-L01, rest-api §6.1: names are unique."""
    flavors = generate_flavors(6, 30_000)
    found = [flavor.name for flavor in flavors]
    assert {"m2.c2m4", "m2.c4m8", "m2.c8m16", "r2.c8m32", "c2.c16m16"} <= set(found)
    assert "m2.c6m29" in found
    assert len(found) == len(set(found))
    sizes = {flavor.name: (flavor.vcpus, flavor.memory_mib) for flavor in flavors}
    assert sizes["m2.c4m8"] == (4, 8192)
    assert {flavor.core_type for flavor in flavors} == {CoreType.CPU}


def test_gpus_come_in_powers_of_two_and_all_with_their_share() -> None:
    """IT-04, IT-L01."""
    assert names(*(gpu(n, A100) for n in range(6))) == [
        "g2.c10m85g1-a100", "g2.c21m170g2-a100", "g2.c42m341g4-a100", "g2.c64m512g6-a100",
    ]  # fmt: skip
    two = [flavor for flavor in generate_flavors(8, 65536, gpus=[gpu(0, A100), gpu(1, L4, 23034)]) if flavor.gpu_count]
    assert [(f.name, f.gpu_count, f.gpu_model, f.gpu_memory_mib, f.core_type) for f in two] == [
        ("g2.c4m32g1-a100", 1, A100, 81920, CoreType.GPU), ("g2.c4m32g1-l4", 1, L4, 23034, CoreType.GPU),
    ]  # fmt: skip


def test_mig_instances_come_one_at_a_time() -> None:
    """CUDA uses one per process."""
    slices = [gpu(n, "NVIDIA A100-SXM4-40GB MIG 1g.5gb", 4864, is_mig=True) for n in range(7)]
    assert names(*slices) == ["g2.c9m73g1-a100-1g.5gb"]


@pytest.mark.parametrize(
    ("model", "short"),
    [
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("Tesla T4", "t4"),
        ("NVIDIA RTX 6000 Ada Generation", "rtx6000"),
        ("NVIDIA TITAN", "titan"),
    ],
)
def test_short_names(model: str, short: str) -> None:
    assert names(gpu(0, model)) == [f"g2.c64m512g1-{short}"]


def test_models_that_would_be_alike_get_all_their_words() -> None:
    alike = [gpu(0, "NVIDIA GeForce RTX 4070"), gpu(1, "NVIDIA GeForce RTX 4070 Ti")]
    assert names(*alike) == ["g2.c32m256g1-rtx-4070", "g2.c32m256g1-rtx-4070-ti"]


@given(st.lists(st.text(max_size=30), max_size=4), st.integers(1, 4))
def test_names_are_unique_for_models_of_any_name(models: list[str], count: int) -> None:
    gpus = [gpu(n, model) for n, model in enumerate(models * count)]
    flavors = generate_flavors(8, 8192, gpus=gpus)
    assert len({flavor.name for flavor in flavors}) == len(flavors)


def test_a_user_may_name_a_model_by_a_part_of_its_name() -> None:
    assert find_model((A100, L4), "a100") == A100
    assert find_model(("NVIDIA GeForce RTX 4070", "NVIDIA GeForce RTX 4070 Ti"), "nvidia geforce rtx 4070").endswith("4070")
    assert find_model((A100, L4), "nvidia") == "nvidia", "more than one: none"
