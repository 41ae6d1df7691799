"""The models behind Triton, by its Python front: ``python serve_triton.py FOLDER PORT GRPC_PORT METRICS_PORT``."""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import numpy as np
from models import mean
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

folder = Path(sys.argv[1])
port, grpc_port, metrics_port = map(int, sys.argv[2:5])
iris = joblib.load(folder / "iris" / "iris.joblib")


@batch
def classify(**inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the class of each row."""
    return {"output": iris.predict(inputs["input"]).reshape(-1, 1)}


@batch
def average(**inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the mean of each image."""
    return {"output": mean(inputs["input"])}


config = TritonConfig(http_address="127.0.0.1", http_port=port, grpc_port=grpc_port, metrics_port=metrics_port, log_verbose=0)
with Triton(config=config) as triton:
    batching = ModelConfig(max_batch_size=64)
    triton.bind(
        "iris", classify, [Tensor(name="input", dtype=np.float64, shape=(4,))],
        [Tensor(name="output", dtype=np.int64, shape=(1,))], config=batching,
    )  # fmt: skip
    triton.bind(
        "image", average, [Tensor(name="input", dtype=np.float32, shape=(3, 224, 224))],
        [Tensor(name="output", dtype=np.float32, shape=(1,))], config=batching,
    )  # fmt: skip
    triton.serve()
