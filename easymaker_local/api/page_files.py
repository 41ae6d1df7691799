"""The web page's files as they were built into the package: the document, and its assets by their hashed names."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

FOLDER = Path(__file__).resolve().parent.parent / "page"

# First parts of the paths of the page; everything below them is the page's own business.
PAGE_PARTS = frozenset({
    "experiments", "trainings", "templates", "tunings", "models", "endpoints", "images", "storage", "queue", "logs",
    "monitoring", "disk", "settings",
})  # fmt: skip

_TYPES: Mapping[str, str] = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
# Best first; each asset was compressed when the page was built.
_ENCODINGS: Mapping[str, str] = {"br": ".br", "gzip": ".gz"}
_NAME = re.compile(r"\w[\w.-]*")
_NONCE_PLACE = "{{nonce}}"
# What the document has of scripts in itself; the policy names it by its hash.
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# Names have the hash of what is in them, so that whatever has a name keeps it.
_FOR_EVER = "public, max-age=31536000, immutable"
_A_WHILE = "public, max-age=3600"


def is_page(path: str) -> bool:
    """True for what a browser may load before somebody has signed in: the page has nothing in it that is the user's."""
    first = path.split("/", 2)[1] if path.startswith("/") else path
    return first in PAGE_PARTS or first == "assets"


def document(status: int = 200) -> Response | None:
    """Return the page itself; None if it was not built.

    Its policy takes scripts from its own files and the one that it was built with, styles also where they carry a number.
    """
    text = _document()
    if text is None:
        return None
    nonce = secrets.token_urlsafe(16)
    scripts = " ".join(["'self'", *(_hash(script) for script in _SCRIPT.findall(text))])
    policy = (
        f"default-src 'none'; script-src {scripts}; connect-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {"content-security-policy": policy, "cache-control": "no-store"}
    return HTMLResponse(text.replace(_NONCE_PLACE, nonce), status, headers)


def asset(request: Request, name: str) -> Response | None:
    """Return a file of the page in the best encoding that the browser takes; None if there is none of that name."""
    path = _asset(name)
    if path is None:
        return None
    headers = {"cache-control": _FOR_EVER if "-" in name else _A_WHILE, "vary": "accept-encoding"}
    accepted = {part.partition(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
    for encoding, ending in _ENCODINGS.items():
        packed = _asset(name + ending)
        if encoding in accepted and packed is not None:
            return FileResponse(packed, media_type=_TYPES.get(path.suffix), headers={**headers, "content-encoding": encoding})
    return FileResponse(path, media_type=_TYPES.get(path.suffix), headers=headers)


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _document() -> str | None:
    path = FOLDER / "index.html"
    return path.read_text() if path.exists() else None


def _asset(name: str) -> Path | None:
    path = FOLDER / "assets" / name
    return path if _NAME.fullmatch(name) and path.is_file() else None
