"""The client against a real daemon, and its shapes against the API's models."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from easymaker_local.api import (
    disk,
    endpoint_models,
    endpoint_stage_models,
    envelope,
    model_models,
    models,
    monitoring,
    queue_models,
    stage_models,
    training_metrics,
    training_templates,
    tuning_models,
)
from easymaker_local.client import Client, connect, endpoint_shapes, shapes
from easymaker_local.errors import Conflict, NotFound, StorageError, Unauthorized
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import Appliance

SHAPES = {
    shapes.System: models.SystemView,
    shapes.Flavor: models.FlavorView,
    shapes.Image: models.ImageView,
    shapes.Preparation: models.PreparationView,
    shapes.Experiment: models.ExperimentView,
    shapes.Reason: models.StatusReason,
    shapes.Training: models.TrainingView,
    shapes.Tuning: tuning_models.TuningView,
    shapes.ModelReference: models.ModelReference,
    shapes.Model: model_models.ModelView,
    shapes.ModelFile: model_models.ModelFileView,
    shapes.Tensor: model_models.TensorView,
    shapes.Signature: model_models.SignatureView,
    shapes.Examination: model_models.ExaminationView,
    shapes.HyperparameterSpec: tuning_models.HyperparameterSpecView,
    shapes.Trial: tuning_models.TrialView,
    shapes.TrialMetric: tuning_models.TrialMetricView,
    shapes.Point: tuning_models.PointView,
    shapes.TrainingMetric: training_metrics.TrainingMetricView,
    shapes.TrainingMetricPoint: training_metrics.TrainingMetricPointView,
    shapes.Analysis: tuning_models.AnalysisView,
    shapes.History: tuning_models.HistoryView,
    shapes.Importance: tuning_models.ImportanceView,
    shapes.TrainingTemplate: training_templates.TrainingTemplateView,
    shapes.SavedTrainingTemplate: training_templates.SavedTrainingTemplateAnswer,
    shapes.TrainingTemplateValues: training_templates.TrainingTemplateValuesAnswer,
    shapes.UnresolvedField: training_templates.UnresolvedField,
    shapes.FieldFault: envelope.FieldFault,
    shapes.Queue: queue_models.QueueView,
    shapes.Holding: queue_models.HoldingView,
    shapes.Holder: queue_models.HolderView,
    shapes.Waiting: queue_models.WaitingView,
    shapes.Machine: queue_models.MachineView,
    shapes.Gpu: queue_models.GpuView,
    shapes.GpuProcess: queue_models.GpuProcessView,
    shapes.Event: models.EventView,
    shapes.Log: models.LogView,
    shapes.ContainerAccess: models.ContainerAccessView,
    shapes.StoredObject: models.ObjectView,
    shapes.Sample: monitoring.SampleView,
    shapes.Member: monitoring.MemberView,
    shapes.Peak: monitoring.PeakView,
    shapes.Monitoring: monitoring.MonitoringView,
    shapes.Current: monitoring.CurrentView,
    shapes.DiskEntry: disk.DiskEntryView,
    shapes.Disk: disk.DiskView,
    shapes.Kept: disk.KeptView,
    shapes.Reclaimed: disk.ReclaimedView,
    endpoint_shapes.Amounts: endpoint_stage_models.AmountView,
    endpoint_shapes.StageResource: endpoint_stage_models.EndpointModelView,
    endpoint_shapes.Stage: endpoint_stage_models.EndpointStageView,
    endpoint_shapes.Endpoint: endpoint_models.EndpointView,
    endpoint_shapes.CreatedEndpoint: endpoint_models.CreatedEndpointAnswer,
    endpoint_shapes.Pod: stage_models.PodView,
    endpoint_shapes.Deployment: stage_models.DeploymentView,
    endpoint_shapes.GatewayRoute: stage_models.GatewayRouteView,
    endpoint_shapes.GatewaySettings: stage_models.GatewaySettingsView,
    endpoint_shapes.Fit: stage_models.FitView,
    endpoint_shapes.PreviewedModel: stage_models.PreviewedModelView,
    endpoint_shapes.StagePreview: stage_models.StagePreviewView,
    endpoint_shapes.DefaultStagePreview: stage_models.DefaultStagePreviewView,
    endpoint_shapes.Usable: stage_models.UsableView,
}


@pytest.mark.parametrize("shape", list(SHAPES), ids=lambda shape: shape.__name__)
def test_shapes_promise_nothing_that_answers_do_not_carry(shape: Any) -> None:
    sent = {to_camel(name) for name in SHAPES[shape].model_fields}
    assert set(shape.__annotations__) <= sent


def test_a_wrong_token_is_named_as_such(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EM_TOKEN", "wrong")
    elsewhere = settings.model_copy(update={"home": settings.home / "elsewhere"})
    with connect(elsewhere) as client, pytest.raises(Unauthorized, match="token is wrong"):
        client.system()


def test_proxies_of_the_environment_are_not_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with connect(settings) as client:
        assert client.system()["driver"] == "process"


def test_experiments_from_creation_to_deletion(client: Client) -> None:
    made = client.create_experiment("life", "of an experiment")
    assert client.experiments("life") == [made]
    with pytest.raises(Conflict):
        client.create_experiment("life")
    changed = client.change_experiment(made["experimentId"], {"experimentName": "afterlife"})
    assert client.experiment(made["experimentId"]) == changed
    statuses = [e["statusCode"] for e in client.experiment_events(made["experimentId"]) if e["statusCode"]]
    assert statuses == ["CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE"]
    client.delete_experiment(made["experimentId"])
    with pytest.raises(NotFound):
        client.experiment(made["experimentId"])


def test_files_of_many_blocks_arrive_unchanged(client: Client, daemon: Appliance) -> None:
    content = secrets.token_bytes((5 << 20) + 1)
    blocks = [content[i : i + (1 << 20)] for i in range(0, len(content), 1 << 20)]
    client.create_container("data")
    uri = daemon.uri("data", "folder with blank/ünï.bin")
    assert client.write_object(uri, blocks)["size"] == len(content)
    with client.read_object(uri) as (length, found):
        assert length == len(content)
        assert b"".join(found) == content


def test_a_large_upload_that_is_refused_says_why(client: Client, daemon: Appliance) -> None:
    blocks = (b"x" * (1 << 20) for _ in range(64))
    with pytest.raises(StorageError, match="no container 'nowhere'"):
        client.write_object(daemon.uri("nowhere", "file"), blocks)
