"""Train a small classifier on Fisher's iris data with PyTorch.

Data set ``train``: a directory with iris.csv. Hyperparameters: epochs, batch_size, lr (or learning_rate), checkpoint_epochs
and model_version. With an input checkpoint, training goes on for so many epochs more. For hyperparameter tuning it prints
Validation-loss and Validation-accuracy, as the default metric format finds them.
"""

import argparse
import csv
import os
import shutil
from pathlib import Path

import torch
from model import IrisClassifier
from torch.utils.tensorboard import SummaryWriter

SPECIES = ["setosa", "versicolor", "virginica"]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def parse_hyperparameters() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--lr", "--learning_rate", type=float, default=0.01)
    parser.add_argument("--checkpoint_epochs", type=int, default=10)
    return parser.parse_known_args()[0]


def read_data(file: Path) -> tuple[torch.Tensor, torch.Tensor]:
    with file.open() as stream:
        rows = list(csv.reader(stream))[1:]
    measurements = torch.tensor([[float(value) for value in row[:4]] for row in rows])
    species = torch.tensor([SPECIES.index(row[4]) for row in rows])
    return measurements.to(DEVICE), species.to(DEVICE)


def main() -> None:
    settings = parse_hyperparameters()
    print(f"model version {os.environ.get('EM_HP_MODEL_VERSION', '1')}, {settings}")
    torch.manual_seed(0)

    x, y = read_data(Path(os.environ["EM_DATASET_TRAIN"]) / "iris.csv")
    order = torch.randperm(len(x))
    test, train = order[:30], order[30:]

    model = IrisClassifier().to(DEVICE)
    model.mean, model.std = x[train].mean(0), x[train].std(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr)
    first = 1
    if "EM_CHECKPOINT_INPUT_DIR" in os.environ:
        newest = max(Path(os.environ["EM_CHECKPOINT_INPUT_DIR"]).glob("checkpoint-*.pt"))
        checkpoint = torch.load(newest, map_location=DEVICE)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        first = checkpoint["epoch"] + 1
        print(f"resumed from {newest.name}")

    with SummaryWriter(os.environ["EM_TENSORBOARD_LOG_DIR"]) as board:
        for epoch in range(first, first + settings.epochs):
            for batch in train[torch.randperm(len(train))].split(settings.batch_size):
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                scores = model(x[test])
                test_loss = torch.nn.functional.cross_entropy(scores, y[test]).item()
                accuracy = (scores.argmax(1) == y[test]).float().mean().item()
            print(f"[{epoch}] loss={loss.item():.4f} Validation-loss={test_loss:.4f} Validation-accuracy={accuracy:.4f}")
            board.add_scalar("loss", loss.item(), epoch)
            board.add_scalar("Validation-loss", test_loss, epoch)
            board.add_scalar("Validation-accuracy", accuracy, epoch)
            if epoch % settings.checkpoint_epochs == 0:
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
                torch.save(state, Path(os.environ["EM_CHECKPOINT_DIR"]) / f"checkpoint-{epoch:04d}.pt")

    model_dir = Path(os.environ["EM_MODEL_DIR"])
    torch.save(model.state_dict(), model_dir / "model.pt")
    for name in ("model.py", "handler.py"):  # what serving needs beside the weights
        shutil.copy(Path(__file__).with_name(name), model_dir)
    print(f"final accuracy={accuracy:.4f}")


if __name__ == "__main__":
    main()
