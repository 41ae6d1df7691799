"""A context on a temporary folder: real store, storage and catalogue, fake clock, driver and environments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.artifacts.storage import Storage
from easymaker_local.controllers.models import ModelController
from easymaker_local.controllers.queue import QueueController
from easymaker_local.controllers.trainings import TrainingController
from easymaker_local.controllers.tunings import TuningController
from easymaker_local.daemon import volumes_of
from easymaker_local.domain.experiment import Experiment, ExperimentSpec
from easymaker_local.domain.flavor import generate_flavors
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.reason import Reason
from easymaker_local.domain.training import Training, TrainingStatus
from easymaker_local.domain.tuning import Tuning
from easymaker_local.kit.bundled import bundled
from easymaker_local.services.context import Context, NoHints
from easymaker_local.services.preparation import Preparation
from easymaker_local.services.services import Services
from easymaker_local.settings import Settings
from easymaker_local.store import Store, api_statistics, metrics, trainings
from easymaker_local.store.log_migrations import log_migrations
from easymaker_local.testing.appliance import plain_image
from easymaker_local.testing.factories import make_model_spec, make_spec, make_tuning_spec
from easymaker_local.testing.fakes import FakeClock, FakeDriver, FakeEnvironments, FakeGateway

MACHINE = Amount(4000, 8192)
SECRET_KEY = b"k" * 32


@dataclass
class Bench:
    """The parts of an appliance, to be moved by hand."""

    context: Context
    services: Services
    controller: TrainingController
    tunings: TuningController
    models: ModelController
    queue: QueueController
    preparation: Preparation
    clock: FakeClock
    driver: FakeDriver
    gateway: FakeGateway
    environments: FakeEnvironments
    experiment: Experiment

    async def create(self, **fields: object) -> Training:
        """Ask for a training; ``fields`` by their wire names."""
        return await self.services.trainings.create(make_spec(experimentId=self.experiment.id, **fields))

    async def pass_(self, training: Training) -> Training:
        """Let the controller look at a training once, and again after the queue; returns the training afterwards."""
        await self.controller.reconcile(training.id)
        await self.queue.reconcile("all")
        if (await self.row(training)).status is TrainingStatus.CREATE_REQUESTED:
            await self.controller.reconcile(training.id)
        return await self.services.trainings.get(training.id)

    async def tune(self, **fields: object) -> Tuning:
        """Ask for a tuning; ``fields`` by their wire names."""
        return await self.services.tunings.create(make_tuning_spec(**{"experimentId": self.experiment.id, **fields}))

    async def step(self, tuning: Tuning) -> Tuning:
        """Let everything look at a tuning and its trials until a trial that was made meanwhile runs; returns the tuning."""
        for _ in range(3):
            await self.tunings.reconcile(tuning.id)
            for trial in await self.services.tunings.trials(tuning.id):
                await self.controller.reconcile(trial.id)
            await self.queue.reconcile("all")
        await self.tunings.reconcile(tuning.id)
        return await self.services.tunings.get(tuning.id)

    async def model(self, **fields: object) -> Model:
        """Ask for a model, ``fields`` by their wire names, and let it be examined; returns it as it is then."""
        shown = await self.services.models.create(make_model_spec(**fields))
        return await self.examine(shown.model)

    async def examine(self, model: Model) -> Model:
        """Let the controller carry a model as far as it goes; returns it afterwards."""
        for _ in range(3):
            await self.models.reconcile(model.id)
            await self.models.idle()
        return await self.services.models.get(model.id)

    async def built(self) -> None:
        """Wait until no environment is being prepared."""
        await self.preparation.idle()

    async def history(self, training: Training) -> list[str]:
        """Return the statuses that a training went through."""
        events = await self.services.trainings.events(training.id, 0)
        return [event.status for event in events if event.type == "STATUS" and event.status]

    async def waiting_notes(self, training: Training) -> int:
        """Return how often its history says that it waits for resources."""
        events = await self.services.trainings.events(training.id, 0)
        return sum(event.reason == Reason.WAITING_FOR_RESOURCES for event in events)

    def stored(self, path: str) -> Path:
        """Return a host path below the buckets."""
        return self.context.settings.storage / path

    def node(self, training: Training, path: str, node: int = 0) -> Path:
        """Return a host path below a node's directory."""
        return self.context.work_directory(training.id) / f"node-{node}" / path

    async def row(self, training: Training) -> Training:
        """Return the row."""
        return await self.context.store.read(lambda db: trainings.get(db, training.id))


@asynccontextmanager
async def open_bench(home: Path, **settings: object) -> AsyncIterator[Bench]:
    """Build the parts on ``home`` with an experiment, code in ``code`` and an empty bucket ``models``."""
    plain_image(home)
    (home / "storage" / "models").mkdir(parents=True)
    code = home / "storage" / "code"
    code.mkdir()
    (code / "train.py").write_text("print('hello')\n")
    chosen = Settings(home=home, **{"enforce_data_storage": False, **settings})  # type: ignore[arg-type]
    store = Store(chosen.database)
    store.open()
    samples = Store(chosen.metrics_database, metrics.migrations)
    samples.open()
    statistics = Store(chosen.statistics_database, api_statistics.migrations)
    statistics.open()
    log_store = Store(chosen.log_database, log_migrations)
    log_store.open()
    clock, driver, environments, gateway = FakeClock(), FakeDriver(), FakeEnvironments(), FakeGateway()
    context = Context(
        settings=chosen, clock=clock, store=store, metrics=samples, statistics=statistics, log_store=log_store, driver=driver,
        environments=environments, storage=Storage(chosen.storage, chosen.nas), volumes=volumes_of(chosen),
        catalogue=Catalogue([bundled("images"), chosen.images]), flavors=generate_flavors(4, MACHINE.memory_mib),
        capacity=MACHINE, hinter=NoHints(), secret_key=SECRET_KEY, gateway=gateway,
    )  # fmt: skip
    services = Services.of(context)
    preparation = Preparation(environments, clock, lambda _: None)
    controller, queue = TrainingController(context, preparation), QueueController(context)
    tunings, models = TuningController(context), ModelController(context, services.models)
    experiment = await services.experiments.create(ExperimentSpec(experiment_name="experiment"))
    try:
        yield Bench(
            context, services, controller, tunings, models, queue, preparation, clock, driver, gateway, environments, experiment
        )  # fmt: skip
    finally:
        await models.close()
        await preparation.close()
        log_store.close()
        store.close()
        samples.close()
        statistics.close()
