"""What the API shows of calls: figures, by stage, model and API, and over time (GW-05, DB-08)."""

from __future__ import annotations

from collections.abc import Callable

from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.domain.api_statistics import METHODS, Calls, total
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.api_statistics import EndpointCalls, Statistics, Top
from easymaker_local.store.api_statistics import Counter
from easymaker_local.store.serving_names import Names

DELETED = "DELETED"
"""Status of what was called and is not there any more."""


class StatusClassView(Wire):
    """Calls by class of their status: 2xx, 4xx, …; a class below 100 is a call that got no answer."""

    status_class: str
    call_count: int


class CallsView(Wire):
    """Calls, their successes (below 400) and failures, and how long they took in ms; null where nothing was measured."""

    call_count: int
    success_count: int
    failure_count: int
    status_class_list: list[StatusClassView]
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None


def _figures(calls: Calls) -> CallsView:
    return CallsView(
        call_count=calls.count, success_count=calls.successes, failure_count=calls.failures,
        status_class_list=[
            StatusClassView(status_class=name, call_count=count) for name, count in sorted(calls.classes.items())
        ],
        mean_ms=_rounded(calls.mean_ms), p50_ms=_rounded(calls.percentile(0.5)), p90_ms=_rounded(calls.percentile(0.9)),
        p99_ms=_rounded(calls.percentile(0.99)),
    )  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


class StageCallsView(Wire):
    """A stage's calls; of a deleted one with the name that it had."""

    endpoint_stage_id: str
    endpoint_stage_name: str
    endpoint_stage_status_code: str
    calls: CallsView


class ModelCallsView(StageCallsView):
    """A model's calls on a stage. Without ``modelId``: calls in which no model is meant, or an unknown one."""

    model_id: str | None
    model_name: str | None
    model_status_code: str | None


class ApiCallsView(ModelCallsView):
    """Calls of one API of a model on a stage. ``method`` is null for what is no single API of the protocol."""

    api: str
    method: str | None


class StepView(Wire):
    """Calls in one step of time; steps without any are left out."""

    datetime: str
    calls: CallsView


class ApiStatisticsView(Wire):
    """Calls in a period, by stage, model and API, most calls first, and over time.

    ``collectedDatetime``: when the gateway was asked last; null if it has not answered since the daemon's start.
    """

    from_datetime: str
    to_datetime: str
    step_seconds: int
    collected_datetime: str | None
    total: CallsView
    stage_list: list[StageCallsView]
    model_list: list[ModelCallsView]
    api_list: list[ApiCallsView]
    step_list: list[StepView]

    @classmethod
    def of(cls, found: Statistics) -> ApiStatisticsView:
        """Show statistics."""
        return cls(
            from_datetime=to_iso(found.begin), to_datetime=to_iso(found.end), step_seconds=found.step_seconds,
            collected_datetime=_moment(found.collected_at), total=_figures(found.total),
            stage_list=[
                StageCallsView(**_stage(counter, found.names), calls=_figures(calls))
                for counter, calls in _grouped(found, lambda c: (c.stage_id,))
            ],
            model_list=[
                ModelCallsView(**_stage(counter, found.names), **_model(counter, found.names), calls=_figures(calls))
                for counter, calls in _grouped(found, lambda c: (c.stage_id, c.model_id))
            ],
            api_list=[
                ApiCallsView(
                    **_stage(counter, found.names), **_model(counter, found.names), api=counter.api,
                    method=METHODS.get(counter.api), calls=_figures(calls),
                )
                for counter, calls in found.counters.items()
            ],
            step_list=[StepView(datetime=to_iso(at), calls=_figures(calls)) for at, calls in found.course.items()],
        )  # fmt: skip


def _grouped(found: Statistics, key: Callable[[Counter], tuple[str, ...]]) -> list[tuple[Counter, Calls]]:
    """Return one counter of each group with the sum of its calls, most calls first."""
    groups: dict[tuple[str, ...], list[Counter]] = {}
    for counter in found.counters:
        groups.setdefault(key(counter), []).append(counter)
    sums = [(counters[0], total(found.counters[counter] for counter in counters)) for counters in groups.values()]
    return sorted(sums, key=lambda each: -each[1].count)


def _stage(counter: Counter, names: Names) -> dict[str, str]:
    stage = names.stages.get(counter.stage_id)
    return {
        "endpoint_stage_id": counter.stage_id, "endpoint_stage_name": counter.stage_name if stage is None else stage.name,
        "endpoint_stage_status_code": DELETED if stage is None else stage.status,
    }  # fmt: skip


def _model(counter: Counter, names: Names) -> dict[str, str | None]:
    if not counter.model_id:
        return {"model_id": None, "model_name": None, "model_status_code": None}
    model = names.models.get(counter.model_id)
    return {
        "model_id": counter.model_id, "model_name": counter.model_name if model is None else model.name,
        "model_status_code": DELETED if model is None else model.status,
    }  # fmt: skip


def _moment(at: float | None) -> str | None:
    return None if at is None else to_iso(at)


class ApiStatisticsAnswer(Envelope):
    """Calls of an endpoint or a stage."""

    api_statistics: ApiStatisticsView


class TopEndpointView(Wire):
    """An endpoint with its calls, summed over all of its stages."""

    endpoint_id: str
    endpoint_name: str
    endpoint_status_code: str
    calls: CallsView

    @classmethod
    def of(cls, found: EndpointCalls) -> TopEndpointView:
        """Show an endpoint."""
        return cls(
            endpoint_id=found.endpoint_id, endpoint_name=found.name, endpoint_status_code=found.status,
            calls=_figures(found.calls),
        )  # fmt: skip


class TopView(Wire):
    """The endpoints with the most calls in a period, ties by name."""

    from_datetime: str
    to_datetime: str
    collected_datetime: str | None
    endpoint_list: list[TopEndpointView]

    @classmethod
    def of(cls, found: Top) -> TopView:
        """Show them."""
        return cls(
            from_datetime=to_iso(found.begin), to_datetime=to_iso(found.end), collected_datetime=_moment(found.collected_at),
            endpoint_list=[TopEndpointView.of(each) for each in found.endpoints],
        )  # fmt: skip


class TopAnswer(Envelope):
    """The endpoints that are called most."""

    api_statistics: TopView
