"""Make small PyTorch models in every form; prints what the network answers itself.

Usage: make_pytorch.py DIRECTORY
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import torch

HANDLERS = Path(__file__).with_name("torchserve")
sys.path.insert(0, str(HANDLERS))

from network import Network  # noqa: E402

folder = Path(sys.argv[1])
torch.manual_seed(0)
network = Network().eval()
rows = torch.randn(3, 2)
batch = torch.export.Dim("batch")


class Several(torch.nn.Module):
    """Several inputs, one of them by keyword, and a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 3)
        self.register_buffer("table", torch.arange(10.0), persistent=False)

    def forward(self, numbers: torch.Tensor, *, index: torch.Tensor) -> dict[str, torch.Tensor]:
        scores = self.layer(numbers)
        return {"scores": scores, "best": scores.argmax(1), "looked_up": self.table[index]}


class Pair(torch.nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return a + b, a - b


class Words(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(5, 2)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.embedding(words).sum(1)


class Text(torch.nn.Module):
    def forward(self, words: list[str]) -> list[str]:
        return words


def export(name: str, module: torch.nn.Module, arguments: tuple, keywords: dict | None = None, shapes: object = None) -> None:
    (folder / name).mkdir()
    program = torch.export.export(module, arguments, keywords, dynamic_shapes=shapes)
    torch.export.save(program, folder / name / "model.pt2")


def loose(name: str, handler: str, **files: str) -> None:
    target = folder / name
    target.mkdir()
    shutil.copy(HANDLERS / "network.py", target / "model.py")
    shutil.copy(HANDLERS / handler, target / "handler.py")
    torch.save(network.state_dict(), target / "weights.pth")
    for path, content in files.items():
        (target / path).parent.mkdir(exist_ok=True)
        (target / path).write_text(content)


def archive(name: str, handler: str, *options: str, form: str = "default", weights: bool = True) -> None:
    target = folder / name
    target.mkdir()
    given = ["--serialized-file", str(folder / "weights.pt"), "--model-file", str(HANDLERS / "network.py")] if weights else []
    command = [
        sys.executable, "-m", "model_archiver.model_packaging", "--model-name", "net", "--version", "1.0", *given,
        "--handler", handler, "--export-path", str(target), "--archive-format", form, *options,
    ]  # fmt: skip
    # It packs in a directory of the model's name, below what everybody else uses too.
    subprocess.run(command, check=True, env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.DEVNULL)


several = Several().eval()
export("export", network, (rows,), shapes={"numbers": {0: batch}})
export("several", several, (rows,), {"index": torch.tensor([1, 2, 3])}, {"numbers": {0: batch}, "index": {0: batch}})
export("fixed", network, (rows[:1],))
export("auto", network, (rows,), shapes={"numbers": {0: torch.export.Dim.AUTO}})
export("limited", network, (rows,), shapes={"numbers": {0: torch.export.Dim("batch", min=3, max=5)}})
export("few", network, (rows,), shapes={"numbers": {0: torch.export.Dim("batch", max=5)}})
export("half", Network().to(torch.bfloat16), (rows.to(torch.bfloat16),), shapes={"numbers": {0: batch}})
export("constant", torch.nn.Flatten(0), (rows,))

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TorchScript is no longer recommended
    for name, module in (("scripted", network), ("pair", Pair()), ("words", Words()), ("text", Text())):
        (folder / name).mkdir()
        torch.jit.script(module).save(folder / name / "model.pt")
    (folder / "traced").mkdir()
    torch.jit.trace(network, rows).save(folder / "traced/model.pth")

torch.save(network.state_dict(), folder / "weights.pt")
names, note, config = folder / "index_to_name.json", folder / "note.txt", folder / "model-config.yaml"
names.write_text(json.dumps({"0": "a", "1": "b", "2": "c"}))
note.write_text("beside it\n")
config.write_text("batchSize: 8\nhandler:\n  threshold: 0.5\n")

loose("loose", "classifier.py", **{"extra/index_to_name.json": names.read_text(), "extra/note.txt": note.read_text()})
loose("configured", "whole.py", **{"model-config.yaml": config.read_text(), "requirements.txt": ""})
loose("raising", "raising.py")
(folder / "bare").mkdir()
torch.save(network.state_dict(), folder / "bare/weights.pt")

files = f"{names},{note}"
archive("mar", str(HANDLERS / "classifier.py"), "--extra-files", files)
archive("tgz", str(HANDLERS / "classifier.py"), "--extra-files", files, form="tgz")
archive("unpacked", str(HANDLERS / "classifier.py"), "--extra-files", files, form="no-archive")
archive("whole", str(HANDLERS / "whole.py"), "--config-file", str(config))
archive("functions", str(HANDLERS / "functions.py"), weights=False)
archive("named", f"{HANDLERS / 'functions'}:other", weights=False)
archive("base", "base_handler")
archive("explaining", str(HANDLERS / "explaining.py"))
archive("images", "image_classifier")
archive("lacking", str(HANDLERS / "lacking.py"), weights=False)

print(
    json.dumps(
        {
            "rows": rows.tolist(),
            "scores": network(rows).tolist(),
            "weight": network.layer.weight.tolist(),
            "several": several(rows, index=torch.tensor([0, 5, 9]))["scores"].tolist(),
        }
    )
)
