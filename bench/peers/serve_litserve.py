"""One model behind LitServe, under the path of the protocol: ``python serve_litserve.py FOLDER PORT MODEL``."""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import litserve
import numpy as np
import torch
from models import mean

folder, port, name = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


class Served(litserve.LitAPI):
    """A function as a model."""

    def setup(self, device: str) -> None:
        """Load."""
        torch.set_num_threads(1)
        if name == "iris":
            self.function = joblib.load(folder / "iris" / "iris.joblib").predict
        elif name == "mlp":
            mlp = torch.export.load(folder / "mlp" / "mlp.pt2").module()
            self.function = lambda rows: mlp(torch.from_numpy(rows)).detach().numpy()
        else:
            self.function = mean

    def decode_request(self, request: dict) -> np.ndarray:
        """Read the only tensor."""
        tensor = request["inputs"][0]
        return np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Compute."""
        return self.function(rows)

    def encode_response(self, output: np.ndarray) -> dict:
        """Write it as the protocol has it."""
        tensor = {"name": "output", "shape": output.shape, "datatype": "FP32", "data": output.ravel().tolist()}
        return {"model_name": name, "outputs": [tensor]}


if __name__ == "__main__":
    api = Served(api_path=f"/v2/models/{name}/infer")
    litserve.LitServer(api, accelerator="cpu", workers_per_device=1).run(
        port=port, generate_client_file=False, num_api_servers=1
    )
