"""What takes the disk, and that nothing goes which something refers to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from easymaker_local.domain.disk import DiskEntry, DiskKind
from easymaker_local.errors import InvalidRequest
from easymaker_local.kit.trees import allocated_bytes
from easymaker_local.services.model_artifacts import local_copy
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


async def entries(bench: Bench, kind: DiskKind) -> dict[str, DiskEntry]:
    return {entry.name: entry for entry in (await bench.services.disk.report()).entries if entry.kind is kind}


def leave(bench: Bench, *ids: str | None) -> None:
    """Environments of older content, one of them unfinished."""
    bench.environments.kept = {f"environment-of-{bench_id}-old": (bench_id, 1000, True) for bench_id in ids}
    bench.environments.kept["environment-of-plain"] = ("plain", 5000, True)
    bench.environments.kept["environment-of-plain-half"] = ("plain", 70, False)


async def test_everything_that_takes_space_is_shown(bench: Bench) -> None:
    (bench.stored("models") / "model.bin").write_bytes(b"x" * 100_000)
    artifact = bench.context.settings.mlflow / "artifacts" / "weights"
    artifact.parent.mkdir(parents=True)
    artifact.write_bytes(b"x" * 50_000)
    training = await bench.pass_(await bench.create())
    leave(bench, "gone")
    report = await bench.services.disk.report()
    assert report.total > report.free > 0
    kinds = [entry.kind for entry in report.entries]
    assert kinds == sorted(kinds, key=list(DiskKind).index)
    buckets = await entries(bench, DiskKind.BUCKET)
    assert {*buckets} == {"code", "models"}
    assert buckets["models"].bytes >= 100_000
    assert (await entries(bench, DiskKind.MLFLOW))["MLflow"].bytes >= 50_000
    assert f"training ({training.id})" in await entries(bench, DiskKind.TRAINING)
    assert {*await entries(bench, DiskKind.DATABASE)} == {"state.db", "metrics.db", "statistics.db", "logs.db"}
    assert all(entry.reclaimable is None for entry in report.entries if entry.kind is not DiskKind.ENVIRONMENT)


async def test_only_environments_that_nothing_needs_can_be_had_back(bench: Bench) -> None:
    leave(bench, "gone", "plain")
    found = {e.place: e.reclaimable for e in (await bench.services.disk.report()).entries if e.kind is DiskKind.ENVIRONMENT}
    assert found["environment-of-plain"] is None, "the catalogue's image has this content"
    assert found["environment-of-plain-half"] == "It was never finished."
    assert found["environment-of-plain-old"] == found["environment-of-gone-old"] == (
        "No image of the catalogue has this content any more."
    )  # fmt: skip
    await bench.pass_(await bench.create())
    kept = {e.place: e.reclaimable for e in (await bench.services.disk.report()).entries if e.kind is DiskKind.ENVIRONMENT}
    assert kept["environment-of-plain-old"] is kept["environment-of-plain-half"] is None, "a job of this image runs"


async def test_reclaiming_frees_what_was_asked_and_nothing_else(bench: Bench) -> None:
    leave(bench, "gone")
    trash = bench.context.trash / "work-1"
    trash.mkdir(parents=True)
    (trash / "file").write_bytes(b"x" * 10_000)
    report = await bench.services.disk.report()
    wanted = [entry.place for entry in report.entries if entry.reclaimable is not None]
    assert len(wanted) == 3
    done = await bench.services.disk.reclaim([*wanted, wanted[0]])
    assert [entry.place for entry in done.freed] == wanted
    assert done.kept == ()
    assert {*bench.environments.kept} == {"environment-of-plain"}
    assert not trash.exists()
    assert bench.stored("code/train.py").exists()


async def test_what_is_needed_or_unknown_is_refused_and_nothing_goes(bench: Bench) -> None:
    leave(bench, "gone")
    report = await bench.services.disk.report()
    spare = next(entry.place for entry in report.entries if entry.reclaimable is not None)
    needed = next(entry.place for entry in report.entries if entry.kind is DiskKind.BUCKET)
    for wrong in (needed, "environment-of-plain", "/etc", ""):
        with pytest.raises(InvalidRequest) as refusal:
            await bench.services.disk.reclaim([spare, wrong])
        assert [fault.field for fault in refusal.value.fields] == ["placeList.1"]
    assert len(bench.environments.kept) == 3


async def test_copies_of_models_go_when_no_model_has_that_content(bench: Bench) -> None:
    """MD-L02: a copy that is needed stays; one that became needed since it was looked at stays, too."""
    (bench.stored("models") / "predict.py").write_text("class Model: ...\n")
    model = await bench.model(modelUploadUri="obs://local/v1/AUTH_local/models")
    copy = await local_copy(bench.context, model)
    entry = (await entries(bench, DiskKind.MODEL))["model"]
    assert (entry.place, entry.reclaimable) == (str(copy), None)
    with pytest.raises(InvalidRequest, match="is needed and stays"):
        await bench.services.disk.reclaim([str(copy)])
    await bench.context.store.write(lambda db: db.execute("UPDATE models SET checksum = 'other'"))
    (unneeded,) = (await entries(bench, DiskKind.MODEL)).values()
    assert unneeded.reclaimable == "No model has this content any more."
    done = await bench.services.disk.reclaim([str(copy)])
    assert [freed.place for freed in done.freed] == [str(copy)]
    assert not copy.exists()


def test_sizes_are_what_the_disk_gives_for_them(tmp_path: Path) -> None:
    (tmp_path / "sparse").touch()
    (tmp_path / "full").write_bytes(b"x" * 1_000_000)
    before = allocated_bytes(tmp_path)
    assert before >= 1_000_000
    with (tmp_path / "sparse").open("r+b") as file:
        file.truncate(1 << 40)
    (tmp_path / "second name").hardlink_to(tmp_path / "full")
    (tmp_path / "link").symlink_to("/")
    assert allocated_bytes(tmp_path) - before < 100_000
    assert allocated_bytes(tmp_path / "nowhere") == 0
