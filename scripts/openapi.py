"""Writes the API's description (OpenAPI) to web/openapi.json; the page's types and client are made from it.

``--check`` fails if it is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from easymaker_local.api.app import bare_app

FILE = Path(__file__).resolve().parent.parent / "web" / "openapi.json"


def main() -> int:
    """Write the file, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = json.dumps(bare_app().openapi(), ensure_ascii=False, indent=1) + "\n"
    if not parser.parse_args().check:
        FILE.write_text(text)
        return 0
    if not FILE.exists() or FILE.read_text() != text:
        print(f"{FILE} is stale; run: make reference", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
