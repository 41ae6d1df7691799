"""The models that MLServer has no runtime for."""

from __future__ import annotations

import torch
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from models import mean


class Image(MLModel):
    """The mean of images."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Compute."""
        output = mean(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("output", output)])


class Mlp(MLModel):
    """The perceptron."""

    async def load(self) -> bool:
        """Read it."""
        torch.set_num_threads(1)
        self._model = torch.export.load(self.settings.parameters.uri).module()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Compute."""
        rows = torch.from_numpy(NumpyCodec.decode_input(payload.inputs[0]).copy())
        output = self._model(rows).detach().numpy()
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("output", output)])
