"""What commands share: the settings and one client, made when first needed. Tests pass their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from easymaker_local.client import Client
    from easymaker_local.settings import Settings


class Session:
    """One run of the command line."""

    def __init__(self, settings: Settings | None = None, client: Client | None = None) -> None:
        self._settings = settings
        self._client = client

    @property
    def settings(self) -> Settings:
        """The settings; raises DaemonError that names what is wrong in them."""
        if self._settings is None:
            from easymaker_local.settings import load_settings

            self._settings = load_settings()
        return self._settings

    @property
    def client(self) -> Client:
        """A client of the daemon that the settings name."""
        if self._client is None:
            from easymaker_local.client import connect

            self._client = connect(self.settings)
        return self._client

    def close(self) -> None:
        """Close the client if one was made."""
        if self._client is not None:
            self._client.close()


def session_of(ctx: typer.Context) -> Session:
    """Return the session of this run."""
    session = ctx.obj
    assert isinstance(session, Session)
    return session


def client_of(ctx: typer.Context) -> Client:
    """Return the client of this run."""
    return session_of(ctx).client
