"""Handlers written for TorchServe, called as TorchServe's worker calls them, without its server (FS-04…FS-12, FS-L01).

The package ``torchserve`` finds and initialises the handler, so that all of its forms work: a class with ``initialize`` and
``handle``, a function ``handle(data, context)``, a name ``file:function``, and the package's own (``image_classifier``, …).

What is different: ``data`` is the list of rows, the elements of ``instances`` (FS-12), not of bodies of requests. The rows of
one request always come together. Those of several do only where the model's parameter ``batch_size`` or ``batchSize`` in
``model-config.yaml`` is above 1, as TorchServe's own default is 1. A ValueError or TypeError of the handler, and what torch
raises on shapes and indices, says that the rows cannot be used; other exceptions are its own failure. Metrics that a handler
adds go to the log at level INFO, as in TorchServe's worker. Answers in pieces are not supported.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from uuid import uuid4

import torch
import ts
from ts.context import RequestProcessor
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl
from ts.model_loader import TsModelLoader
from ts.service import Service
from ts.torch_handler.base_handler import BaseHandler
from ts.utils.util import PredictionException, get_yaml_config

from easymaker_serving.frameworks.mar import read_manifest
from easymaker_serving.frameworks.rows import batch_size, check_answers
from easymaker_serving.model import InvalidInput, LoadFailed, LoadSettings, RowModel

_LIBRARIES = tuple(str(Path(module.__file__).parent) for module in (torch, ts))


class HandlerModel(RowModel):
    """A handler and the context that it was initialised with."""

    platform = "pytorch_torchserve"

    def __init__(self, service: Service, folder: TemporaryDirectory[str], max_batch: int) -> None:
        self.max_batch = max_batch
        self._handle = service._entry_point
        self._context = service.context
        self._folder = folder

    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        """Return what the handler returns for these rows."""
        return check_answers(self._call(rows, {}), len(rows), "The handler")

    def close(self) -> None:
        """Remove what was unpacked."""
        self._folder.cleanup()

    def _call(self, rows: list[Any], headers: Mapping[str, str]) -> Any:
        context = self._context
        context.request_processor = [RequestProcessor({"content-type": "application/json", **headers}) for _ in rows]
        context.request_ids = {index: str(uuid4()) for index in range(len(rows))}
        context.metrics.set_request_ids(context.request_ids)
        try:
            answers = self._handle(rows, context)
        except PredictionException as error:
            if 400 <= error.error_code < 500:
                raise InvalidInput(error.message) from error
            raise
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"the handler cannot use the rows: {_first_line(error)}") from error
        except (RuntimeError, IndexError) as error:
            if isinstance(error, (torch.OutOfMemoryError, torch.AcceleratorError)) or not _raised_by_library(error):
                raise
            raise InvalidInput(f"the handler cannot use the rows: {_first_line(error)}") from error
        for request in context.request_processor:
            code, phrase = request.get_response_status_code(), request.get_response_status_phrase()
            if 400 <= code < 500:
                raise InvalidInput(phrase or f"the handler answered with status {code}")
            if code >= 500:
                raise RuntimeError(f"The handler answered with status {code}: {phrase}")
        return answers


class ExplainedHandlerModel(HandlerModel):
    """One whose handler has ``explain_handle``, or ``get_insights`` for that of the base class."""

    explains: ClassVar[bool] = True

    def explain(self, instances: list[Any]) -> tuple[list[Any], list[Any]]:
        """Call the handler twice, the second time with the header by which TorchServe asks for an explanation."""
        explanations = self._call(instances, {"explain": "True"})
        if hasattr(explanations, "tolist"):
            explanations = explanations.tolist()
        answers = self.predict(instances, {})
        return answers, list(explanations) if isinstance(explanations, (list, tuple)) else [explanations]


def load(folder: TemporaryDirectory[str], settings: LoadSettings) -> HandlerModel:
    """Initialise the handler that the manifest in ``folder`` names. It works in ``folder``, as under TorchServe."""
    try:
        return _load(folder, settings)
    except BaseException:
        folder.cleanup()
        raise


def _load(folder: TemporaryDirectory[str], settings: LoadSettings) -> HandlerModel:
    place = Path(folder.name)
    model = read_manifest(place)
    name, handler = model.get("modelName", settings.name), model["handler"]
    size = batch_size(settings.parameters, _configured(place, model).get("batchSize", 1))
    os.chdir(place)
    sys.path.insert(0, folder.name)
    _import(handler, place)
    metrics = MetricsCacheYamlImpl(str(Path(ts.__file__).parent / "configs" / "metrics.yaml"))
    metrics.initialize_cache()
    metrics.model_name = name
    gpu = 0 if torch.cuda.is_available() else None
    try:
        service = TsModelLoader().load(name, folder.name, handler, gpu, size, metrics_cache=metrics)
    except ModuleNotFoundError as error:
        raise LoadFailed(f"The handler {handler!r} needs the module {error.name!r}, which is not installed here.") from error
    except Exception as error:
        raise LoadFailed(f"The handler {handler!r} cannot be initialised: {type(error).__name__}: {error}") from error
    return (ExplainedHandlerModel if _explains(service) else HandlerModel)(service, folder, size)


def _import(handler: str, folder: Path) -> None:
    """Import the handler's module before the loader does, which takes any failure for a name of the package's handlers."""
    file = handler.partition(":")[0].removesuffix(".py")
    own = (folder / f"{file}.py").is_file()
    try:
        importlib.import_module(file.rpartition("/")[2] if own else f"ts.torch_handler.{file}")
    except ModuleNotFoundError as error:
        if error.name == f"ts.torch_handler.{file}":
            raise LoadFailed(f"The handler {handler!r} is neither in the archive nor one of TorchServe's.") from error
        raise LoadFailed(f"The handler {handler!r} needs the module {error.name!r}, which is not installed here.") from error
    except Exception as error:
        raise LoadFailed(f"The handler {handler!r} cannot be imported: {type(error).__name__}: {error}") from error


def _configured(folder: Path, model: Mapping[str, Any]) -> Mapping[str, Any]:
    if "configFile" not in model:
        return {}
    try:
        found = get_yaml_config(str(folder / model["configFile"]))
    except Exception as error:
        raise LoadFailed(f"{model['configFile']!r} cannot be read: {_first_line(error)}") from error
    return found if isinstance(found, dict) else {}


def _explains(service: Service) -> bool:
    handler = type(getattr(service._entry_point, "__self__", None))
    own = getattr(handler, "explain_handle", None)
    return own is not None and (own is not BaseHandler.explain_handle or hasattr(handler, "get_insights"))


def _raised_by_library(error: BaseException) -> bool:
    """Whether torch found fault with the rows (a shape, an index), and not the handler's own code with itself."""
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1].filename.startswith(_LIBRARIES)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
