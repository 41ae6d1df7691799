"""One appliance per driver and module: the scripts of a module use names of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.sdk import Script, run_sdk
from easymaker_local.testing.shared import running_appliance

SCRIPTS = {
    "quick.py": "import os\nopen(os.environ['EM_MODEL_DIR'] + '/model.txt', 'w').write('trained')\nprint('done')\n",
    "failing.py": "raise SystemExit(3)\n",
    "endless.py": "import time\nprint('running', flush=True)\ntime.sleep(3600)\n",
}


@pytest.fixture(scope="module")
def appliance(driver: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    with running_appliance(tmp_path_factory.mktemp("home"), driver) as made:
        made.put("code", SCRIPTS)
        made.put("data", {"train/rows.csv": "1\n"})
        yield made


@pytest.fixture
def sdk(appliance: Appliance, tmp_path: Path) -> Script:
    """Run a script as a user would write it, with SDK 2.1.5 pointed at the appliance; ``env`` replaces variables."""

    def run(script: str, *arguments: str, **env: str) -> dict[str, Any]:
        return run_sdk(script, {**appliance.sdk_environment, **env}, tmp_path, *arguments)

    return run
