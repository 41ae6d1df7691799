"""The appliance's figures in Prometheus' text format, by its own client library."""

from __future__ import annotations

from collections import Counter

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Gauge, generate_latest

from easymaker_local import __version__
from easymaker_local.api.prometheus_calls import ApiCalls
from easymaker_local.domain.ledger import NOTHING
from easymaker_local.services.services import Services
from easymaker_local.store import ledger, models, trainings, tunings
from easymaker_local.store.metrics import MACHINE

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_MEASURES = {
    "cpu": ("cpu_cores", "Cores in use."),
    "memory_bytes": ("memory_bytes", "Memory in use."),
    "disk_read": ("disk_read_bytes_per_second", "Read from disks."),
    "disk_written": ("disk_written_bytes_per_second", "Written to disks."),
    "network_received": ("network_received_bytes_per_second", "Received from networks."),
    "network_sent": ("network_sent_bytes_per_second", "Sent to networks."),
    "gpu": ("gpu_utilization", "Use of the GPUs, from 0 to 1."),
    "gpu_memory_bytes": ("gpu_memory_bytes", "Memory of GPUs in use."),
}


async def exposition(services: Services) -> str:
    """Return every figure; names begin with ``easymaker_``, units are base units."""
    context = services.context
    registry = CollectorRegistry()

    def gauge(name: str, help_: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"easymaker_{name}", help_, labels, registry=registry)

    gauge("info", "The appliance.", ("version", "driver")).labels(__version__, context.driver.name).set(1)
    held = sum((b.amount for b in await context.store.read(ledger.booked)), NOTHING)
    gauge("capacity_vcpus", "vCPUs that are promised to jobs at most.").set(context.capacity.cpu_milli / 1000)
    gauge("capacity_memory_bytes", "Memory that is promised to jobs at most.").set(context.capacity.memory_mib << 20)
    gauge("booked_vcpus", "vCPUs that jobs hold.").set(held.cpu_milli / 1000)
    gauge("booked_memory_bytes", "Memory that jobs hold.").set(held.memory_mib << 20)
    gauge("queue_length", "Jobs that wait for resources.").set(await context.store.read(ledger.length))
    by_status: Counter[str] = await context.store.read(trainings.count_by_status)
    of_trainings = gauge("trainings", "Trainings that exist, without trials.", ("status",))
    for status, count in by_status.items():
        of_trainings.labels(status).set(count)
    of_tunings = gauge("tunings", "Hyperparameter tunings that exist.", ("status",))
    for status, count in (await context.store.read(tunings.count_by_status)).items():
        of_tunings.labels(status).set(count)
    of_models = gauge("models", "Models that exist.", ("status",))
    for status, count in (await context.store.read(models.count_by_status)).items():
        of_models.labels(status).set(count)
    latest = await services.monitoring.latest()
    for measure, (name, help_) in _MEASURES.items():
        values = {key: value for key, point in latest.items() if (value := getattr(point.sample, measure)) is not None}
        if MACHINE in values:  # a gauge that nobody sets would say 0
            gauge(f"machine_{name}", f"{help_} The whole machine.").set(values.pop(MACHINE))
        workload = gauge(f"workload_{name}", help_, ("kind", "id", "member"))
        for key, value in values.items():
            workload.labels(*key).set(value)
    registry.register(ApiCalls(await services.api_statistics.ever()))
    return generate_latest(registry).decode()
