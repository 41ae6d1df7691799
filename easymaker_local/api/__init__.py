"""The vendor's REST API, and ours in the same manner: routes that parse, call one service and answer in the envelope."""

from easymaker_local.api.app import create_app

__all__ = ["create_app"]
