"""Data-parallel training over nodes and processes with DistributedDataParallel.

Runs under torchrun, and without it as one process per node. Every rank learns from its own share of a made-up regression
problem; the gradients are averaged, so that all end with the same weights.
"""

import argparse
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    settings, _ = parser.parse_known_args()

    gpu = int(os.environ.get("LOCAL_RANK", "0")) if torch.cuda.is_available() else None
    if gpu is not None:
        torch.cuda.set_device(gpu)
    dist.init_process_group("gloo" if gpu is None else "nccl")  # where and who: MASTER_ADDR, WORLD_SIZE, RANK, …
    rank, size = dist.get_rank(), dist.get_world_size()
    print(f"rank {rank} of {size}, {dist.get_backend()}")

    device = torch.device("cpu" if gpu is None else f"cuda:{gpu}")
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1024, 8, generator=generator).to(device)
    y = x @ torch.arange(8.0, device=device).unsqueeze(1)
    share = slice(rank, None, size)

    model = DistributedDataParallel(torch.nn.Linear(8, 1).to(device))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(1, settings.epochs + 1):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x[share]), y[share])
        loss.backward()
        optimizer.step()
        mean = loss.detach().clone()
        dist.all_reduce(mean)
        if rank == 0:
            print(f"[{epoch}] loss={mean.item() / size:.4f}")

    if rank == 0:
        torch.save(model.module.state_dict(), Path(os.environ["EM_MODEL_DIR"]) / "model.pt")
    dist.barrier()
    dist.destroy_process_group()
    # Without the interpreter's own end: a thread of gloo's that lets go of a tensor of Python's meanwhile would abort the
    # process, after all the work, and torchrun on the other node would wait five minutes for this one.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
