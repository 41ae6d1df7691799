"""The variables by which the vendor's SDK finds this appliance, in a shell and in jobs (rest-api §1.1, §11)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from easymaker_local.settings import Settings

# The SDK's local profile has no port of its own choice.
_SDK_URL = "http://127.0.0.1:10090"


def sdk_environment(settings: Settings, token: str, environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables; None: must not be set. ``environ`` is where the present ``NO_PROXY`` is taken from."""
    url = settings.api_url
    no_proxy = environ.get("NO_PROXY", environ.get("no_proxy", ""))
    direct = [name for name in re.split(r"[,\s]+", no_proxy) if name]
    host = urlsplit(url).hostname or ""
    direct += [name for name in dict.fromkeys([host, "127.0.0.1", "localhost"]) if name not in direct]
    return {
        "EM_PROFILE": "local",
        # It would win over the profile.
        "EM_API_URL": None if url == _SDK_URL else url,
        "EM_APPKEY": settings.appkey,
        "EM_REGION": settings.region,
        "EM_TOKEN": token,
        "EM_GROUP_ID": settings.tenant_id,
        "NO_PROXY": ",".join(direct),
        "no_proxy": ",".join(direct),
    }
