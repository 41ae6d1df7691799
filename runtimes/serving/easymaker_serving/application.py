"""What each route answers (OI-01 to OI-18): between HTTP and the model's queue."""

from __future__ import annotations

import asyncio
import sys
import traceback
import uuid
import zlib
from collections.abc import Callable
from itertools import count
from typing import Any

from easymaker_serving import v1, v2
from easymaker_serving.answers import Refused, Unavailable, error_of, to_json
from easymaker_serving.exchange import Exchange
from easymaker_serving.inference import Inferences
from easymaker_serving.metrics import Metrics
from easymaker_serving.model import InvalidInput, OpenAI, Stream, Unsupported
from easymaker_serving.routes import Route, Routes
from easymaker_serving.rows import predictions_of
from easymaker_serving.styles import STYLES, style_of

EXTENSIONS = ("binary_tensor_data", "model_versions")
"""What version 2 has beyond its core (OI-05)."""
SERVER = "easymaker-serving"
VERSION = "1.0.0"


class Application:
    """Answers the requests of one model's server. ``served`` is set when the model is loaded."""

    def __init__(self, routes: Routes, metrics: Metrics, max_body: int) -> None:
        self._routes = routes
        self._metrics = metrics
        self._max_body = max_body
        self.served: Inferences | None = None
        self.is_draining = False
        metrics.is_ready = lambda: self.is_ready
        process = uuid.uuid4().hex[:12]
        self._ids = (f"{process}-{number}" for number in count(1))
        self._tasks: set[asyncio.Task[None]] = set()
        answers: dict[Route, Callable[[Exchange], None]] = {
            Route.ROOT: self._root,
            Route.V1_LIST: self._v1_list,
            Route.V1_READY: self._v1_ready,
            Route.V1_PREDICT: self._v1_predict,
            Route.V1_EXPLAIN: self._v1_explain,
            Route.V2_SERVER: self._v2_server,
            Route.V2_LIVE: lambda exchange: exchange.answer_json(b'{"live":true}'),
            Route.V2_READY: self._v2_ready,
            Route.V2_MODEL: self._v2_model,
            Route.V2_MODEL_READY: self._v1_ready,
            Route.V2_INFER: self._v2_infer,
            Route.OPENAI_MODELS: self._openai_models,
            Route.OPENAI_COMPLETIONS: self._openai,
            Route.OPENAI_CHAT: self._openai,
            Route.METRICS: self._show_metrics,
        }
        self._paths = {path: (metrics.route(route), route.methods, answers[route]) for path, route in routes.table().items()}
        self._styles = {route: (metrics.route(route), answers[route]) for route in STYLES}
        self._chat = metrics.route(Route.OPENAI_CHAT)

    @property
    def is_ready(self) -> bool:
        """Whether new requests should come here."""
        return self.served is not None and not self.is_draining

    def new_id(self) -> str:
        """Return an id for a request that brought none."""
        return next(self._ids)

    def handle(self, exchange: Exchange) -> None:
        """Answer now or later; never raises."""
        try:
            path = exchange.path
            if path not in self._paths:
                path = self._routes.find(self._paths, path)
            exchange.route, methods, answer = self._paths[path]
            if exchange.method not in methods:
                allowed = b", ".join(sorted(methods)).decode()
                raise Refused(405, f"the method {exchange.method.decode()} is not for this path", allow=allowed)
            answer(exchange)
        except Exception as exc:
            self._fail(exchange, exc)

    def _fail(self, exchange: Exchange, exc: BaseException, request_id: str = "") -> None:
        request_id = request_id or self.new_id()
        response = error_of(exc, request_id)
        if response.status == 500:
            log_failure(exc, request_id)
        exchange.respond(response)

    def model(self) -> Inferences:
        """Return the model. Raises Unavailable while it is being loaded."""
        if self.served is None:
            raise Unavailable("the model is being loaded")
        return self.served

    def _root(self, exchange: Exchange) -> None:
        if exchange.method != b"POST":
            exchange.answer_json(b'{"status":"alive"}')
            return
        body = self._body(exchange)
        if b"content-encoding" in exchange.headers:
            exchange.body = body
            # Another one: the connection keeps the headers for the next request with the same head.
            exchange.headers = {name: value for name, value in exchange.headers.items() if name != b"content-encoding"}
        is_binary = b"inference-header-content-length" in exchange.headers
        # From here on it counts as what it turned out to be.
        exchange.route, answer = self._styles[Route.V2_INFER if is_binary else style_of(body)]
        answer(exchange)

    # version 1

    def _v1_list(self, exchange: Exchange) -> None:
        exchange.answer_json(to_json({"models": [self._routes.model]}))

    def _v1_ready(self, exchange: Exchange) -> None:
        state = {"name": self._routes.model, "ready": self.is_ready}
        if self.is_ready:
            exchange.answer_json(to_json(state))
        else:
            exchange.answer(503, [to_json({**state, "error": self._why_not()})], "application/json", {"Retry-After": "1"})

    def _v1_predict(self, exchange: Exchange) -> None:
        served = self.model()
        body = v1.decode(self._body(exchange), arrays=not served.takes_rows)
        if served.takes_rows:
            done = self._then(exchange, lambda rows: exchange.answer_json(to_json({"predictions": rows})))
            exchange.on_gone = served.predict_rows(body.listed(), body.parameters, done)
        else:
            tensors = v1.tensors(body, lambda names: served.signature_for(names, body.parameters).inputs)
            done = self._then(exchange, lambda found: exchange.answer_json(to_json({"predictions": predictions_of(found)})))
            exchange.on_gone = served.predict_tensors(tensors, None, body.parameters, done)

    def _v1_explain(self, exchange: Exchange) -> None:
        served = self.model()
        if not served.model.explains:  # whatever is in the body
            raise Unsupported("this model has no explainer")
        body = v1.decode(self._body(exchange), arrays=False)

        def answer(found: Any) -> None:
            predictions, explanations = found
            exchange.answer_json(to_json({"predictions": predictions, "explanations": explanations}))

        exchange.on_gone = served.explain(body.listed(), self._then(exchange, answer))

    # version 2

    def _v2_server(self, exchange: Exchange) -> None:
        exchange.answer_json(to_json({"name": SERVER, "version": VERSION, "extensions": EXTENSIONS}))

    def _v2_ready(self, exchange: Exchange) -> None:
        if self.is_ready:
            exchange.answer_json(b'{"ready":true}')
        else:
            state = {"ready": False, "error": self._why_not()}
            exchange.answer(503, [to_json(state)], "application/json", {"Retry-After": "1"})

    def _why_not(self) -> str:
        return "the server is ending" if self.is_draining else "the model is being loaded"

    def _v2_model(self, exchange: Exchange) -> None:
        exchange.answer_json(to_json(self.model().metadata()))

    def _v2_infer(self, exchange: Exchange) -> None:
        served = self.model()
        length = exchange.headers.get(b"inference-header-content-length")
        request = v2.decode(self._body(exchange), _number(length) if length is not None else None)
        request_id = request.id or self.new_id()

        def answer(outputs: Any) -> None:
            head = {"model_name": served.name, "model_version": served.version, "id": request_id}
            text, parts = v2.encode(head, outputs, request)
            if parts:
                headers = {"Inference-Header-Content-Length": str(len(text))}
                exchange.answer(200, [text, *parts], "application/octet-stream", headers)
            else:
                exchange.answer_json(text)

        done = self._then(exchange, answer, request_id)
        exchange.on_gone = served.infer(request.tensors, request.outputs, request.parameters, done)

    # OpenAI

    def _generator(self) -> OpenAI:
        openai = self.model().openai
        if openai is None:
            raise Unsupported("this model does not generate text: the OpenAI routes are not offered")
        return openai

    def _openai_models(self, exchange: Exchange) -> None:
        self._generator()
        model = {"id": self._routes.model, "object": "model", "created": 0, "owned_by": "easymaker"}
        is_one = exchange.path.rpartition(b"/")[2] != b"models"
        exchange.answer_json(to_json(model if is_one else {"object": "list", "data": [model]}))

    def _openai(self, exchange: Exchange) -> None:
        openai = self._generator()
        handler = openai.chat_completions if exchange.route is self._chat else openai.completions
        if handler is None:
            raise Unsupported(f"this model does not offer {exchange.path.decode('latin-1')}")
        exchange.body = self._body(exchange)

        async def run() -> None:
            request_id = self.new_id()
            is_begun = False
            try:
                found = await handler(exchange.request())
                if isinstance(found, Stream):
                    is_begun = True
                    await exchange.stream(found)
                else:
                    exchange.respond(found)
            except Exception as exc:
                if is_begun:
                    log_failure(exc, request_id)
                    exchange.abort()
                else:
                    self._fail(exchange, exc, request_id)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        exchange.on_gone = task.cancel

    # the rest

    def _show_metrics(self, exchange: Exchange) -> None:
        exchange.answer(200, [self._metrics.text().encode()], "text/plain; version=0.0.4; charset=utf-8")

    def _body(self, exchange: Exchange) -> bytes | memoryview:
        headers = exchange.headers
        if b"content-length" not in headers and b"transfer-encoding" not in headers:
            raise Refused(411, "the request has no body and no Content-Length")
        encoding = headers.get(b"content-encoding")
        if encoding is None or (encoding := encoding.strip().lower()) in (b"identity", b""):
            return exchange.body
        if encoding not in (b"gzip", b"x-gzip", b"deflate"):
            raise Refused(415, f"the content encoding '{encoding.decode('latin-1')}' is unknown; gzip and deflate are known")
        return _inflated(exchange.body, self._max_body)

    def _then(self, exchange: Exchange, answer: Callable[[Any], None], request_id: str = "") -> Callable[[Any, Any], None]:
        def done(found: Any, exc: BaseException | None) -> None:
            try:
                if exc is not None:
                    raise exc
                answer(found)
            except BaseException as failure:
                self._fail(exchange, failure, request_id)

        return done


def log_failure(exc: BaseException, request_id: str) -> None:
    """Write what an answer does not say to the log."""
    print(f"Request {request_id} failed:", file=sys.stderr)
    traceback.print_exception(exc, file=sys.stderr)
    sys.stderr.flush()


def _number(value: bytes) -> int:
    if not value.isdigit() or len(value) > 18:
        raise InvalidInput("Inference-Header-Content-Length is not a number")
    return int(value)


def _inflated(body: bytes | memoryview, limit: int) -> bytes:
    """Return the body as it was before gzip or deflate, of which there are two kinds. Raises Refused, InvalidInput."""
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        inflater = zlib.decompressobj(window)
        try:
            found = inflater.decompress(body, limit + 1)
        except zlib.error:
            continue
        if len(found) > limit:
            raise Refused(413, f"the body is larger than {limit} bytes")
        if not inflater.eof or inflater.unused_data:
            break
        return found
    raise InvalidInput("the body is not in its content encoding")
