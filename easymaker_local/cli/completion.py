"""Values for the shell's completion. Where the daemon does not answer there is nothing to offer, and no noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from easymaker_local.errors import EasyMakerError

if TYPE_CHECKING:
    from easymaker_local.client import Client

Offer = tuple[str, str]

# More help nobody; a shell asks before it shows them.
_OFFERS = 100
_NAMES = 1000


def trainings(incomplete: str) -> list[Offer]:
    """Offer ids of trainings."""
    return _offers(incomplete, lambda client: [
        (t["trainingId"], f"{t['trainingName']} {t['trainingStatusCode']}")
        for t in client.trainings(id_prefix=incomplete or None, limit=_OFFERS)
    ])  # fmt: skip


def tunings(incomplete: str) -> list[Offer]:
    """Offer ids of hyperparameter tunings."""
    return _offers(incomplete, lambda client: [
        (t["hyperparameterTuningId"], f"{t['hyperparameterTuningName']} {t['hyperparameterTuningStatusCode']}")
        for t in client.tunings(id_prefix=incomplete or None, limit=_OFFERS)
    ])  # fmt: skip


def models(incomplete: str) -> list[Offer]:
    """Offer ids of models."""
    return _offers(incomplete, lambda client: [
        (m["modelId"], f"{m['modelName']} {m['modelStatusCode']}")
        for m in client.models(id_prefix=incomplete or None, limit=_OFFERS)
    ])  # fmt: skip


def endpoints(incomplete: str) -> list[Offer]:
    """Offer names of endpoints."""
    return _offers(incomplete, lambda client: [
        (e["endpointName"], f"{e['endpointId']} {e['endpointStatusCode']}") for e in client.endpoints(limit=_NAMES)
    ])  # fmt: skip


def stages(incomplete: str) -> list[Offer]:
    """Offer stages as ``ENDPOINT/STAGE``."""
    return _offers(incomplete, lambda client: [
        (f"{s['endpointName']}/{s['endpointStageName']}", f"{s['endpointStageId']} {s['endpointStageStatusCode']}")
        for s in client.stages(limit=_NAMES)
    ])  # fmt: skip


def experiments(incomplete: str) -> list[Offer]:
    """Offer names of experiments."""
    return _offers(
        incomplete, lambda client: [(e["experimentName"], e["experimentId"]) for e in client.experiments(limit=_NAMES)]
    )


def templates(incomplete: str) -> list[Offer]:
    """Offer names of training templates."""
    return _offers(incomplete, lambda client: [
        (t["trainingTemplateName"], t["trainingTemplateId"]) for t in client.training_templates(limit=_NAMES)
    ])  # fmt: skip


def images(incomplete: str) -> list[Offer]:
    """Offer ids of images."""
    return _offers(incomplete, lambda client: [(i["imageId"], i["imageName"]) for i in client.images()])


def flavors(incomplete: str) -> list[Offer]:
    """Offer flavors."""
    return _offers(incomplete, lambda client: [
        (f["name"], f"{f['vcpus']} vCPU, {f['ram'] / 1024:g} GiB") for f in client.flavors()
    ])  # fmt: skip


def _offers(incomplete: str, ask: Callable[[Client], list[Offer]]) -> list[Offer]:
    from easymaker_local.client import connect
    from easymaker_local.settings import load_settings

    try:
        with connect(load_settings()) as client:
            return [offer for offer in ask(client) if offer[0].startswith(incomplete)]
    except EasyMakerError:
        return []
