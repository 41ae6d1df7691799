"""The SDK's own logger sends to the appliance once it is told where (rest-api §9, LG-21)."""

from __future__ import annotations

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.sdk import Script

LOGGER = """
import easymaker
from easymaker.common import constants

constants.LOGNCRASH_URL = sys.argv[2] + "/v2/log"
easymaker.init(appkey="local", region="local")
logger = easymaker.logger(logncrash_appkey="my-key")
logger.send("first 첫째", log_level="WARNING", parameters={"stage": "prod", "run": 7})
logger.send("second")
"""


def test_the_sdks_logger(sdk: Script, appliance: Appliance) -> None:
    """SD-07, LG-21."""
    sdk(LOGGER, f"http://127.0.0.1:{appliance.port}")
    rows = appliance.call("GET", "/logs", params={"query": "projectName:my-key"})["logList"]
    assert [row["body"] for row in rows] == ["second", "first 첫째"]
    first = rows[1]
    assert (first["category"], first["logType"], first["logLevel"]) == ("easymaker.sdk", "NHN Cloud - AI EasyMaker", "WARNING")
    assert {**first["fields"], "stage": "prod", "run": 7} == first["fields"]
    assert rows == appliance.call("GET", "/logs", params={"query": 'category:"easymaker.sdk" AND host:easymaker'})["logList"]
