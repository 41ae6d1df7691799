"""Runtime versions: the sets of serving images (UP-06…UP-10, UP-L01, UP-L02)."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.domain.runtime_version import DAY_SECONDS, Expiry, RuntimeVersion, expires_at, first_expiry, version_of
from easymaker_local.domain.serving import SERVING_IMAGES
from easymaker_local.kit.bundled import bundled

HISTORY = [RuntimeVersion("a", 0.0), RuntimeVersion("b", 100.0), RuntimeVersion("c", 200.0)]


def test_a_version_expires_some_days_after_the_next_one_came() -> None:
    """UP-06, UP-L03; the newest never does (UP-10)."""
    assert expires_at("c", HISTORY, 10) is None
    assert expires_at("b", HISTORY, 10) == 200.0 + 10 * DAY_SECONDS
    assert expires_at("a", HISTORY, 10) == 100.0 + 10 * DAY_SECONDS
    # One that came back was replaced later.
    again = [*HISTORY, RuntimeVersion("a", 300.0), RuntimeVersion("d", 400.0)]
    assert expires_at("a", again, 1) == 400.0 + DAY_SECONDS
    # One that nobody has noted is as old as can be.
    assert expires_at("unknown", HISTORY, 1) == DAY_SECONDS
    assert expires_at("a", [], 1) is None


def test_what_runs_on_several_versions_expires_with_the_oldest() -> None:
    """UP-06, UP-10: nothing expires of what runs on the newest, or of what does not run."""
    assert first_expiry(["c", "b", "a"], HISTORY, 10) == Expiry("a", 100.0 + 10 * DAY_SECONDS)
    assert first_expiry(["c"], HISTORY, 10) is None
    assert first_expiry([], HISTORY, 10) is None


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.binary(max_size=20), min_size=1, max_size=4), st.randoms())
def test_a_set_has_its_name_by_what_is_in_it(images: dict[str, bytes], random: object) -> None:
    items = list(images.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert version_of(items) == version_of(images.items())
    first = next(iter(images))
    assert version_of({**images, first: images[first] + b"x"}.items()) != version_of(images.items())


def test_the_catalogue_names_its_set(tmp_path: Path) -> None:
    """UP-L01: another package in a serving image is another version, another image of the user's own is none."""
    shipped = Catalogue([bundled("images")])
    assert all(shipped.by_id(image_id) is not None for image_id in SERVING_IMAGES)
    copied = tmp_path / "images"
    for image_id in SERVING_IMAGES:
        image = shipped.by_id(image_id)
        assert image is not None
        (copied / image_id).mkdir(parents=True)
        for name in ("image.toml", "requirements.txt"):
            (copied / image_id / name).write_bytes((image.folder / name).read_bytes())
    assert Catalogue([copied]).runtime_version == shipped.runtime_version
    with (copied / "python-serving-3.11-cpu" / "requirements.txt").open("a") as file:
        file.write("more\n")
    assert Catalogue([copied]).runtime_version != shipped.runtime_version
