"""What answers about endpoints, stages and stage resources carry, as far as callers read it; see ``shapes``."""

from __future__ import annotations

from typing import Any, TypedDict

from easymaker_local.client.shapes import Flavor, ModelReference, Reason


class Amounts(TypedDict):
    """Quantities, as ``1.5``, ``2048Mi``, ``1``."""

    cpu: str
    memory: str
    gpu: str


class StageResource(TypedDict):
    """A model on a stage; ``resourceOptionDetail`` None: its record cannot be read."""

    endpointModelId: str
    endpointModelStatusCode: str
    statusReason: Reason | None
    description: str | None
    createdDatetime: str | None
    endpointId: str
    endpointName: str
    endpointStageId: str
    modelId: str
    model: ModelReference
    podCount: int
    runningPodCount: int
    isAsleep: bool
    resourceOptionDetail: Amounts | None
    podAutoScaler: dict[str, Any] | None
    apigwResourceUri: str
    apigwEndpointUri: str
    warningList: list[str]
    isFinished: bool


class Stage(TypedDict):
    """A stage of an endpoint; URLs have no scheme."""

    endpointStageId: str
    endpointStageName: str
    endpointStageStatusCode: str
    statusReason: Reason | None
    description: str | None
    createdDatetime: str | None
    endpointId: str
    endpointName: str
    apigwStageUrl: str
    apigwDefaultStageUrl: str | None
    deployStatus: str | None
    deployMessage: str | None
    useLog: bool
    flavor: Flavor
    autoScaler: dict[str, Any] | None
    nodeCount: int
    wantedNodeCount: int
    isClusterLatest: bool
    expiredDatetime: str | None
    isDefaultStage: bool
    isDefaultStageCandidate: bool
    podCount: int
    runningPodCount: int
    endpointModelList: list[StageResource]
    tagList: list[dict[str, str]]
    isFinished: bool


class Endpoint(TypedDict):
    """An endpoint with its stages, oldest first."""

    endpointId: str
    endpointName: str
    endpointStatusCode: str
    statusReason: Reason | None
    description: str | None
    createdDatetime: str | None
    apigwDefaultStageUrl: str
    deployStatus: str | None
    apiKeyEnable: bool
    isClusterLatest: bool
    expiredDatetime: str | None
    defaultStageChange: dict[str, Any] | None
    endpointStageList: list[Stage]
    tagList: list[dict[str, str]]
    isFinished: bool


class CreatedEndpoint(TypedDict):
    """A new endpoint, and the key that calls need, if they do."""

    endpoint: Endpoint
    apiKey: str | None


class Pod(TypedDict):
    """A model server of a stage."""

    podId: str
    podStatusCode: str
    number: int
    endpointModelId: str
    modelName: str | None
    nodeName: str | None
    gpuUuidList: list[str]
    restartCount: int
    createdDatetime: str
    readyDatetime: str | None
    loadSeconds: float | None
    message: str | None


class PodLog(TypedDict):
    """What a model server has written, of a pod that may be GONE."""

    podId: str
    podStatusCode: str
    modelName: str | None
    logSize: int
    writtenDatetime: str


class PodLogPiece(TypedDict):
    """A piece of it; go on at ``nextOffset`` until ``isComplete``."""

    offset: int
    nextOffset: int
    content: str
    isComplete: bool


class Deployment(TypedDict):
    """How the gateway has a stage."""

    deployStatus: str | None
    version: int
    message: str | None
    deployedDatetime: str | None


class UserGatewayResource(TypedDict):
    """A path below the stage's URL that a user has added."""

    resourceName: str
    resourcePath: str
    methodList: list[str]
    modelId: str | None
    rewritePath: str


class GatewayRoute(TypedDict):
    """A path below the stage's URL."""

    resourcePath: str
    methodList: list[str]
    modelName: str | None
    backendList: list[str]


class GatewaySettings(TypedDict):
    """What was deployed for a stage."""

    apigwStageUrl: str
    deployment: Deployment
    routeList: list[GatewayRoute]
    cautionList: list[str]


class Fit(TypedDict):
    """Whether something fits now."""

    isFitting: bool
    missing: Amounts
    heldByList: list[dict[str, str]]
    message: str | None


class PreviewedModel(TypedDict):
    """What each pod of a model would get, and what it needed before."""

    modelId: str
    modelName: str
    podCount: int
    resourceOptionDetail: Amounts
    percentageOfUsable: float
    loadSeconds: float | None
    memoryBytes: int | None
    warningList: list[str]


class StagePreview(TypedDict):
    """What a stage would take."""

    flavor: Flavor
    nodeCount: int
    base: Amounts
    usable: Amounts
    demand: Amounts
    fit: Fit
    fitsBesideDefault: bool | None
    modelList: list[PreviewedModel]


class DefaultStagePreview(TypedDict):
    """What a change of the default stage would do."""

    newStage: dict[str, str] | None
    deletedStage: dict[str, str] | None
    isPossible: bool
    refusal: str | None
    needsStopFirst: bool
    fitsBesideDefault: bool
    fit: Fit | None
    waitSeconds: float | None


class Usable(TypedDict):
    """What pods may use of an instance."""

    flavor: Flavor
    base: Amounts
    usable: Amounts
