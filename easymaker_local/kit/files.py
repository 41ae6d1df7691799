"""Files that are whole or not there."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any


def write_atomically(path: Path, data: bytes, mode: int = 0o644, *, durable: bool = True) -> None:
    """Replace ``path`` by ``data``: readers see the old content or the new, also after a crash.

    ``durable`` waits for the disk, so that a power cut does not undo it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any, mode: int = 0o644, *, durable: bool = True) -> None:
    """Replace ``path`` by ``value`` as JSON, atomically."""
    write_atomically(path, json.dumps(value, ensure_ascii=False).encode(), mode, durable=durable)


def read_json(path: Path) -> Any | None:
    """Return the JSON in ``path``; None if there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
