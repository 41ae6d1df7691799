"""A handler with an explanation, as the vision handlers have: ``get_insights`` beside the base class."""

import torch
from ts.torch_handler.base_handler import BaseHandler


class Explaining(BaseHandler):
    def preprocess(self, data):
        return torch.tensor(data)

    def get_insights(self, tensor_data, _, target=0):
        tensor_data.requires_grad_()
        self.model(tensor_data)[:, target].sum().backward()
        return tensor_data.grad.tolist()
