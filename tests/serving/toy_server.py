"""A process that serves a toy, as ``serve.py`` does a framework's model: ``toy_server.py WHAT PORT [GRPC_PORT]``."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "runtimes" / "serving"), str(ROOT)]

from easymaker_serving.model import LoadFailed, LoadSettings, Model  # noqa: E402
from easymaker_serving.server import Settings, run  # noqa: E402

from tests.serving.toys import Double, Gate, Talker  # noqa: E402


def _never(_: LoadSettings) -> Model:
    threading.Event().wait()
    raise AssertionError


def _fails(_: LoadSettings) -> Model:
    raise LoadFailed("there is no iris.joblib")


def _breaks(_: LoadSettings) -> Model:
    raise KeyError("weights")


def _leaves(_: LoadSettings) -> Model:
    sys.exit("I do not like it here")


def _gate(_: LoadSettings) -> Model:
    gate = Gate()

    def open_by_hand() -> None:
        sys.stdin.readline()
        gate.open.set()

    threading.Thread(target=open_by_hand, daemon=True).start()
    return gate


class _Stop(Talker):
    """Ends its streams once there is a line to read."""

    def __init__(self) -> None:
        super().__init__()
        self.endless = True
        threading.Thread(target=self._stop, daemon=True).start()

    def _stop(self) -> None:
        sys.stdin.readline()
        self.endless = False


LOADS = {
    "double": lambda _: Double(),
    "never": _never,
    "fails": _fails,
    "breaks": _breaks,
    "leaves": _leaves,
    "gate": _gate,
    "talker": lambda _: _Stop(),
}

if __name__ == "__main__":
    what, port, *grpc = sys.argv[1:]
    settings = Settings(LoadSettings(Path("/nowhere"), "toy"), port=int(port), grpc_port=int(grpc[0]) if grpc else None)
    run(settings, LOADS[what])
