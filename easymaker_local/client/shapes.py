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


class Flavor(TypedDict):
    """An instance type; ``ram`` in MiB."""

    id: str
    name: str
    vcpus: int
    ram: int
    gpuCount: int
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


class Training(TypedDict):
    """A training."""

    trainingId: str
    trainingName: str
    trainingStatusCode: str
    statusReason: Reason | None
    description: str | None
    createdDatetime: str
    startedDatetime: str | None
    finishedDatetime: str | None
    experiment: Experiment | None
    instanceCount: int
    useTorchrun: bool
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
    hyperparameterList: list[dict[str, str]]
    tagList: list[dict[str, str]]
    isFinished: bool
    isStoppable: bool


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


class ContainerAccess(TypedDict):
    """What the system account may do in a bucket."""

    containerName: str
    readAccessList: str | None
    writeAccessList: str | None
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


Body = dict[str, Any]
"""A creation body: wire names, checked by the daemon."""
