"""How the model answers when it is served, in TorchServe's way: rows of four measurements in, names of species out."""

import torch
from ts.torch_handler.base_handler import BaseHandler

SPECIES = ["setosa", "versicolor", "virginica"]


class IrisHandler(BaseHandler):
    def preprocess(self, data: list) -> torch.Tensor:
        return torch.tensor(data, dtype=torch.float32, device=self.device)

    def postprocess(self, data: torch.Tensor) -> list:
        best = data.softmax(1).max(1)
        return [
            {"species": SPECIES[index], "probability": probability}
            for index, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
