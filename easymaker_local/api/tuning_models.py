"""What answers about hyperparameter tunings carry (rest-api §6.6), and our additions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from easymaker_local.api.envelope import Envelope, ListAnswer, Wire
from easymaker_local.api.models import (
    BROKEN,
    JobView,
    ModelReference,
    ParameterView,
    StatusReason,
    broken_job_fields,
    iso,
    job_fields,
)
from easymaker_local.domain.experiment import Experiment
from easymaker_local.domain.image import Image
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.search_space import grid_size
from easymaker_local.domain.tensorboard import Scope
from easymaker_local.domain.trial import Metric, Trial, TrialStatus
from easymaker_local.domain.tuning import unavailable
from easymaker_local.domain.tuning_spec import TuningSpec
from easymaker_local.kit.clock import elapsed_seconds
from easymaker_local.services.analysis import Analysis
from easymaker_local.services.context import Context
from easymaker_local.services.tunings import Overview
from easymaker_local.store.metric_points import Point


class HyperparameterSpecView(Wire):
    """HyperparameterSpec (§4)."""

    hyperparameter_name: str
    hyperparameter_type_code: str
    hyperparameter_min_value: str | None
    hyperparameter_max_value: str | None
    hyperparameter_step: str | None
    hyperparameter_specified_values: str | None


class MetricNameView(Wire):
    """Metric (§4)."""

    name: str


class TrialMetricView(Wire):
    """TrialMetric (§4): values as text; ``count`` is ours."""

    trial_metric_name: str
    trial_metric_min_value: str
    trial_metric_max_value: str
    trial_metric_latest_value: str
    count: int

    @classmethod
    def of(cls, name: str, metric: Metric) -> TrialMetricView:
        """Show what the values of a metric come to."""
        return cls(
            trial_metric_name=name, trial_metric_min_value=number_text(metric.minimum),
            trial_metric_max_value=number_text(metric.maximum), trial_metric_latest_value=number_text(metric.latest),
            count=metric.count,
        )  # fmt: skip


class TrialView(Wire):
    """Trial (§4); ours: its number, the value that counts (HP-69), the reason beside the status, and its times.

    ``trialId`` is also the id of its training, under which logs, runs and monitoring are found.
    """

    trial_id: str
    trial_name: str
    trial_status_code: str
    hyperparameter_tuning_id: str
    hyperparameter_list: list[ParameterView]
    trial_metric_list: list[TrialMetricView]
    number: int
    objective_value: float | None
    status_reason: StatusReason | None
    created_datetime: str
    started_datetime: str | None
    finished_datetime: str | None
    elapsed_time_seconds: int
    model_upload_uri: str | None
    model_list: list[ModelReference]

    @classmethod
    def of(cls, trial: Trial, tuning_id: str, spec: TuningSpec | None, models: Sequence[Model], now: float) -> TrialView:
        """Show a trial; ``spec`` is that of its tuning, None if that cannot be read, ``models`` those of the tuning."""
        return cls(
            trial_id=trial.id, trial_name=trial.name, trial_status_code=trial.status, hyperparameter_tuning_id=tuning_id,
            hyperparameter_list=[
                ParameterView(parameter_name=name, parameter_value=text) for name, text in trial.parameters.items()
            ],
            trial_metric_list=[
                TrialMetricView.of(name, trial.metrics[name])
                for name in (sorted(trial.metrics) if spec is None else spec.metric_names) if name in trial.metrics
            ],
            number=trial.number, objective_value=None if spec is None else trial.value(spec),
            status_reason=StatusReason.of(_cause(trial, spec)), created_datetime=iso(trial.created_at) or "",
            started_datetime=iso(trial.started_at), finished_datetime=iso(trial.finished_at),
            elapsed_time_seconds=elapsed_seconds(trial.started_at, trial.finished_at, now),
            model_upload_uri=None if spec is None else spec.place_of_model(trial.id),
            model_list=[ModelReference.of(model) for model in models if model.training_id == trial.id],
        )  # fmt: skip


def _cause(trial: Trial, spec: TuningSpec | None) -> Cause | None:
    training = trial.training_status
    if trial.status is TrialStatus.FAILED and (training is None or not training.is_finished):
        words = "The record of its training cannot be read. Whatever it runs is left alone until the tuning is deleted."
        return Cause(Reason.RECORD_BROKEN, words)
    if trial.status is TrialStatus.METRICS_UNAVAILABLE and spec is not None:
        return Cause(Reason.METRICS_UNAVAILABLE, unavailable(trial, spec))
    if trial.why is not None and trial.status in {TrialStatus.KILLED, TrialStatus.EARLY_STOPPED}:
        return Cause(Reason.ENDED_BY_TUNING, trial.why)
    return trial.cause


class TuningView(JobView):
    """HyperparameterTuning (§6.6); ours: the reason beside the status, and what is known of the search before it ends.

    ``gridSize`` is null without a grid. ``runningTrialCount`` beside ``parallelTrialCount`` is the effective parallelism
    (HP-L02); trials that wait are in ``createdTrialCount``.
    """

    hyperparameter_tuning_id: str
    hyperparameter_tuning_name: str
    hyperparameter_tuning_status_code: str
    hyperparameter_tuning_status_reason: str | None
    hyperparameter_spec_list: list[HyperparameterSpecView]
    metric_list: list[MetricNameView]
    metric_regex: str | None
    objective_metric_name: str | None
    objective_type_code: str | None
    objective_goal: float | None
    max_failed_trial_count: int | None
    max_trial_count: int | None
    parallel_trial_count: int
    tuning_strategy_name: str | None
    tuning_strategy_random_state: int | None
    early_stopping_algorithm: str | None
    early_stopping_min_trial_count: int | None
    early_stopping_start_step: int | None
    successful_trial_count: int
    running_trial_count: int
    failed_trial_count: int
    created_trial_count: int
    killed_trial_count: int
    early_stopped_trial_count: int
    optimal_trial_id: str | None
    optimal_trial: TrialView | None
    grid_size: int | None
    warning_list: list[str]

    @classmethod
    def of(
        cls, overview: Overview, *, image: Image | None, experiment: Experiment | None, models: Sequence[Model],
        context: Context,
    ) -> TuningView:  # fmt: skip
        """Show a tuning; ``models`` are those made from its trials."""
        tuning, counts, best = overview.tuning, overview.counts, overview.best
        spec = tuning.spec
        common = job_fields(tuning, Scope.TUNING, image=image, experiment=experiment, models=models, context=context)
        message = None if tuning.cause is None else tuning.cause.message
        return cls(
            hyperparameter_tuning_id=tuning.id, hyperparameter_tuning_name=tuning.name,
            hyperparameter_tuning_status_code=tuning.status,
            hyperparameter_tuning_status_reason=message if tuning.detail is None else tuning.detail,
            hyperparameter_spec_list=[
                HyperparameterSpecView(
                    hyperparameter_name=one.hyperparameter_name, hyperparameter_type_code=one.hyperparameter_type_code,
                    hyperparameter_min_value=one.hyperparameter_min_value,
                    hyperparameter_max_value=one.hyperparameter_max_value, hyperparameter_step=one.hyperparameter_step,
                    hyperparameter_specified_values=one.hyperparameter_specified_values,
                )
                for one in spec.hyperparameter_spec_list
            ],
            metric_list=[MetricNameView(name=name) for name in spec.metric_names], metric_regex=spec.metric_regex,
            objective_metric_name=spec.objective or None, objective_type_code=spec.objective_type_code,
            objective_goal=spec.objective_goal, max_failed_trial_count=spec.max_failed_trial_count,
            max_trial_count=spec.max_trial_count, parallel_trial_count=spec.parallel_trial_count,
            tuning_strategy_name=spec.tuning_strategy_name, tuning_strategy_random_state=spec.tuning_strategy_random_state,
            early_stopping_algorithm=spec.early_stopping_algorithm,
            early_stopping_min_trial_count=spec.early_stopping_min_trial_count,
            early_stopping_start_step=spec.early_stopping_start_step,
            successful_trial_count=counts[TrialStatus.SUCCEEDED], running_trial_count=counts[TrialStatus.RUNNING],
            failed_trial_count=counts[TrialStatus.FAILED] + counts[TrialStatus.METRICS_UNAVAILABLE],
            created_trial_count=counts[TrialStatus.CREATED], killed_trial_count=counts[TrialStatus.KILLED],
            early_stopped_trial_count=counts[TrialStatus.EARLY_STOPPED],
            optimal_trial_id=None if best is None else best.id,
            optimal_trial=None if best is None else TrialView.of(best, tuning.id, spec, models, context.clock.now()),
            grid_size=grid_size(spec), warning_list=overview.warnings, **common,
        )  # fmt: skip

    @classmethod
    def of_broken(cls, broken: Quarantined, appkey: str) -> TuningView:
        """Show what is known of a tuning whose record cannot be read."""
        return cls(
            hyperparameter_tuning_id=broken.id, hyperparameter_tuning_name=broken.name,
            hyperparameter_tuning_status_code=BROKEN, hyperparameter_tuning_status_reason=str(broken.error),
            hyperparameter_spec_list=[], metric_list=[], metric_regex=None, objective_metric_name=None,
            objective_type_code=None, objective_goal=None, max_failed_trial_count=None, max_trial_count=None,
            parallel_trial_count=0, tuning_strategy_name=None, tuning_strategy_random_state=None,
            early_stopping_algorithm=None, early_stopping_min_trial_count=None, early_stopping_start_step=None,
            successful_trial_count=0, running_trial_count=0, failed_trial_count=0, created_trial_count=0,
            killed_trial_count=0, early_stopped_trial_count=0, optimal_trial_id=None, optimal_trial=None, grid_size=None,
            warning_list=[], **broken_job_fields(broken, appkey),
        )  # fmt: skip


class TuningAnswer(Envelope):
    """One hyperparameter tuning."""

    hyperparameter_tuning: TuningView


class TuningListAnswer(ListAnswer):
    """Hyperparameter tunings."""

    hyperparameter_tuning_list: list[TuningView]


class TrialAnswer(Envelope):
    """One trial."""

    trial: TrialView


class TrialListAnswer(Envelope):
    """Trials in the order in which they were made."""

    trial_list: list[TrialView]


class PointView(Wire):
    """A value: ``step`` counts from 0 in the order of appearance, ``datetime`` is when it was seen."""

    step: int
    value: float
    datetime: str


class PointListAnswer(Envelope):
    """Values of a metric in their order; ``nextStep`` asks for the next ones, null if there are none now."""

    point_list: list[PointView]
    next_step: int | None

    @classmethod
    def of(cls, points: list[Point], limit: int) -> PointListAnswer:
        """Show the values that were asked for."""
        views = [PointView(step=point.step, value=point.value, datetime=iso(point.at) or "") for point in points]
        return cls(point_list=views, next_step=points[-1].step + 1 if len(points) == limit else None)


class HistoryView(Wire):
    """A trial with a value, and the best value of all trials until then."""

    trial_id: str
    number: int
    value: float
    best_value: float


class ImportanceView(Wire):
    """How much of the differences between values a hyperparameter explains; all together are 1."""

    hyperparameter_name: str
    importance: float


class ParallelCoordinateView(Wire):
    """A line of the diagram: the values of a trial's hyperparameters and its objective's."""

    trial_id: str
    number: int
    hyperparameter_list: list[ParameterView]
    value: float


class AnalysisView(Wire):
    """What a tuning has found out. ``importanceNote``: why there is no importance yet."""

    objective_metric_name: str
    objective_type_code: str
    history_list: list[HistoryView]
    importance_list: list[ImportanceView]
    importance_note: str | None
    parallel_coordinate_list: list[ParallelCoordinateView]


class AnalysisAnswer(Envelope):
    """What a tuning has found out."""

    analysis: AnalysisView

    @classmethod
    def of(cls, found: Analysis) -> AnalysisAnswer:
        """Show it."""
        best = dict(zip((trial.id for trial in found.trials), found.best_values, strict=True))
        spec = found.spec
        view = AnalysisView(
            objective_metric_name=spec.objective, objective_type_code=spec.objective_type_code or "",
            history_list=[
                HistoryView(trial_id=t.id, number=t.number, value=v, best_value=best[t.id])
                for t, v in zip(found.trials, found.values, strict=True)
            ],
            importance_list=[
                ImportanceView(hyperparameter_name=name, importance=value) for name, value in found.importance.items()
            ],
            importance_note=found.note,
            parallel_coordinate_list=[
                ParallelCoordinateView(
                    trial_id=t.id, number=t.number, value=v,
                    hyperparameter_list=[ParameterView(parameter_name=n, parameter_value=p) for n, p in t.parameters.items()],
                )
                for t, v in zip(found.trials, found.values, strict=True)
            ],
        )  # fmt: skip
        return cls(analysis=view)


def number_text(value: float) -> str:
    """Return a value as people write it: no exponent where none is needed, nothing behind a point that is nought."""
    text = repr(value)
    if "e" in text and abs(Decimal(text).adjusted()) > 15:
        return text
    text = f"{Decimal(text):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
