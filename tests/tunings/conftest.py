"""One appliance per driver and module; tunings of a module use names and places of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.shared import running_appliance
from tests.tunings.searches import SCRIPTS


@pytest.fixture(scope="module")
def appliance(driver: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    with running_appliance(tmp_path_factory.mktemp("home"), driver) as made:
        made.put("code", SCRIPTS)
        made.put("signals", {"none": ""})
        yield made
