"""A log as a file: whole as it was when it was asked for, or a part of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import FileResponse, Response, StreamingResponse

from easymaker_local.errors import NotFound

BLOCK_BYTES = 1 << 18

# What a route that answers with a log says of itself.
LOG_FILE: Final[dict[str, Any]] = {
    "response_class": FileResponse, "responses": {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
}  # fmt: skip


def download_log(request: Request, path: Path, name: str, whose: str) -> Response:
    """Answer with a log's text under a file name, or with a Range header a part of it; ``whose`` it is, for who finds none."""
    if not path.exists():
        raise NotFound(f"{whose} has written nothing yet.")
    if "range" in request.headers:
        return FileResponse(path, media_type="text/plain", filename=name)
    # FileResponse alone would send more than it has announced if the job writes meanwhile.
    size = path.stat().st_size
    headers = {"content-length": str(size), "content-disposition": f'attachment; filename="{name}"', "accept-ranges": "bytes"}
    return StreamingResponse(_blocks(path, size), media_type="text/plain", headers=headers)


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while size and (block := file.read(min(size, BLOCK_BYTES))):
            size -= len(block)
            yield block
