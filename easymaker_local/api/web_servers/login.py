"""One-time links that sign a browser in at the gateway's port."""

from __future__ import annotations

from easymaker_local.api.envelope import Wire
from easymaker_local.errors import Conflict
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.credentials import Credentials, Origin
from easymaker_local.settings import Settings


class WebLoginView(Wire):
    """``accessUri`` is the address for good, ``loginUri`` leads there once and signs the browser in."""

    access_uri: str
    login_uri: str
    expires_datetime: str


def issue_login(credentials: Credentials, settings: Settings, path: str, title: str) -> WebLoginView:
    """Make a link to ``path`` below the gateway's address; raises Conflict if there is no gateway."""
    if settings.gateway_url is None:
        raise Conflict(f"{title} is behind the gateway's port, and gateway_port is 0.", hint="Set gateway_port.")
    uri = settings.gateway_url + path
    made = credentials.issue_code(Origin.GATEWAY)
    return WebLoginView(access_uri=uri, login_uri=f"{uri}login?code={made.code}", expires_datetime=to_iso(made.expires_at))
