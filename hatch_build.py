"""Builds the web page before the wheel is made, or before the checkout is installed in place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """A source archive brings the page built; a checkout builds it, once."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page if it is older than its sources."""
        root = Path(self.root)
        if not (root / "web").is_dir():
            return
        sys.path.insert(0, str(root / "scripts"))
        import build_page

        if not build_page.is_fresh():
            build_page.build()
