"""Fetches a model from the Hugging Face hub into the hub's own cache, as its client would (MD-12, MD-L04, FS-17).

Only where a setting allows it: nothing here decides that. Files are fetched under another name, compared with the checksums
that the hub gives, and then named by them; a snapshot is linked when all are there. Whatever is there already is not fetched.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from easymaker_local.artifacts import trees
from easymaker_local.artifacts.models.hub_cache import BRANCH, check_id, check_revision, folder_of
from easymaker_local.errors import StorageError
from easymaker_local.kit.files import write_atomically

if TYPE_CHECKING:
    import httpx

DEFAULT_ENDPOINT = "https://huggingface.co"

# What transformers loads without executing anything of it; weights as safetensors alone (MD-13).
_WANTED = (".json", ".safetensors", ".txt", ".model", ".jinja")
_WEIGHTS = ".safetensors"
_BLOCK = 1 << 20
# A daemon that is to end waits for an answer no longer than that.
_SECONDS = 20.0
_CONNECT_SECONDS = 10.0
_INCOMPLETE = ".easymaker-incomplete"
# Nobody tells when another program gives a lock back, and a daemon that is to end must not wait for that.
_POLL_SECONDS = 0.2
# What a header can hold.
_TOKEN = re.compile(r"[!-~]+")
_SHA1_CHARACTERS, _SHA256_CHARACTERS = 40, 64


@dataclass(frozen=True)
class _File:
    """``digest``: sha256 of a large file, git's sha1 of another one. It is the name of the content in the cache."""

    name: str
    size: int
    digest: str


def is_offline(environment: Mapping[str, str]) -> bool:
    """True if the hub's own variables forbid to ask it."""
    value = environment.get("HF_HUB_OFFLINE") or environment.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in {"1", "ON", "YES", "TRUE"}


def endpoint_of(environment: Mapping[str, str]) -> str:
    """Return the address of the hub."""
    return (environment.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")


def download(
    model_id: str, cache: Path, endpoint: str, *, revision: str | None = None, token: str | None = None,
    step: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Fetch a model, at a commit or the main branch's latest; StorageError says why it cannot be had.

    Blocks; of several at once for one model, one fetches and the others find what it fetched. ``step`` is called after every
    block, and may raise to end it. The token goes to the hub and nowhere else: not to where it redirects, into no message.
    """
    import httpx

    check_id(model_id)
    if revision is not None:
        check_revision(revision)
    token = _checked(token)
    headers = {"Accept-Encoding": "identity", **({} if token is None else {"Authorization": f"Bearer {token}"})}
    timeout = httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
    try:
        with httpx.Client(headers=headers, timeout=timeout, follow_redirects=True) as http:
            url = f"{endpoint}/api/models/{model_id}/revision/{revision or BRANCH}"
            commit, files = _listed(http.get(url, params={"blobs": "true"}), model_id, token)
            folder = cache / folder_of(model_id)
            (folder / "blobs").mkdir(parents=True, exist_ok=True)
            with _alone(folder, step):
                _tidy(folder)
                _check_space(folder, files)
                for file in files:
                    if (folder / "blobs" / file.digest).is_file():
                        continue
                    address = f"{endpoint}/{model_id}/resolve/{commit}/{quote(file.name)}"
                    with http.stream("GET", address) as answer:
                        _check_status(answer, model_id, token)
                        _store(answer.iter_bytes(_BLOCK), folder / "blobs", file, step)
                _link(folder, commit, files)
                if revision is None:
                    write_atomically(folder / "refs" / BRANCH, commit.encode())
    except httpx.LocalProtocolError:
        # Its words repeat the header that cannot be sent, and no traceback is to show it either.
        raise StorageError(f"{model_id!r} cannot be asked for at {endpoint}: the request cannot be sent.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise StorageError(f"{model_id!r} cannot be fetched: {endpoint} cannot be reached: {error}.") from error
    except OSError as error:
        raise StorageError(f"{model_id!r} cannot be stored in {cache}: {error.strerror or error}.") from error


def _checked(token: str | None) -> str | None:
    """Return a token without the blanks and line ends that came with it when it was copied."""
    token = (token or "").strip()
    if token and not _TOKEN.fullmatch(token):
        raise StorageError(
            "The parameter hf_token is no token of the hub: it has characters that no token has.",
            hint="Create the model again with the token as the hub's page shows it.",
        )
    return token or None


@contextmanager
def _alone(folder: Path, step: Callable[[], None]) -> Iterator[None]:
    """Keep all others who would fetch the same model from it, in this process and in others."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                step()
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _tidy(folder: Path) -> None:
    """Remove what a crash left; nobody is at work on it, as we are alone here."""
    for part in ("blobs", "snapshots"):
        for aside in (folder / part).glob(f"*{_INCOMPLETE}"):
            trees.remove(aside)


def _check_status(answer: httpx.Response, model_id: str, token: str | None) -> None:
    if answer.status_code in {401, 403}:
        words = "the token has no access to it" if token else "it is gated or private, and no token was given"
        raise StorageError(
            f"The hub does not give {model_id!r} away: {words}.",
            hint="Give the token of an account with access as the parameter hf_token.",
        )
    if answer.status_code == 404:
        raise StorageError(f"The hub has no model {model_id!r}, or not that commit of it.")
    if answer.is_error:
        raise StorageError(f"The hub answers with {answer.status_code} when asked for {model_id!r}.")


def _listed(answer: httpx.Response, model_id: str, token: str | None) -> tuple[str, Sequence[_File]]:
    """Return the commit, and what of it is wanted: files at the top, which is where transformers looks."""
    _check_status(answer, model_id, token)
    try:
        said = answer.json()
        commit = str(said["sha"])
        files = [_file(one) for one in said["siblings"] if _is_wanted(one["rfilename"])]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"The hub's answer about {model_id!r} cannot be understood.") from error
    check_revision(commit)
    if not any(file.name.endswith(_WEIGHTS) for file in files):
        raise StorageError(
            f"{model_id!r} has no weights in safetensors format; any other file format is unsupported, and nothing was fetched."
        )
    return commit, files


def _is_wanted(name: str) -> bool:
    return name.endswith(_WANTED) and "/" not in name and not name.startswith(".")


def _file(said: Mapping[str, Any]) -> _File:
    large = said.get("lfs")
    digest = str(large["sha256"] if large else said["blobId"])
    if len(digest) not in {_SHA1_CHARACTERS, _SHA256_CHARACTERS} or not digest.isalnum():
        raise ValueError("no checksum")
    return _File(said["rfilename"], int(large["size"] if large else said["size"]), digest)


def _check_space(folder: Path, files: Sequence[_File]) -> None:
    missing = sum(file.size for file in files if not (folder / "blobs" / file.digest).is_file())
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise StorageError(f"{missing / (1 << 30):.1f} GiB are to be fetched, and {free / (1 << 30):.1f} GiB are free there.")


def _store(blocks: Iterator[bytes], folder: Path, file: _File, step: Callable[[], None]) -> None:
    aside = folder / f"{file.digest}.{secrets.token_hex(4)}{_INCOMPLETE}"
    # Git's checksum begins with a word about the length.
    digest = hashlib.sha256() if len(file.digest) == _SHA256_CHARACTERS else hashlib.sha1(f"blob {file.size}\0".encode())  # noqa: S324
    size = 0
    try:
        with aside.open("xb") as stored:
            for block in blocks:
                size += len(block)
                if size > file.size:
                    break
                digest.update(block)
                stored.write(block)
                step()
        if size != file.size or digest.hexdigest() != file.digest:
            raise StorageError(
                f"{file.name!r} did not arrive as the hub has it: {size:,} of {file.size:,} bytes, or other ones."
            )
        aside.rename(folder / file.digest)
    finally:
        trees.remove(aside)


def _link(folder: Path, commit: str, files: Sequence[_File]) -> None:
    """Make the snapshot, whole or not at all; one that another program has begun is completed."""
    snapshots = folder / "snapshots"
    place, aside = snapshots / commit, snapshots / f"{commit}.{secrets.token_hex(4)}{_INCOMPLETE}"
    if place.is_dir():
        _fill(place, files)
        return
    try:
        aside.mkdir(parents=True)
        _fill(aside, files)
        aside.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        _fill(place, files)  # the hub's own client has begun one meanwhile
    finally:
        trees.remove(aside)


def _fill(snapshot: Path, files: Sequence[_File]) -> None:
    for file in files:
        link = snapshot / file.name
        if not link.exists():
            trees.remove(link)
            link.symlink_to(Path("..") / ".." / "blobs" / file.digest)
