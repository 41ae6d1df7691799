"""Version 2 over gRPC, on a port of its own and before the same queue (OI-13). Imported only if that port is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from easymaker_serving.answers import QueueFull, Refused, status_of
from easymaker_serving.application import EXTENSIONS, SERVER, VERSION, Application, log_failure
from easymaker_serving.grpc_messages import SERVICE, message
from easymaker_serving.grpc_tensors import add_outputs, parameters, tensors
from easymaker_serving.inference import Inferences
from easymaker_serving.metrics import Metrics
from easymaker_serving.model import InvalidInput

_DRAIN_SECONDS = 3600.0
"""gRPC wants a bound for what is not bounded here: whoever stops the server has the last word."""

Answer = Callable[[Any], Awaitable[Any]]

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


def _parsed(parse: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return parse(data)
    except DecodeError:
        raise InvalidInput("the request is not a message of the protocol") from None


class GrpcServer:
    """Answers what the protocol's service is asked."""

    def __init__(self, application: Application, metrics: Metrics, max_body: int) -> None:
        self._application = application
        self._metrics = metrics
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", max_body),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ]
        )
        self._server.add_generic_rpc_handlers((self._handlers(),))

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port. Raises OSError."""
        try:
            found = self._server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except RuntimeError as exc:
            raise OSError(0, str(exc)) from None
        await self._server.start()
        return int(found)

    async def drain(self) -> None:
        """Take no more requests and return when those that have begun are answered."""
        await self._server.stop(_DRAIN_SECONDS)

    def _handlers(self) -> Any:
        answers: dict[str, Answer] = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ServerMetadata": self._server_metadata,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._model_infer,
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._guarded(name, answer),
                response_serializer=message(f"{name}Response").SerializeToString,
            )
            for name, answer in answers.items()
        }
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    def _guarded(self, name: str, answer: Answer) -> Callable[[Any, Any], Awaitable[Any]]:
        """Return the handler: what an answer raises becomes a code, and every outcome is counted."""
        parse = message(f"{name}Request").FromString
        route = self._metrics.route(f"grpc_{name}")

        async def handle(data: bytes, context: Any) -> Any:
            began = perf_counter()
            outcome = "CANCELLED"
            try:
                found = await answer(_parsed(parse, data))
                outcome = "OK"
            except Exception as exc:
                code, text = self._failure(exc)
                outcome = code.name
                await context.abort(code, text)
            finally:
                route.answered(outcome, perf_counter() - began)
            return found

        return handle

    def _failure(self, exc: Exception) -> tuple[grpc.StatusCode, str]:
        request_id = self._application.new_id()
        status, text = status_of(exc, request_id)
        if isinstance(exc, QueueFull):
            return grpc.StatusCode.RESOURCE_EXHAUSTED, text
        if status not in _CODES:
            log_failure(exc, request_id)
        return _CODES.get(status, grpc.StatusCode.INTERNAL), text

    def _served(self, name: str, version: str) -> Inferences:
        served = self._application.model()
        if name != served.name:
            raise Refused(404, f"model '{name}' is unknown; this server has '{served.name}'")
        if version not in ("", served.version):
            raise Refused(404, f"version '{version}' of model '{name}' is unknown; there is '{served.version}'")
        return served

    async def _server_live(self, _: Any) -> Any:
        return message("ServerLiveResponse")(live=True)

    async def _server_ready(self, _: Any) -> Any:
        return message("ServerReadyResponse")(ready=self._application.is_ready)

    async def _server_metadata(self, _: Any) -> Any:
        return message("ServerMetadataResponse")(name=SERVER, version=VERSION, extensions=EXTENSIONS)

    async def _model_ready(self, request: Any) -> Any:
        if self._application.served is None:
            return message("ModelReadyResponse")(ready=False)
        self._served(request.name, request.version)
        return message("ModelReadyResponse")(ready=self._application.is_ready)

    async def _model_metadata(self, request: Any) -> Any:
        return message("ModelMetadataResponse")(**self._served(request.name, request.version).metadata())

    async def _model_infer(self, request: Any) -> Any:
        served = self._served(request.model_name, request.model_version)
        names = tuple(output.name for output in request.outputs)
        if len(set(names)) != len(names):
            raise InvalidInput("an output is asked for twice")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(found: Any, exc: BaseException | None) -> None:
            if future.done():
                return
            if exc is None:
                future.set_result(found)
            else:
                future.set_exception(exc if isinstance(exc, Exception) else RuntimeError(type(exc).__name__))

        drop = served.infer(tensors(request), names or None, parameters(request.parameters), done)
        try:
            outputs = await future
        except asyncio.CancelledError:
            drop()
            raise
        response = message("ModelInferResponse")(
            model_name=served.name, model_version=served.version, id=request.id or self._application.new_id()
        )
        # Clients that send raw tensors read nothing else; those that send typed ones need not know the raw form.
        add_outputs(response, outputs, raw=bool(request.raw_input_contents) or not request.inputs)
        return response
