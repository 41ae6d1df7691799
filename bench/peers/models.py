"""Make the models of the comparison with whatever this environment has: ``python models.py FOLDER``.

``iris.joblib`` is a logistic regression, ``mlp.pt2`` a 784-512-10 perceptron, ``image.pt2`` the mean of an image.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    """Write what can be made here."""
    folder.mkdir(parents=True)
    with contextlib.suppress(ImportError):
        make_iris(folder)
    with contextlib.suppress(ImportError):
        make_networks(folder)


def make_iris(folder: Path) -> None:
    """Train and save the regression."""
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    data = load_iris()
    (folder / "iris").mkdir()
    joblib.dump(LogisticRegression(max_iter=1000).fit(data.data, data.target), folder / "iris" / "iris.joblib")


def make_networks(folder: Path) -> None:
    """Export perceptron and mean."""
    import torch

    torch.manual_seed(0)
    mlp = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 10)).eval()
    rows = torch.export.Dim("rows", min=1, max=1024)
    for name, model, example in (("mlp", mlp, torch.zeros(2, 784)), ("image", Mean(), torch.zeros(2, 3, 224, 224))):
        (folder / name).mkdir()
        torch.export.save(torch.export.export(model, (example,), dynamic_shapes=({0: rows},)), folder / name / f"{name}.pt2")


def mean(images: np.ndarray) -> np.ndarray:
    """The image model in numpy, for servers that take any function."""
    return images.mean(axis=(1, 2, 3), keepdims=True).reshape(-1, 1)


try:
    from torch import Tensor, nn

    class Mean(nn.Module):
        """The mean of each image."""

        def forward(self, images: Tensor) -> Tensor:
            """Return a column."""
            return images.mean(dim=(1, 2, 3)).unsqueeze(1)
except ImportError:
    pass

if __name__ == "__main__":
    main(Path(sys.argv[1]))
