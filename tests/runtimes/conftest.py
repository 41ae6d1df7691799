"""Fixtures of the launcher's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from easymaker_local.testing.node import Node


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "node")
