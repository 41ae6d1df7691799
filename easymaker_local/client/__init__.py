"""The daemon's API as typed Python calls, over any ``httpx.Client``. The command line knows the daemon only through this."""

from easymaker_local.client.client import Client, connect

__all__ = ["Client", "connect"]
