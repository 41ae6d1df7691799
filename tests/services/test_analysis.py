"""What a tuning shows of its trials: history, best so far, importance, and that nothing of it depends on luck."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.trial import Trial, TrialStatus
from easymaker_local.services.analysis import analyse
from tests.domain.test_search_space import listed, ranged, spec
from tests.domain.test_tuning import trial

T = TrialStatus


def tried(number: int, value: float | None, status: TrialStatus = T.SUCCEEDED, **parameters: str) -> Trial:
    return trial(number, status, *([] if value is None else [value]), parameters=parameters)


def test_history_and_best_so_far() -> None:
    """HP-40: of all trials with a value, early stopped ones too; of a maximum the largest."""
    found = [
        tried(1, 3.0, lr="0.1"), tried(2, None, T.METRICS_UNAVAILABLE, lr="0.2"), tried(3, 5.0, T.EARLY_STOPPED, lr="0.3"),
        tried(4, 1.0, lr="0.4"), tried(5, 9.0, T.KILLED, lr="0.5"), tried(6, 2.0, T.RUNNING, lr="0.6"), tried(7, 2.0, lr="0.7"),
    ]  # fmt: skip
    lowest = analyse(spec(ranged("double", 0, 1), objectiveTypeCode="MINIMIZE"), found)
    assert [(t.number, v, b) for t, v, b in zip(lowest.trials, lowest.values, lowest.best_values, strict=True)] == [
        (1, 3.0, 3.0), (3, 5.0, 3.0), (4, 1.0, 1.0), (7, 2.0, 1.0),
    ]  # fmt: skip
    highest = analyse(spec(ranged("double", 0, 1), objectiveTypeCode="MAXIMIZE"), found)
    assert list(highest.best_values) == [3.0, 5.0, 5.0, 5.0]


def test_what_matters_is_important_and_the_rest_is_not() -> None:
    of = spec(
        ranged("double", 0, 1, name="lr"), ranged("int", 1, 100, name="noise"), listed("categorical", "a, b", "kind"),
        tuningStrategyName="RANDOM",
    )  # fmt: skip
    found = [
        tried(n, abs((n * 37 % 100) / 100 - 0.3), lr=str((n * 37 % 100) / 100), noise=str(1 + n * 59 % 100), kind="ab"[n % 2])
        for n in range(1, 61)
    ]
    shown = analyse(of, found)
    assert shown.note is None
    assert sum(shown.importance.values()) == pytest.approx(1)
    assert max(shown.importance, key=lambda name: shown.importance[name]) == "lr"
    assert analyse(of, found).importance == shown.importance


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0, 1.0]])
def test_without_differences_there_is_no_importance_and_it_says_so(values: list[float]) -> None:
    shown = analyse(spec(ranged("double", 0, 1)), [tried(n, value, lr="0.5") for n, value in enumerate(values, 1)])
    assert shown.importance == {}
    assert shown.note == "Importance needs trials with different values."


@given(
    st.lists(st.tuples(st.floats(-1e300, 1e300), st.sampled_from("abc"), st.integers(1, 3)), min_size=2, max_size=12),
)  # fmt: skip
def test_any_trials_can_be_looked_at(rows: list[tuple[float, str, int]]) -> None:
    """Few trials, extreme values, parameters that never change."""
    of = spec(
        listed("categorical", "a, b, c", "kind"), ranged("int", 1, 3, name="size"), ranged("double", 1, 1, name="fixed"),
        tuningStrategyName="RANDOM",
    )  # fmt: skip
    found = [tried(n, value, kind=kind, size=str(size), fixed="1") for n, (value, kind, size) in enumerate(rows, 1)]
    shown = analyse(of, found)
    assert len(shown.best_values) == len(rows)
    assert all(0 <= importance <= 1.0001 for importance in shown.importance.values())
