"""Where the daemon and ``runtimes/training`` meet; the two never import each other (``tests/contract`` proves both sides).

A node of a training has one directory of its own on the host, ``work/training/<id>/node-<n>/``. In a container it is mounted
at ``NODE_ROOT``; without private paths the workload sees the host's path. Below it:

========================  =====================================================================================
``source/``               this node's copy of the algorithm: working directory, ``EM_SOURCE_DIR`` (EV-04)
``model/``                ``EM_MODEL_DIR`` (EV-08)
``checkpoint/``           ``EM_CHECKPOINT_DIR`` (EV-10)
``tensorboard/``          ``EM_TENSORBOARD_LOG_DIR`` (EV-13); of node 0 a mount of ``tensorboard/<experiment>/<run>/`` in the
                          home, where TensorBoard reads it live (TB-L01); without private paths: that path itself
``dataset/<name>/``       read-only mounts, ``EM_DATASET_<NAME>`` (EV-06); without private paths: the data's own path
``checkpoint-input/``     read-only mount, ``EM_CHECKPOINT_INPUT_DIR`` (EV-09)
``work/``                 ``HOME``, ``TMPDIR``, packages of the user's ``requirements.txt``; removed at the end
``control/``              ``EASYMAKER_CONTROL_DIR``: what the launcher tells the daemon
========================  =====================================================================================

The workload's command is ``python -I -S <runtimes>/training/launch.py [torchrun options] -- <entry point> [--key value …]``.
A container has a loopback of its own. There the launcher first starts a relay (``EASYMAKER_RELAY``: ``port=socket file``, …),
so that a job finds the daemon under the addresses that hold outside too.

The launcher installs ``source/requirements.txt`` if there is one (TR-11), from the wheelhouse that ``PIP_FIND_LINKS`` names if
that has everything and else from pip's indexes as well (TR-L06), then replaces itself by the entry point, so the
workload's exit is the entry point's exit. If the installation fails it writes ``control/failure.json``
(``{"reason": "REQUIREMENTS", "message": "<pip's own words>"}``) and ends with ``EXIT_NOT_STARTED``.

A model server is a workload whose entry point is ``<runtimes>/serving/serve.py``, started by the same launcher, which
installs what the model requires. It sees its artifact, read-only, below ``MODEL_ROOT`` (without private paths: at its own
path) and has no way to the daemon.

A web server of ours is a workload that serves whoever sends ``WEB_KEY_HEADER`` with the value of ``WEB_KEY_VARIABLE``, and
ends when nobody has asked for a while (``runtimes/web/guard.py``). TensorBoard's runs ``python -I
<runtimes>/tensorboard/serve.py <idle seconds> <TensorBoard's options>`` and sees the logs at ``TENSORBOARD_ROOT`` (without
private paths: at their own path). MLflow's runs ``python -I <runtimes>/mlflow/serve.py <idle seconds> <host> <port>
<directory> <path>`` and keeps everything in that directory, ``MLFLOW_ROOT`` or its own path. The daemon alone sends
``MLFLOW_RUN_HEADER`` (the id that a run is to have) and ``QUIET_HEADER`` (a request that does not keep the server up).
"""

from __future__ import annotations

from pathlib import Path

NODE_ROOT = Path("/easymaker")
MODEL_ROOT = Path("/easymaker-model")
RUNTIMES_ROOT = Path("/opt/easymaker/runtimes")
WHEELHOUSE_ROOT = Path("/opt/easymaker/wheelhouse")
SOCKETS_ROOT = Path("/opt/easymaker/sockets")
CA_BUNDLE = Path("/opt/easymaker/ca-bundle.pem")

LAUNCHER = Path("training/launch.py")
CONTROL_DIR_VARIABLE = "EASYMAKER_CONTROL_DIR"
RELAY_VARIABLE = "EASYMAKER_RELAY"
API_SOCKET, GATEWAY_SOCKET = "api.sock", "gateway.sock"
WORK_DIR_VARIABLE = "EASYMAKER_WORK_DIR"
FAILURE_FILE = "failure.json"
RUN_FILE = "run.json"
EXIT_NOT_STARTED = 125

TENSORBOARD_SERVER = Path("tensorboard/serve.py")
TENSORBOARD_ROOT = Path("/easymaker/tensorboard")

WEB_KEY_VARIABLE = "EASYMAKER_WEB_KEY"
WEB_KEY_HEADER = "X-EasyMaker-Key"
QUIET_HEADER = "X-EasyMaker-Quiet"

MLFLOW_SERVER = Path("mlflow/serve.py")
MLFLOW_ROOT = Path("/easymaker/mlflow")
MLFLOW_DATABASE = "mlflow.db"
MLFLOW_RUN_HEADER = "X-EasyMaker-Run"

NODE_DIRECTORIES = ("source", "model", "checkpoint", "tensorboard", "work", "control")
