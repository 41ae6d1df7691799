"""Jobs use buckets in the name of the system account, whose permissions are looked at before each use (area OS)."""

from __future__ import annotations

from pathlib import Path

import pytest

from easymaker_local.artifacts.storage import Size
from easymaker_local.domain.access_list import Permission
from easymaker_local.domain.reason import Reason
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.errors import InvalidRequest, NotFound
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio

URI = "obs://local/v1/AUTH_local"


def job(bench: Bench) -> dict[str, object]:
    """A training that uses a bucket of its own for everything."""
    for name in ("data", "more", "start", "out", "saved"):
        bench.stored(name).mkdir(exist_ok=True)
        bench.stored(name).joinpath("file").touch()
    return {
        "sourceDirUri": f"{URI}/code", "checkPointInputUri": f"{URI}/start", "modelUploadUri": f"{URI}/out/model",
        "checkPointUploadUri": f"{URI}/saved/checkpoint",
        "datasetList": [
            {"datasetName": "one", "dataUri": f"{URI}/data"}, {"datasetName": "two", "dataUri": f"{URI}/more"},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("container", "permission", "field"),
    [
        ("code", "read", "sourceDirUri"), ("data", "read", "datasetList.0.dataUri"), ("more", "read", "datasetList.1.dataUri"),
        ("start", "read", "checkPointInputUri"), ("out", "write", "modelUploadUri"), ("saved", "write", "checkPointUploadUri"),
    ],
)  # fmt: skip
async def test_creation_names_container_and_missing_permission(
    tmp_path: Path, container: str, permission: str, field: str
) -> None:
    """OS-04, OS-05, OS-11, GN-10."""
    async with open_bench(tmp_path) as bench:
        fields = job(bench)
        await bench.services.buckets.allow(container, **{"read": None, "write": None, permission: False})
        with pytest.raises(InvalidRequest) as refused:
            await bench.create(**fields)
        (fault,) = refused.value.fields
        assert fault.field == field
        assert f"no {permission} permission" in fault.message
        assert f"'{container}'" in fault.message
        assert "local:easymaker" in fault.message
        # The other permission is none of this job's business (OS-02: all files of a bucket have the same).
        other = "write" if permission == "read" else "read"
        await bench.services.buckets.allow(container, **{permission: True, other: False})
        await bench.create(**fields)


async def test_what_a_bucket_holds_is_counted_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OS-L03: files of all folders; links count nothing."""
    async with open_bench(tmp_path) as bench:
        folder = bench.stored("counted") / "below"
        folder.mkdir(parents=True)
        (folder / "two").write_text("22")
        (folder.parent / "three").write_text("333")
        (folder.parent / "link").symlink_to(folder / "two")
        buckets = bench.services.buckets
        assert await buckets.usage("counted") == Size(files=2, bytes=5, complete=True)
        with pytest.raises(NotFound):
            await buckets.usage("none")
        monkeypatch.setattr("easymaker_local.services.buckets.MOST_COUNTED", 1)
        assert not (await buckets.usage("counted")).complete


@pytest.mark.parametrize(
    ("setting", "faults"),
    [("read-write", set()), ("read", {"modelUploadUri"}), ("none", {"modelUploadUri", "sourceDirUri"})],
)
async def test_buckets_without_lists_follow_the_setting(tmp_path: Path, setting: str, faults: set[str]) -> None:
    async with open_bench(tmp_path, bucket_access=setting) as bench:
        views = {view.container: (view.is_readable, view.is_writable) for view in await bench.services.buckets.list_all()}
        assert views["code"] == ("sourceDirUri" not in faults, "modelUploadUri" not in faults)
        if not faults:
            await bench.create()
            return
        with pytest.raises(InvalidRequest) as refused:
            await bench.create()
        assert {fault.field for fault in refused.value.fields} == faults
        # Granting what is missing is enough.
        await bench.services.buckets.allow("code", read=True, write=None)
        await bench.services.buckets.allow("models", read=None, write=True)
        await bench.create()


async def test_a_permission_that_was_taken_away_while_it_waited(tmp_path: Path) -> None:
    """OS-L01: looked at before each use, not only at creation."""
    async with open_bench(tmp_path) as bench:
        training = await bench.create()
        await bench.services.buckets.allow("code", read=False, write=None)
        await bench.pass_(training)
        await bench.built()
        ended = await bench.pass_(training)
        assert ended.status is TrainingStatus.CREATE_FAILED
        assert ended.cause is not None
        assert ended.cause.reason is Reason.ACCESS_DENIED
        assert "'code'" in ended.cause.message
        assert "read permission" in ended.cause.message
        assert not bench.driver.workloads


async def test_lists_in_swifts_words_and_their_end(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        buckets = bench.services.buckets
        await buckets.set_lists("models", {Permission.READ: "other:someone", Permission.WRITE: "local:*"})
        view = await buckets.get("models")
        assert (view.is_readable, view.is_writable) == (False, True)
        view = await buckets.allow("models", read=True, write=False)
        assert (view.lists.read, view.lists.write) == ("other:someone,local:easymaker", "")
        await buckets.set_lists("models", {Permission.READ: None})
        assert (await buckets.get("models")).lists.read is None
        with pytest.raises(InvalidRequest):
            await buckets.set_lists("models", {Permission.READ: "", Permission.WRITE: ".r:*"})
        assert (await buckets.get("models")).lists.read is None
        with pytest.raises(NotFound):
            await buckets.allow("nothing", read=True, write=None)
