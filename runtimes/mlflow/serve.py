"""MLflow's tracking server for whoever has the key, until nobody has asked for a while (EX-L02).

    python -I serve.py IDLE_SECONDS HOST PORT DIRECTORY PREFIX

``DIRECTORY`` holds the database and the artifacts, ``PREFIX`` is the path at which the gateway shows the server. It is MLflow's
Flask application alone: tracking, registry, artifacts and the page, without what calls language models or runs jobs.
"""

import os
import signal
import sqlite3
import sys
import zlib
from pathlib import Path

# Nothing here calls the network, and the gateway has looked at hosts and origins before anything comes here.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"] = "true"

from flask import request
from mlflow import server
from mlflow.entities import LifecycleStage, RunStatus, SourceType
from mlflow.server import handlers
from mlflow.store.db.utils import _upgrade_db, create_sqlalchemy_engine
from mlflow.store.tracking.dbmodels.models import SqlParam, SqlRun, SqlTag
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from werkzeug.serving import WSGIRequestHandler, make_server

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "web"))

from guard import Guard, take_key

# A tag that names the parameters of which only the daemon has spoken. MLflow's page hides what begins like its own.
SAID_BY_THE_DAEMON = "mlflow.easymaker.parameters"


class Store(SqlAlchemyStore):
    """MLflow's own, but for what the daemon says.

    It alone can send ``X-EasyMaker-Run``: the gateway passes that on for nobody. It asks for a run by its id. Asked for again,
    the run is brought up to date instead, so that whatever broke off may be repeated; one that the user deleted is left alone.
    The parameters that the daemon logs are those with which a job is started; the job's own code may say once what it makes
    of each of them (``1e-3`` is 0.001 there, or times four), which MLflow would refuse as a change.
    """

    def create_run(self, experiment_id, user_id, start_time, tags, run_name):
        """Make a run, or bring the wished one up to date."""
        wished = request.headers.get("X-EasyMaker-Run")
        if wished is None:
            return super().create_run(experiment_id, user_id, start_time, tags, run_name)
        with self.ManagedSessionMaker(read_only=False) as session:
            run = session.get(SqlRun, wished)
            if run is None:
                experiment = self.get_experiment(experiment_id)
                self._check_experiment_is_active(experiment)
                run = SqlRun(
                    run_uuid=wished,
                    experiment_id=int(experiment_id),
                    artifact_uri=f"{experiment.artifact_location.rstrip('/')}/{wished}/{self.ARTIFACTS_FOLDER_NAME}",
                    status=RunStatus.to_string(RunStatus.SCHEDULED),
                    lifecycle_stage=LifecycleStage.ACTIVE,
                    source_type=SourceType.to_string(SourceType.JOB),
                    user_id=user_id,
                )
                session.add(run)
            if run.lifecycle_stage == LifecycleStage.ACTIVE:
                run.name, run.start_time = run_name, start_time
                session.flush()
                for key, value in {**{tag.key: tag.value for tag in tags}, MLFLOW_RUN_NAME: run_name}.items():
                    session.merge(SqlTag(run_uuid=wished, key=key, value=value))
        return self.get_run(wished)

    def log_batch(self, run_id, metrics, params, tags):
        """Log all of it."""
        super().log_batch(run_id, metrics, self._settled(run_id, params), tags)

    def log_param(self, run_id, param):
        """Log one parameter."""
        for left in self._settled(run_id, [param]):
            super().log_param(run_id, left)

    def _settled(self, run_id, params):
        """Return what is left to log, once the daemon's parameters and those of the run's code agree."""
        if not params:
            return params
        with self.ManagedSessionMaker(read_only=False) as session:
            known = {param.key: param for param in session.query(SqlParam).filter_by(run_uuid=run_id)}
            said = session.query(SqlTag).filter_by(run_uuid=run_id, key=SAID_BY_THE_DAEMON).one_or_none()
            marks = set() if said is None else set(said.value.split())
            if "X-EasyMaker-Run" in request.headers:
                params = [param for param in params if param.key not in known]
                marks.update(_mark(param.key) for param in params)
            else:
                for param in params:
                    if param.key in known and _mark(param.key) in marks:
                        known[param.key].value = str(param.value)
                        marks.discard(_mark(param.key))
            if marks or said is not None:
                session.merge(SqlTag(run_uuid=run_id, key=SAID_BY_THE_DAEMON, value=" ".join(sorted(marks))))
        return params


def _mark(name):
    """Return a short form of a parameter's name: there may be a hundred long ones, and a tag's value has 8000 characters."""
    return f"{zlib.crc32(name.encode()):08x}"


class Below:
    """The WSGI application below ``prefix``."""

    def __init__(self, app, prefix):
        self._app = app
        self._prefix = prefix

    def __call__(self, environ, start_response):
        """Pass on what is below, as if it were at the root."""
        path = environ["PATH_INFO"]
        if not path.startswith(f"{self._prefix}/"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"There is no such page.\n"]
        environ["SCRIPT_NAME"] += self._prefix
        environ["PATH_INFO"] = path[len(self._prefix) :]
        return self._app(environ, start_response)


class Handler(WSGIRequestHandler):
    """Writes of failures only; every request would be a line otherwise."""

    def log_request(self, code="-", size="-"):
        if str(code) >= "500":
            super().log_request(code, size)


def open_store(directory):
    """Let MLflow keep everything in ``directory``; brings the database of an earlier version up to date."""
    database = directory / "mlflow.db"
    uri = f"sqlite:///{database}"
    artifacts = directory / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    is_new = not database.exists()
    # So that who reads does not wait for who writes. Kept in the file.
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    if not is_new:
        _upgrade_db(create_sqlalchemy_engine(uri))
    os.environ[server.BACKEND_STORE_URI_ENV_VAR] = uri
    os.environ[server.SERVE_ARTIFACTS_ENV_VAR] = "true"
    os.environ[server.ARTIFACTS_DESTINATION_ENV_VAR] = artifacts.as_uri()
    os.environ[server.ARTIFACT_ROOT_ENV_VAR] = "mlflow-artifacts:/"
    handlers._tracking_store_registry.register("sqlite", lambda store_uri, artifact_uri: Store(store_uri, artifact_uri))
    handlers.initialize_backend_stores(uri, uri, "mlflow-artifacts:/")


def main():
    """Serve until the end."""
    idle_seconds, host, port, directory, prefix = sys.argv[1:]
    key = take_key()
    # Said aloud: the first process of a container has no such default.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    open_store(Path(directory))
    app = Guard(Below(server.app, prefix), key, float(idle_seconds))
    make_server(host, int(port), app, threaded=True, request_handler=Handler).serve_forever()


if __name__ == "__main__":
    main()
