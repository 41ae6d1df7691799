"""What an image is built from: the catalogue folder as a build context, and the hash that names its content."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from easymaker_local.domain.image import Image
from easymaker_local.drivers.wheelhouse import Supply, supply
from easymaker_local.errors import EnvironmentFailed
from easymaker_local.kit.bundled import bundled

ENVIRONMENT_ROOT = "/opt/environment"
"""Where ``images/Dockerfile`` puts the environment; ``{environment}`` in an image's variables means it."""

STAGE_LABEL = "easymaker.image.stage"
"""On everything that ``images/Dockerfile`` makes before the image itself, with the value of its argument ``IMAGE``."""

_SECOND_STAGE = "FROM ${BASE_IMAGE}\nCOPY --from=environment /opt/environment /opt/environment\n"
"""Lines of ``images/Dockerfile`` without which the environment stays where it was made."""

_PIP_ADDRESSES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
_PASSED_ON = ("PIP_TRUSTED_HOST", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_USER_IN_ADDRESS = re.compile(r"//[^/?#\s]*@")
_FRAMEWORKS = ("torch", "tensorflow", "tensorflow-cpu")


def reference(image: Image) -> str:
    """Return the name that the image's present content has, built or not."""
    content = hashlib.sha256()
    for part in (dockerfile(image), _requirements(image), json.dumps([image.base_image, image.wheel_index]).encode()):
        content.update(len(part).to_bytes(8, "big") + part)
    return f"easymaker-local/{image.repository}:{image.tag}-{content.hexdigest()[:12]}"


def dockerfile(image: Image, *, in_one_stage: bool = False) -> bytes:
    """Return the folder's own Dockerfile, or the catalogue's, with the image's variables.

    ``in_one_stage`` leaves out that the environment is copied into a second stage.
    """
    candidates = (image.folder, image.folder.parent, bundled("images"))
    path = next((folder / "Dockerfile" for folder in candidates if (folder / "Dockerfile").is_file()), None)
    if path is None:
        raise EnvironmentFailed(f"Image {image.id} has no Dockerfile.")
    lines = [f"ENV {name}={_quoted(value)}" for name, value in sorted(image.env.items())]
    text = path.read_text().rstrip("\n")
    if in_one_stage:
        text = text.replace(_SECOND_STAGE, "")
    return "\n".join([text, *lines, ""]).encode()


def wheels(image: Image, wheelhouse: Path | None) -> Supply:
    """Return the wheels that go into the context."""
    return supply(image.folder / "requirements.txt", wheelhouse, image.python_version)


def is_one_stage(image: Image, chosen: Supply, arguments: Mapping[str, str]) -> bool:
    """Say whether nothing of the build has to stay out of the image: no wheel, no address of an index or proxy, no password.

    The image keeps the arguments in its history, and the folder's requirements in a layer.
    """
    if chosen.wheels or any(name in arguments for name in (*_PIP_ADDRESSES, *_PASSED_ON)):
        return False
    return not has_secret(image.wheel_index or "") and not has_secret(_requirements(image).decode(errors="replace"))


def write_context(file: IO[bytes], image: Image, chosen: Supply, *, in_one_stage: bool = False) -> None:
    """Write the context as a tar file: wheels have gigabytes, so it never is in memory."""
    build_file = dockerfile(image, in_one_stage=in_one_stage)
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in (("Dockerfile", build_file), ("requirements.txt", _requirements(image))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            # No times and owners: the engine would take the same files for others and build again.
            tar.addfile(member, io.BytesIO(content))
        for wheel in chosen.wheels:
            tar.add(wheel, f"wheels/{wheel.name}", filter=_anonymous)


def build_arguments(image: Image, chosen: Supply, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what the Dockerfile may know of this machine.

    The engine keeps build arguments in the history of layers, so that no address with a password may be among them. Of
    the proxies' variables it keeps nothing.
    """
    arguments = {
        "IMAGE": reference(image),
        "BASE_IMAGE": image.base_image,
        "WHEEL_INDEX": image.wheel_index or "",
    }
    if chosen.is_complete:
        arguments["PIP_NO_INDEX"] = "1"
    if chosen.has(_FRAMEWORKS):
        # With the wheel at hand the index has nothing to add, and asking it would fail offline.
        arguments["WHEEL_INDEX"] = ""
    arguments |= {name: environ[name] for name in _PASSED_ON if environ.get(name)}
    for name in _PIP_ADDRESSES:
        # A path or file: address of this machine means nothing in the build.
        words = [word for word in environ.get(name, "").split() if word.startswith("http") and not has_secret(word)]
        if words:
            arguments[name] = " ".join(words)
    return arguments


def withheld(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of pip's settings that are not passed on because they hold a password."""
    return [name for name in _PIP_ADDRESSES if any(has_secret(word) for word in environ.get(name, "").split())]


def has_secret(text: str) -> bool:
    """Say whether the address, or one in a text, carries a user or password."""
    return _USER_IN_ADDRESS.search(text) is not None


def _requirements(image: Image) -> bytes:
    try:
        return (image.folder / "requirements.txt").read_bytes()
    except OSError as error:
        raise EnvironmentFailed(f"Image {image.id} has no readable requirements.txt: {error}.") from error


def _quoted(value: str) -> str:
    """Quote for ENV, where ``$`` would be expanded."""
    escaped = value.replace("{environment}", ENVIRONMENT_ROOT)
    for special in ("\\", '"', "$"):
        escaped = escaped.replace(special, f"\\{special}")
    return f'"{escaped}"'


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
