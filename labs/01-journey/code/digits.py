"""Handwritten digits in plain PyTorch, on one machine or on several: a first job of one's own.

It knows nothing of Shardyard. The launcher sets RANK, WORLD_SIZE and what else `init_process_group` looks for; the
channel's folder and the model's are in two variables of SageMaker.
"""

import argparse
import os
from pathlib import Path

import numpy
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel


def make_net() -> nn.Sequential:
    """784 pixels, a hidden layer, ten scores."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def read(folder: str, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """All digits of a channel's files on this machine: pixels in 0..1, and labels."""
    files = [numpy.load(path) for path in sorted(Path(folder).glob("*.npz"))]
    pixels = torch.from_numpy(numpy.concatenate([file["images"] for file in files])).float() / 255
    labels = torch.from_numpy(numpy.concatenate([file["labels"] for file in files]))
    return pixels.to(device), labels.to(device)


def with_turned(pixels: torch.Tensor, labels: torch.Tensor, degrees: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The digits, and each of them turned by so many degrees both ways."""
    import PIL  # the image that ships has no Pillow: an image of one's own has it
    from PIL import Image

    print(f"Pillow {PIL.__version__}", flush=True)
    drawn = [Image.fromarray(one) for one in (pixels * 255).round().byte().cpu().numpy()]
    turned = [
        torch.from_numpy(numpy.stack([numpy.asarray(one.rotate(angle, Image.Resampling.BILINEAR)) for one in drawn]))
        for angle in (-degrees, degrees)
    ]
    return torch.cat([pixels, *(more.to(pixels.device) / 255 for more in turned)]), labels.repeat(1 + len(turned))


def mean(value: torch.Tensor) -> float:
    """Over all ranks."""
    total = value.detach().clone()
    dist.all_reduce(total)
    return float(total / dist.get_world_size())


parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=80)
parser.add_argument("--batch_size", type=int, default=64, help="of all machines together")
parser.add_argument("--learning_rate", type=float, default=0.1)
parser.add_argument("--own_files", type=int, default=0, help="1: every machine was given files of its own")
parser.add_argument(
    "--turn", type=int, default=0, help="degrees by which every digit is turned, for three times as many"
)

if __name__ == "__main__":
    options = parser.parse_args()
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if torch.cuda.is_available() else torch.device("cpu")
    pixels, labels = read(os.environ["SM_CHANNEL_TRAIN"], device)
    if options.turn:
        pixels, labels = with_turned(pixels, labels, options.turn)
    torch.manual_seed(1)
    model = DistributedDataParallel(make_net().to(device))
    optimizer = torch.optim.SGD(model.parameters(), lr=options.learning_rate)
    order = torch.Generator().manual_seed(2)
    part = options.batch_size // world
    for step in range(1, options.steps + 1):
        if options.own_files:
            chosen = torch.randint(len(pixels), (part,), generator=order)
        else:  # all draw the same batch, and each takes its part
            batch = torch.randint(len(pixels), (options.batch_size,), generator=order)
            chosen = batch[rank * part : (rank + 1) * part]
        loss = functional.cross_entropy(model(pixels[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        whole = mean(loss)
        if rank == 0:
            print(f"metric step={step} total_steps={options.steps} loss={whole:.7f} digits={len(pixels)}", flush=True)
    test_pixels, test_labels = read(os.environ["SM_CHANNEL_TEST"], device)
    with torch.no_grad():
        accuracy = (model(test_pixels).argmax(1) == test_labels).double().mean().item()
    if rank == 0:
        print(f"metric step={options.steps} accuracy={accuracy:.4f}", flush=True)
        torch.save(model.module.state_dict(), Path(os.environ["SM_MODEL_DIR"]) / "model.pt")
    dist.destroy_process_group()
