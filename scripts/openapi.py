"""Print the API's description (OpenAPI); types and client of the web page are made from it."""

from __future__ import annotations

import json

from easymaker_local.api.app import bare_app

print(json.dumps(bare_app().openapi(), ensure_ascii=False))
