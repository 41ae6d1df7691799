"""Serve one model: ``python -I serve.py --framework sklearn --name iris --model /path/to/artifact``.

Two lines on stdout say when the server listens and when the model is ready; everything else goes to stderr. Ends with
status 0 on SIGTERM, after the answers to what had begun, and with 1 and one last line if the model cannot be loaded.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

FRAMEWORKS = ("hugging_face", "python", "pytorch", "sklearn", "tensorflow")

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS")
_MIB = 1024 * 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve one model by the Open Inference Protocol.", allow_abbrev=False)
    parser.add_argument("--framework", required=True, choices=FRAMEWORKS)
    parser.add_argument("--name", required=True, help="the model's name, part of every path")
    parser.add_argument("--model", required=True, type=Path, help="the artifact: a directory or a file")
    parser.add_argument("--model-version", default="1")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0: any free one, which is printed")
    parser.add_argument("--grpc-port", type=int, help="0: any free one; without it there is no gRPC")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the model")
    parser.add_argument(
        "--secret-parameter", action="append", default=[], metavar="NAME", help="one whose value is in its environment variable"
    )
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="what the framework may use")
    parser.add_argument("--max-body-mib", type=int, default=256)
    parser.add_argument("--max-queue", type=int, default=512, help="requests that may wait for the model; more get 503")
    return parser.parse_args()


def main() -> None:
    """Set up the process, then serve."""
    given = _arguments()
    sys.path.insert(0, str(Path(__file__).parent))
    from easymaker_serving import parameters

    try:
        pairs = parameters.parse(given.parameter) | parameters.secret(given.secret_parameter, os.environ)
    except ValueError as exc:
        sys.exit(f"parameters: {exc}")
    # Read when numpy and the frameworks are imported, so this comes first; a parameter of the user wins.
    for variable in _THREADS:
        os.environ[variable] = str(given.threads)
    parameters.into_environment(pairs, os.environ)

    from easymaker_serving.connection import Limits
    from easymaker_serving.model import LoadSettings
    from easymaker_serving.server import Settings, framework, run

    model = LoadSettings(given.model, given.name, pairs, given.threads)
    limits = Limits(body=given.max_body_mib * _MIB)
    settings = Settings(
        model, given.model_version, given.host, given.port, given.grpc_port, given.max_queue, limits
    )  # fmt: skip
    run(settings, framework(given.framework))


if __name__ == "__main__":
    main()
