"""Loads models of one framework and calls them for a test, in the environment that serves them: JSON in and out, by lines.

Usage: ask.py FRAMEWORK. Tensors are {"datatype", "shape", "data"}, as in version 2.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from easymaker_serving.datatypes import DTYPES, datatype_of, protocol_array
from easymaker_serving.model import InvalidInput, LoadFailed, LoadSettings, Model, TensorModel
from easymaker_serving.signature import Signature


def array(tensor: dict[str, Any]) -> np.ndarray:
    data = tensor["data"]
    if tensor["datatype"] == "BYTES":
        data = [item.encode("utf-8", "surrogateescape") for item in data]
    made = np.array(data, dtype=DTYPES[tensor["datatype"]]).reshape(tensor["shape"])
    made.flags.writeable = False  # as the server's own may be
    return made


def tensor(made: np.ndarray) -> dict[str, Any]:
    assert isinstance(made, np.ndarray)
    made = protocol_array(made)
    values = made.astype(float) if made.dtype.name == "bfloat16" else made
    data = [item.decode() if isinstance(item, bytes) else item for item in values.ravel().tolist()]
    return {"datatype": datatype_of(made), "shape": list(made.shape), "data": data}


def describe(model: Model) -> dict[str, Any]:
    return {
        "platform": model.platform,
        "inputs": [[spec.name, spec.datatype, spec.shape and list(spec.shape)] for spec in model.inputs],
        "outputs": [[spec.name, spec.datatype, spec.shape and list(spec.shape)] for spec in model.outputs],
        "max_batch": model.max_batch,
        "explains": model.explains,
    }


def answer(framework: Any, model: Model | None, request: dict[str, Any]) -> tuple[Model | None, Any]:
    parameters = request.get("parameters", {})
    if "load" in request:
        if model is not None:
            model.close()
        model = framework.load(LoadSettings(Path(request["load"]), request["name"], parameters, request["threads"]))
        return model, describe(model)
    assert model is not None
    if "close" in request:
        return None, model.close()
    if "explain" in request:
        return model, model.explain(request["explain"])
    if not isinstance(model, TensorModel):
        return model, model.predict(request["rows"], parameters)
    inputs = {name: array(value) for name, value in request["inputs"].items()}
    signature = Signature(*model.signature_for(inputs.keys(), parameters))
    signature.check_outputs(request["outputs"])
    found = model.predict(signature.fit(inputs), request["outputs"], parameters)
    return model, {name: tensor(value) for name, value in found.items()}


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what users' code prints is no answer
    framework = importlib.import_module(f"easymaker_serving.frameworks.{sys.argv[1]}")
    model = None
    for line in sys.stdin:
        try:
            model, result = answer(framework, model, json.loads(line))
            said = {"result": result}
        except (InvalidInput, LoadFailed) as error:
            said = {"error": type(error).__name__, "message": str(error)}
        except Exception as error:
            said = {"error": f"unexpected {type(error).__name__}", "message": str(error)}
        print(json.dumps(said), file=out, flush=True)


main()
