"""What answers carry, as far as callers read it. ``api/models.py`` decides; ``tests/client`` holds the two together."""

from __future__ import annotations

from typing import Any, TypedDict


class System(TypedDict):
    """The appliance."""

    version: str
    driver: str
    pid: int
    startedDatetime: str
    tenantId: str
    userId: str
    vcpus: float
    memoryMib: int
    bookedVcpus: float
    bookedMemoryMib: int
    unfinishedTrainings: int
    endpointCount: int
    modelServerCount: int


class Login(TypedDict):
    """A one-time link, below the API's address."""

    path: str
    expiresDatetime: str


class WebLogin(TypedDict):
    """A one-time link to a page at the gateway's port, and its address for good."""

    accessUri: str
    loginUri: str
    expiresDatetime: str


class Flavor(TypedDict):
    """An instance type; ``ram``, and ``gpuMemory`` of one GPU, in MiB."""

    id: str
    name: str
    vcpus: int
    ram: int
    gpuCount: int
    gpuMemory: int
    gpuModel: str | None
    coreTypeCode: str


class Image(TypedDict):
    """A row of the catalogue."""

    imageId: str
    imageName: str
    description: str
    groupTypeCode: str
    coreTypeCode: str
    frameworkCode: str
    frameworkVersion: str
    pythonVersion: str
    address: str | None


class Preparation(TypedDict):
    """Whether an image's environment is prepared; ``progress`` while it is being prepared, ``error`` if that failed."""

    imageId: str
    isReady: bool
    progress: str | None
    error: str | None


class Experiment(TypedDict):
    """A group of trainings."""

    experimentId: str
    experimentName: str
    experimentStatusCode: str
    description: str | None
    createdDatetime: str
    statusMessage: str | None


class Reason(TypedDict):
    """Why it waits or why it ended."""

    code: str
    message: str


class ModelReference(TypedDict):
    """A model where something else refers to it; ``formatCode`` None: its record cannot be read."""

    modelId: str
    modelName: str
    modelStatusCode: str
    formatCode: str | None


class Job(TypedDict):
    """What trainings and tunings have in common."""

    statusReason: Reason | None
    description: str | None
    createdDatetime: str
    startedDatetime: str | None
    finishedDatetime: str | None
    experiment: Experiment | None
    instanceCount: int
    useTorchrun: bool
    useLog: bool
    nprocPerNode: int
    sourceDirUri: str | None
    entryPoint: str | None
    modelUploadUri: str
    checkPointInputUri: str | None
    checkPointUploadUri: str | None
    timeoutMinutes: int
    elapsedTimeSeconds: int
    datasetList: list[dict[str, str]]
    flavor: Flavor
    image: Image | None
    dataStorageList: list[dict[str, int]]
    dataStorageEnforcement: str
    modelList: list[ModelReference]
    tagList: list[dict[str, str]]
    isFinished: bool
    isStoppable: bool


class Training(Job):
    """A training; the id of its tuning if it is a trial."""

    trainingId: str
    trainingName: str
    trainingStatusCode: str
    hyperparameterList: list[dict[str, str]]
    hyperparameterTuningId: str | None


class HyperparameterSpec(TypedDict):
    """A hyperparameter and what it may be: a range, or values separated by commas."""

    hyperparameterName: str
    hyperparameterTypeCode: str
    hyperparameterMinValue: str | None
    hyperparameterMaxValue: str | None
    hyperparameterStep: str | None
    hyperparameterSpecifiedValues: str | None


class TrialMetric(TypedDict):
    """What the values of a metric come to."""

    trialMetricName: str
    trialMetricMinValue: str
    trialMetricMaxValue: str
    trialMetricLatestValue: str
    count: int


class Trial(TypedDict):
    """A trial; its id is that of its training."""

    trialId: str
    trialName: str
    trialStatusCode: str
    hyperparameterTuningId: str
    hyperparameterList: list[dict[str, str]]
    trialMetricList: list[TrialMetric]
    number: int
    objectiveValue: float | None
    statusReason: Reason | None
    createdDatetime: str
    startedDatetime: str | None
    finishedDatetime: str | None
    elapsedTimeSeconds: int
    modelUploadUri: str | None
    modelList: list[ModelReference]


class Tuning(Job):
    """A hyperparameter tuning; ``hyperparameterTuningStatusReason`` of a complete one says how it came to its end."""

    hyperparameterTuningId: str
    hyperparameterTuningName: str
    hyperparameterTuningStatusCode: str
    hyperparameterTuningStatusReason: str | None
    hyperparameterSpecList: list[HyperparameterSpec]
    metricList: list[dict[str, str]]
    metricRegex: str | None
    objectiveMetricName: str | None
    objectiveTypeCode: str | None
    objectiveGoal: float | None
    maxFailedTrialCount: int | None
    maxTrialCount: int | None
    parallelTrialCount: int
    tuningStrategyName: str | None
    tuningStrategyRandomState: int | None
    earlyStoppingAlgorithm: str | None
    earlyStoppingMinTrialCount: int | None
    earlyStoppingStartStep: int | None
    successfulTrialCount: int
    runningTrialCount: int
    failedTrialCount: int
    createdTrialCount: int
    killedTrialCount: int
    earlyStoppedTrialCount: int
    optimalTrial: Trial | None
    gridSize: int | None
    warningList: list[str]


class Point(TypedDict):
    """A value of a metric; ``step`` counts from 0."""

    step: int
    value: float
    datetime: str


class TrainingMetricPoint(TypedDict):
    """What a training logged at a step; None if it is no finite number."""

    step: int
    value: float | None
    datetime: str


class TrainingMetric(TypedDict):
    """What a training logged under a name, by step; ``pointCount`` may be more than there are in the list."""

    metricName: str
    pointList: list[TrainingMetricPoint]
    pointCount: int


class History(TypedDict):
    """A trial with a value, and the best value of all trials until then."""

    trialId: str
    number: int
    value: float
    bestValue: float


class Importance(TypedDict):
    """How much of the differences between values a hyperparameter explains; all together are 1."""

    hyperparameterName: str
    importance: float


class Analysis(TypedDict):
    """What a tuning has found out. ``importanceNote``: why there is no importance yet."""

    historyList: list[History]
    importanceList: list[Importance]
    importanceNote: str | None


class Model(ModelReference):
    """A model with what it came from; values of secret parameters are masked."""

    statusReason: Reason | None
    description: str | None
    createdDatetime: str
    frameworkVersion: str | None
    modelUploadUri: str | None
    revision: str | None
    training: dict[str, str] | None
    hyperparameterTuning: dict[str, str] | None
    trial: dict[str, str] | None
    parameterList: list[dict[str, str]]
    tagList: list[dict[str, str]]
    fileCount: int | None
    totalBytes: int | None
    endpointList: list[dict[str, str]]
    isFinished: bool


class ModelFile(TypedDict):
    """A file of an artifact."""

    path: str
    bytes: int
    sha256: str


class Tensor(TypedDict):
    """An input or output of a signature."""

    name: str
    dtype: str
    shape: list[int] | None


class Signature(TypedDict):
    """A function of a SavedModel."""

    signatureName: str
    inputList: list[Tensor]
    outputList: list[Tensor]


class Examination(TypedDict):
    """What was found in an artifact; of the last four, that of its format."""

    fileList: list[ModelFile]
    totalBytes: int
    problemList: list[str]
    remarkList: list[str]
    savedModel: dict[str, Any] | None
    torch: dict[str, Any] | None
    sklearn: dict[str, Any] | None
    huggingFace: dict[str, Any] | None


class TrainingTemplate(TypedDict):
    """A template; what it does not hold is None. ``problem``: its record cannot be read."""

    trainingTemplateId: str
    trainingTemplateName: str
    description: str | None
    createdDatetime: str
    changedDatetime: str
    problem: Reason | None
    experimentId: str | None
    imageId: str | None
    flavorId: str | None
    instanceCount: int | None
    useTorchrun: bool | None
    nprocPerNode: int | None
    useLog: bool | None
    sourceDirUri: str | None
    entryPoint: str | None
    modelUploadUri: str | None
    checkPointInputUri: str | None
    checkPointUploadUri: str | None
    timeoutMinutes: int | None
    dataStorageSize: int | None
    datasetList: list[dict[str, str]] | None
    hyperparameterList: list[dict[str, str]] | None
    tagList: list[dict[str, str]] | None


class FieldFault(TypedDict):
    """A field and what is wrong with it."""

    field: str
    message: str


class SavedTrainingTemplate(TypedDict):
    """A template as it is stored now, and what would be refused if it were used."""

    trainingTemplate: TrainingTemplate
    warningList: list[FieldFault]


class UnresolvedField(TypedDict):
    """A reference of a template that leads nowhere."""

    field: str
    value: str
    message: str


class TrainingTemplateValues(TypedDict):
    """A part of a creation body, and what of the template was left out of it."""

    values: dict[str, Any]
    unresolvedFieldList: list[UnresolvedField]


class MetricCheck(TypedDict):
    """What a metric format finds in a log."""

    metricList: list[dict[str, Any]]
    missingMetricList: list[str]
    lineList: list[dict[str, Any]]
    lineCount: int


class Holding(TypedDict):
    """What one node holds; ``isEnding``: it has ended, only its GPUs are not idle yet."""

    kind: str
    id: str
    name: str
    node: str
    vcpus: float
    memoryMib: int
    gpuUuidList: list[str]
    sinceDatetime: str
    isEnding: bool


class Holder(TypedDict):
    """Who holds what another one waits for."""

    kind: str
    id: str
    name: str


class Waiting(TypedDict):
    """What waits in the queue; amounts are those of all nodes."""

    position: int
    kind: str
    id: str
    name: str
    vcpus: float
    memoryMib: int
    gpuCount: int
    gpuModel: str | None
    instanceCount: int
    sinceDatetime: str
    reason: Reason | None
    heldByList: list[Holder]


class Queue(TypedDict):
    """What runs and what waits, in order, or the beginning of it; the count is of all that waits."""

    runningList: list[Holding]
    waitingList: list[Waiting]
    waitingCount: int


class GpuProcess(TypedDict):
    """A process on a GPU."""

    pid: int
    name: str
    memoryMib: int | None


class Gpu(TypedDict):
    """A GPU; ``stateCode`` FREE, BOOKED, IN_USE (by somebody else) or UNAVAILABLE."""

    uuid: str
    index: str
    model: str
    memoryMib: int
    usedMemoryMib: int
    stateCode: str
    message: str | None
    bookedBy: Holding | None
    processList: list[GpuProcess]


class Machine(TypedDict):
    """What there is to give."""

    vcpus: float
    bookedVcpus: float
    freeVcpus: float
    memoryMib: int
    bookedMemoryMib: int
    freeMemoryMib: int
    diskBytes: int
    freeDiskBytes: int
    gpuList: list[Gpu]
    gpuError: str | None
    queueLength: int


class Event(TypedDict):
    """A line of a resource's history."""

    eventId: int
    datetime: str
    type: str
    statusCode: str | None
    reason: Reason | None
    message: str | None


class Log(TypedDict):
    """A piece of a log; go on at ``nextOffset`` until ``isComplete``."""

    node: int
    offset: int
    nextOffset: int
    content: str
    isComplete: bool


class LogEntry(TypedDict):
    """An entry of the log store; fields that it has not are None."""

    logId: int
    time: str
    body: str
    logLevel: str
    category: str | None
    logType: str
    trainingId: str | None
    hyperparameterTuningId: str | None
    endpointId: str | None
    batchInferenceId: str | None
    pipelineRunId: str | None
    node: str | None
    fields: dict[str, Any]


class LogPage(TypedDict):
    """A page of a search."""

    logList: list[LogEntry]
    nextCursor: int | None
    hasMore: bool
    latestCursor: int


class ContainerAccess(TypedDict):
    """What the system account may do in a bucket."""

    containerName: str
    readAcl: str | None
    writeAcl: str | None
    isReadable: bool
    isWritable: bool


class AccessOverview(TypedDict):
    """The system account and all buckets."""

    systemAccount: str
    containerAccessList: list[ContainerAccess]


class StoredObject(TypedDict):
    """A file or folder in storage."""

    name: str
    size: int
    isDirectory: bool
    modifiedDatetime: str


class Sample(TypedDict):
    """Use in one step of time: cores, bytes, bytes per second; None: not known."""

    datetime: str
    cpu: float | None
    memoryBytes: int | None
    processes: int | None
    diskReadBytesPerSecond: float | None
    diskWrittenBytesPerSecond: float | None
    networkReceivedBytesPerSecond: float | None
    networkSentBytesPerSecond: float | None
    gpu: float | None
    gpuMemoryBytes: int | None


class Member(TypedDict):
    """Samples of one node, oldest first."""

    member: str
    sampleList: list[Sample]


class Peak(TypedDict):
    """The highest use of one node."""

    member: str
    memoryBytes: int | None
    cpu: float | None


class Monitoring(TypedDict):
    """Use over a range of time."""

    fromDatetime: str
    toDatetime: str
    stepSeconds: int
    memberList: list[Member]
    peakList: list[Peak]


class PodUse(TypedDict):
    """Use of one pod of a stage; ``current`` None: it does not run."""

    resourceId: str
    modelName: str | None
    number: int
    current: Sample | None
    peakMemoryBytes: int | None
    peakCpu: float | None
    sampleList: list[Sample]


class StageTotal(TypedDict):
    """What all pods of a stage used in one step, and how many there were."""

    podCount: int
    sample: Sample


class StageMonitoring(TypedDict):
    """Use of a stage over a range of time."""

    fromDatetime: str
    toDatetime: str
    stepSeconds: int
    podList: list[PodUse]
    totalList: list[StageTotal]


class Current(TypedDict):
    """The newest sample of one node, or of the machine."""

    kind: str
    resourceId: str
    name: str | None
    member: str
    sample: Sample


class StatusClass(TypedDict):
    """Calls by class of status: 2xx, 4xx, …"""

    statusClass: str
    callCount: int


class Calls(TypedDict):
    """Calls with their ends, and how long they took in ms."""

    callCount: int
    successCount: int
    failureCount: int
    statusClassList: list[StatusClass]
    meanMs: float | None
    p50Ms: float | None
    p90Ms: float | None
    p99Ms: float | None


class StageCalls(TypedDict):
    """Calls of a stage."""

    endpointStageId: str
    endpointStageName: str
    endpointStageStatusCode: str
    calls: Calls


class ModelCalls(StageCalls):
    """Calls of a model on a stage; without an id: of none."""

    modelId: str | None
    modelName: str | None
    modelStatusCode: str | None


class ApiCalls(ModelCalls):
    """Calls of one API."""

    api: str
    method: str | None


class StepCalls(TypedDict):
    """Calls in one step of time."""

    datetime: str
    calls: Calls


class ApiStatistics(TypedDict):
    """Calls of an endpoint or a stage in a period."""

    fromDatetime: str
    toDatetime: str
    stepSeconds: int
    collectedDatetime: str | None
    total: Calls
    stageList: list[StageCalls]
    modelList: list[ModelCalls]
    apiList: list[ApiCalls]
    stepList: list[StepCalls]


class TopEndpoint(TypedDict):
    """An endpoint with its calls over all stages."""

    endpointId: str
    endpointName: str
    endpointStatusCode: str
    calls: Calls


class TopEndpoints(TypedDict):
    """Endpoints with the most calls in a period first."""

    fromDatetime: str
    toDatetime: str
    collectedDatetime: str | None
    endpointList: list[TopEndpoint]


class Reference(TypedDict):
    """A resource of any kind, by the name of its kind in paths."""

    kind: str
    resourceId: str
    name: str


class Found(Reference):
    """What a search found; ``parent``: an experiment, or a stage's endpoint."""

    statusCode: str | None
    createdDatetime: str | None
    parentKind: str | None
    parentId: str | None
    parentName: str | None


class ServiceUsage(TypedDict):
    """Trainings and tunings that are COMPLETE, endpoints that are ACTIVE."""

    trainingCount: int
    hyperparameterTuningCount: int
    endpointCount: int


class ResourceUse(Reference):
    """What runs, and how much it uses of what it has: 1 is all of it. ``endpoint`` is that of a pod."""

    flavorId: str
    flavorName: str
    current: float
    peak: float | None
    owner: Reference
    endpoint: Reference | None


class Failure(Reference):
    """A resource in a failed status, since when, and why."""

    statusCode: str
    datetime: str
    reasonCode: str | None
    message: str | None
    parent: Reference | None


class Dashboard(TypedDict):
    """How everything stands; the highest use and the newest failure come first."""

    serviceUsage: ServiceUsage
    topCpuList: list[ResourceUse]
    topGpuList: list[ResourceUse]
    failureList: list[Failure]


class DiskEntry(TypedDict):
    """Something on the disk; bytes."""

    kind: str
    name: str
    place: str
    bytes: int
    reclaimableReason: str | None


class Disk(TypedDict):
    """What takes the disk; bytes."""

    totalBytes: int
    freeBytes: int
    entryList: list[DiskEntry]


class Kept(TypedDict):
    """What could not be removed, and why."""

    place: str
    message: str


class Reclaimed(TypedDict):
    """What was freed, and what was not."""

    freedList: list[DiskEntry]
    keptList: list[Kept]


Body = dict[str, Any]
"""A creation body: wire names, checked by the daemon."""
