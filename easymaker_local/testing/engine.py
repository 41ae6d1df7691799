"""The container engine of tests that are marked ``docker``."""

from __future__ import annotations

import functools
import os
import time
from http import HTTPStatus
from typing import Any

import pytest
from docker import APIClient
from docker.errors import APIError, NotFound

from easymaker_local.drivers.docker_engine import connect, engine_answers

REQUIRED_VARIABLE = "EASYMAKER_LOCAL_REQUIRE_DOCKER"

BASE_IMAGE = "python:3.11-slim-bookworm"
"""What the catalogue's images start from; has ``python3``."""


def docker_host() -> str | None:
    """Return the engine's address for the driver; skips the test where none answers, fails it where one is required."""
    host = os.environ.get("DOCKER_HOST")
    if _version(host) is None:
        reason = f"no container engine answers at {host or 'the default address'}"
        if os.environ.get(REQUIRED_VARIABLE) == "1":
            pytest.fail(f"{reason}, and {REQUIRED_VARIABLE}=1")
        pytest.skip(reason)
    return host


@functools.cache
def _version(host: str | None) -> str | None:
    return engine_answers(host)


def discard_install(install_id: str) -> None:
    """Remove every container and network of an installation, whoever made them: for the end of a test."""
    client = connect(os.environ.get("DOCKER_HOST"))
    try:
        filters = {"label": f"easymaker.install={install_id}"}
        for container in client.containers(all=True, filters=filters):
            client.remove_container(container["Id"], force=True, v=True)
        for network in client.networks(filters=filters):
            _remove_network(client, network["Id"])
    finally:
        client.close()


def _remove_network(client: APIClient, network: str) -> None:
    """A container that a killed daemon had just asked to remove is not listed any more and still holds its address."""
    for turns_left in reversed(range(100)):
        try:
            client.remove_network(network)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != HTTPStatus.FORBIDDEN or not turns_left:
                raise
            time.sleep(0.1)
        else:
            return


def containers(kind: str) -> list[dict[str, Any]]:
    """Return the inspections of all workloads' containers of a kind, of every installation."""
    client = connect(os.environ.get("DOCKER_HOST"))
    try:
        found = client.containers(all=True, filters={"label": f"easymaker.kind={kind}"})
        return [client.inspect_container(container["Id"]) for container in found]
    finally:
        client.close()
