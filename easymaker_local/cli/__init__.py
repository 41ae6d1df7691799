"""The command ``easymaker-local``. Commands go through ``client/``; only ``serve`` runs a daemon in its own process.

Modules are cheap to import: what a command needs beyond Typer is imported when it runs, so that help and completion are quick.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line of this process."""
    import sys

    from easymaker_local.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a question mark, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app()
