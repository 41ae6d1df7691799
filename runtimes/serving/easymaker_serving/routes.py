"""Which path is what: every route of OI for one model, as a table (OI-01 to OI-12).

The root is asked by KServe's clients whether the server lives. What is posted to it says itself in which style it asks: the
gateway sends there what comes to a stage's root and to a path of the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote_to_bytes

from easymaker_serving.answers import Refused


class Route(StrEnum):
    """What is asked; the values are the labels of the metrics."""

    ROOT = "root"
    V1_LIST = "v1_list"
    V1_READY = "v1_ready"
    V1_PREDICT = "v1_predict"
    V1_EXPLAIN = "v1_explain"
    V2_SERVER = "v2_server"
    V2_LIVE = "v2_live"
    V2_READY = "v2_ready"
    V2_MODEL = "v2_model"
    V2_MODEL_READY = "v2_model_ready"
    V2_INFER = "v2_infer"
    OPENAI_MODELS = "openai_models"
    OPENAI_COMPLETIONS = "openai_completions"
    OPENAI_CHAT = "openai_chat_completions"
    METRICS = "metrics"

    @property
    def methods(self) -> frozenset[bytes]:
        """Return the methods that it takes."""
        if self is Route.ROOT:
            return _GET | _POST
        return _POST if self in _POSTS else _GET


_GET = frozenset({b"GET", b"HEAD"})
_POST = frozenset({b"POST"})
_POSTS = frozenset({Route.V1_PREDICT, Route.V1_EXPLAIN, Route.V2_INFER, Route.OPENAI_COMPLETIONS, Route.OPENAI_CHAT})


@dataclass(frozen=True)
class Routes:
    """The paths of a model's server."""

    model: str
    version: str

    def table(self) -> dict[bytes, Route]:
        """Return every path: below ``/`` and below ``/{model}/``, versioned and not, in each spelling."""
        model = quote(self.model, safe="-._~")
        paths: dict[str, Route] = {
            "/": Route.ROOT,
            "/v1/models": Route.V1_LIST,
            "/v2": Route.V2_SERVER,
            "/v2/": Route.V2_SERVER,
            "/v2/health/live": Route.V2_LIVE,
            "/v2/health/ready": Route.V2_READY,
            "/openai/v1/models": Route.OPENAI_MODELS,
            f"/openai/v1/models/{model}": Route.OPENAI_MODELS,
            "/metrics": Route.METRICS,
        }
        for name in (f"models/{model}", f"models/{model}/versions/{quote(self.version, safe='-._~')}"):
            paths[f"/v1/{name}"] = Route.V1_READY
            for separator in "/:":
                paths[f"/v1/{name}{separator}predict"] = Route.V1_PREDICT
                paths[f"/v1/{name}{separator}explain"] = Route.V1_EXPLAIN
            paths[f"/v2/{name}"] = Route.V2_MODEL
            paths[f"/v2/{name}/ready"] = Route.V2_MODEL_READY
            paths[f"/v2/{name}/infer"] = Route.V2_INFER
        for prefix in ("/openai/v1", "/v1"):
            paths[f"{prefix}/completions"] = Route.OPENAI_COMPLETIONS
            paths[f"{prefix}/chat/completions"] = Route.OPENAI_CHAT
        below = {f"/{model}{path}": route for path, route in paths.items()}
        return {path.encode(): route for path, route in {**below, **paths}.items()}

    def find(self, table: Mapping[bytes, object], path: bytes) -> bytes:
        """Return the usual spelling of a path in the table. Raises Refused (404) that says what is unknown."""
        if not path.startswith(b"/"):  # a whole address, as for a proxy (RFC 9112, section 3.2.2)
            path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
        spelled = quote(unquote_to_bytes(path), safe="/:-._~").encode()
        for candidate in (spelled, spelled.rstrip(b"/")):
            if candidate in table:
                return candidate
        raise Refused(404, self._unknown(spelled.decode()))

    def _unknown(self, path: str) -> str:
        parts = path.split("/")
        if "models" in parts[:-1]:
            after = parts[parts.index("models") + 1 :]
            name = after[0].partition(":")[0]
            if name != quote(self.model, safe="-._~"):
                return f"model '{name}' is unknown; this server has '{self.model}'"
            if len(after) > 2 and after[1] == "versions" and after[2].partition(":")[0] != self.version:
                return f"version '{after[2].partition(':')[0]}' of model '{self.model}' is unknown; there is '{self.version}'"
        return f"there is nothing at {path}"
