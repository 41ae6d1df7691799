"""A model behind KServe's own Python server: ``python serve_kserve.py FOLDER PORT GRPC_PORT MODEL``."""

from __future__ import annotations

import sys
from pathlib import Path

from kserve import InferRequest, InferResponse, Model, ModelServer
from kserve.utils.utils import get_predict_response
from models import mean

folder, port, grpc_port, name = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
if name == "iris":
    import joblib

    function = joblib.load(folder / "iris" / "iris.joblib").predict
elif name == "mlp":
    import torch

    torch.set_num_threads(1)
    mlp = torch.export.load(folder / "mlp" / "mlp.pt2").module()

    def function(rows):
        """Compute."""
        return mlp(torch.from_numpy(rows.copy())).detach().numpy()
else:
    function = mean


class Served(Model):
    """A function as a model."""

    def __init__(self) -> None:
        super().__init__(name)
        self.ready = True

    async def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        """Compute."""
        return get_predict_response(payload, function(payload.inputs[0].as_numpy()), self.name)


ModelServer(http_port=port, grpc_port=grpc_port, workers=1, enable_grpc=True).start([Served()])
