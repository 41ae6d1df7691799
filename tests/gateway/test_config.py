"""Envoy's files: made beside the loop, read once, and anew only where something has changed (NF, GW-L03)."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.gateway import GatewayService, GatewayStage, GatewayStatus
from easymaker_local.gateway import config, routes
from easymaker_local.gateway.config import discovery
from easymaker_local.gateway.gateway import EnvoyGateway
from tests.gateway.conftest import IRIS, Pods, one_stage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=3))
def test_a_file_is_the_json_of_its_resources(resources: list[dict[str, Any]]) -> None:
    made = discovery(resources)
    assert json.loads(made.text) == {"version_info": made.version, "resources": resources}
    assert json.dumps(resources, sort_keys=True).encode() in made.text
    assert discovery(json.loads(json.dumps(resources))).version == made.version
    assert discovery([*resources, {"more": 1}]).version != made.version


@pytest.mark.anyio
async def test_a_change_reads_no_file_again_and_keeps_the_loop_from_nothing(
    gateway: EnvoyGateway, pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole route table is long: where it is hashed is no thread of ours, and endpoints that stay are not made anew."""
    trees = GatewayService("e2", "trees", (GatewayStage("t1", "a", (IRIS,)),), "t1")
    for service in (one_stage(), trees):
        await gateway.put_service(service)
    threads = []

    def made(*arguments: Any) -> config.Discovery:
        threads.append(threading.get_ident())
        return discovery(*arguments)

    def read(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr(config, "discovery", made)
    monkeypatch.setattr(config, "read_json", read)
    before = routes._site_lists.cache_info()
    assert (await gateway.put_service(replace(trees, api_key="k")))["t1"].status is GatewayStatus.ACTIVE
    after = routes._site_lists.cache_info()
    await gateway.set_backends("s1", "m1", [pods.start("p").backend])
    assert (after.misses - before.misses, after.hits > before.hits) == (1, True)
    assert threads
    assert threading.get_ident() not in threads
