"""A handler as in TorchServe's documentation: the base class, with its own way in and out."""

from pathlib import Path

import torch
from ts.torch_handler.base_handler import BaseHandler


class Classifier(BaseHandler):
    """Names the best of the scores; reads a file beside it by its relative name, and writes one."""

    def initialize(self, context):
        super().initialize(context)
        self.note = Path("note.txt").read_text().strip()
        (Path(context.system_properties["model_dir"]) / "scratch").write_text("handlers may")

    def preprocess(self, data):
        return torch.tensor([[row["a"], row["b"]] for row in data], dtype=torch.float32)

    def postprocess(self, data):
        self.context.metrics.add_counter("Predictions", len(data))
        return [{"species": self.mapping[str(best)], "note": self.note} for best in data.argmax(1).tolist()]
