"""``/tensorboard/{experiment|training|tuning}/{id}/…`` on the gateway's port."""

from __future__ import annotations

import re

from easymaker_local.api.web_servers.app import WebServerApp
from easymaker_local.domain import tensorboard
from easymaker_local.domain.tensorboard import Board, Scope

_PATH = re.compile(
    rf"/{tensorboard.KIND}/(?P<scope>experiment|training|tuning)/(?P<id>[A-Za-z0-9_-]{{1,36}})(?P<rest>/.*)?", re.DOTALL
)


class TensorboardApp(WebServerApp[Board]):
    """The ASGI application. Jobs have no use for it."""

    def find(self, path: str) -> tuple[Board, str] | None:
        """See the base."""
        found = _PATH.fullmatch(path)
        return None if found is None else (Board(Scope(found["scope"]), found["id"]), found["rest"] or "")

    def command(self, site: Board) -> str:
        """See the base."""
        return f"easymaker-local tensorboard {site.id}"
