"""Makes one model of a framework with questions to it and the answers that the framework itself gives.

``python make_samples.py sklearn|python|tensorflow|pytorch|transformers FOLDER`` writes a directory per model and beside it
``<model>.json``: the fields of ``Sample`` in ``easymaker_local/testing/serving_suite.py``.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np


def keep(folder: Path, name: str, instances: Any, predictions: Any, tensors: Any, wrong: Any, **more: Any) -> None:
    sample = {"instances": instances, "predictions": predictions, "tensors": tensors, "wrong": wrong, **more}
    (folder / f"{name}.json").write_text(json.dumps(sample))


def tensor(name: str, rows: np.ndarray, datatype: str) -> dict[str, Any]:
    return {"name": name, "shape": list(rows.shape), "datatype": datatype, "data": rows.ravel().tolist()}


def text_tensor(texts: list[str]) -> dict[str, Any]:
    return {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": texts}


def wrong_numbers(name: str, rows: np.ndarray, datatype: str) -> dict[str, Any]:
    """What a model of numbers with two axes must refuse."""
    good = tensor(name, rows, datatype)
    return {
        "too few columns": [name, [tensor(name, rows[:, :-1], datatype)]],
        "no axes": [name, [{**good, "shape": [], "data": [1]}]],
        "text": [name, [{**good, "datatype": "BYTES", "data": ["x"] * rows.size}]],
        "another name": ["nope", [{**good, "name": "nope"}]],
        "twice": [name, [good, good]],
    }


def make_sklearn(folder: Path) -> None:
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    x, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(x, y)
    rows = x[[0, 60, 120, 10]]
    (folder / "sklearn").mkdir()
    joblib.dump(model, folder / "sklearn" / "model.joblib")
    wrong = wrong_numbers("input", rows, "FP64")
    del wrong["another name"]  # the only input may have any
    keep(folder, "sklearn", rows.tolist(), model.predict(rows).tolist(), [tensor("input", rows, "FP64")], wrong)


PREDICT = """
class Model:
    def predict(self, rows):
        return [row * 2 for row in rows]

    def explain(self, rows):
        return [f"twice {row}" for row in rows]
"""


def make_python(folder: Path) -> None:
    (folder / "python").mkdir()
    (folder / "python" / "predict.py").write_text(PREDICT)
    rows = np.array([1.5, 2.0, -3.0])
    wrong = {"what the class refuses": ["", [{"name": "input", "shape": [0], "datatype": "FP64", "data": [1]}]]}
    keep(
        folder,
        "python",
        rows.tolist(),
        (rows * 2).tolist(),
        [tensor("input", rows, "FP64")],
        wrong,
        is_described=False,
        explains=True,
    )


def make_tensorflow(folder: Path) -> None:
    import tensorflow as tf

    class Affine(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = tf.Variable([[1.0], [2.0], [-1.0]])

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def __call__(self, x: Any) -> Any:
            return {"y": x @ self.weights}

    model = Affine()
    tf.saved_model.save(model, str(folder / "tensorflow" / "1"))
    rows = np.array([[1, 2, 3], [0.5, 0.25, 4], [-1, 0, 1]], dtype=np.float32)
    answers = model(rows)["y"].numpy().tolist()
    keep(folder, "tensorflow", rows.tolist(), answers, [tensor("x", rows, "FP32")], wrong_numbers("x", rows, "FP32"))


MODEL = """
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, rows):
        return self.layer(rows)
"""
HANDLER = """
import torch
from ts.torch_handler.base_handler import BaseHandler


class Handler(BaseHandler):
    def preprocess(self, data):
        return torch.tensor(data, dtype=torch.float32)

    def postprocess(self, data):
        return data.tolist()
"""


def make_pytorch(folder: Path) -> None:
    import torch

    scope: dict[str, Any] = {}
    exec(MODEL, scope)
    torch.manual_seed(0)
    net = scope["Net"]().eval()
    rows = torch.tensor([[1, 2, 3], [0.5, 0.25, 4], [-1, 0, 1]])
    answers = net(rows).tolist()
    files, archive, program = folder / "files", folder / "archive", folder / "export"
    for place in (files, archive, program):
        place.mkdir()
    torch.save(net.state_dict(), files / "weights.pt")
    (files / "model.py").write_text(MODEL)
    (files / "handler.py").write_text(HANDLER)
    manifest = {
        "runtime": "python", "archiverVersion": "0.12.0",
        "model": {
            "modelName": "archive", "serializedFile": "weights.pt", "handler": "handler.py", "modelFile": "model.py",
            "modelVersion": "1.0",
        },
    }  # fmt: skip
    with zipfile.ZipFile(archive / "archive.mar", "w") as packed:
        packed.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
        for name in ("model.py", "handler.py", "weights.pt"):
            packed.write(files / name, name)
    count = torch.export.Dim("rows", min=1, max=256)
    torch.export.save(torch.export.export(net, (rows,), dynamic_shapes=({0: count},)), program / "net.pt2")
    given = rows.numpy()
    for name in ("files", "archive"):
        wrong = {"rows of another length": ["", [tensor("input", given[:, :-1], "FP32")]]}
        keep(folder, name, given.tolist(), answers, [tensor("input", given, "FP32")], wrong, is_described=False)
    keep(folder, "export", given.tolist(), answers, [tensor("rows", given, "FP32")], wrong_numbers("rows", given, "FP32"))


def make_transformers(folder: Path) -> None:
    import make_transformers as tiny
    import torch
    from transformers import BertConfig, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel

    words, letters = tiny.words(), tiny.letters()
    bert = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=32, pad_token_id=0, initializer_range=0.5, id2label={0: "CALM", 1: "GLAD", 2: "SAD"},
    )  # fmt: skip
    tiny.save(folder / "classifier", words, BertForSequenceClassification, bert)
    gpt2 = GPT2Config(
        vocab_size=len(letters), n_embd=32, n_layer=2, n_head=4, n_positions=128, pad_token_id=0, bos_token_id=1,
        eos_token_id=1, initializer_range=0.3,
    )  # fmt: skip
    tiny.save(folder / "generator", letters, GPT2LMHeadModel, gpt2)

    texts = ["the fox is lazy", "a model served", "and the fox", "lazy"]
    wrong = {"numbers": ["text", [{"name": "text", "shape": [1], "datatype": "FP32", "data": [1.0]}]]}
    classifier = BertForSequenceClassification.from_pretrained(folder / "classifier").eval()
    with torch.inference_mode():
        scores = [classifier(**words(text, return_tensors="pt")).logits.softmax(-1)[0] for text in texts]
        answers = [{"label": classifier.config.id2label[int(row.argmax())], "score": float(row.max())} for row in scores]
        keep(folder, "classifier", texts, answers, [text_tensor(texts)], wrong)
        generator = GPT2LMHeadModel.from_pretrained(folder / "generator").eval()
        answers = []
        for text in texts:
            given = letters(text, return_tensors="pt")
            found = generator.generate(**given, max_new_tokens=4, do_sample=False)[0, given["input_ids"].shape[1] :]
            answers.append(letters.decode(found, skip_special_tokens=True, clean_up_tokenization_spaces=False))
    keep(folder, "generator", texts, answers, [text_tensor(texts)], wrong, generates=True, parameters={
        "parameters": {"max_new_tokens": 4, "temperature": 0}
    })  # fmt: skip


if __name__ == "__main__":
    {
        "sklearn": make_sklearn, "python": make_python, "tensorflow": make_tensorflow, "pytorch": make_pytorch,
        "transformers": make_transformers,
    }[sys.argv[1]](Path(sys.argv[2]))  # fmt: skip
