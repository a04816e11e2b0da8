"""Handwritten digits on many nodes: the CNN of the public MNIST lab, data parallel, never losing work.

    python -m training.programs.make_digits /tmp/digits
    SM_CHANNEL_TRAIN=/tmp/digits/train SM_CHANNEL_TEST=/tmp/digits/test SM_MODEL_DIR=/tmp/model \\
    SHARDYARD_CHECKPOINT_DIR=/tmp/checkpoints torchrun --nproc-per-node 2 -m training.pytorch.programs.mnist --epochs 5
"""

import argparse
from collections.abc import Sequence
from functools import partial

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from training import paths
from training.programs.arguments import positive
from training.programs.digits import Digits, divide, find_channel, held_out_digits, load_digits
from training.programs.entry import reasons_without_traceback
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.loop import Loop, Samples, steps_in
from training.pytorch.outputs import save_model
from training.pytorch.process_group import Ranks, connect, gather
from training.pytorch.programs.arguments import make_parser
from training.pytorch.programs.rehearsal import rehearse
from training.pytorch.random_state import seed_everything
from training.reporting.metrics import Metrics


class Net(nn.Module):
    """Two convolutions of 5 x 5, each with pooling, a dense layer, dropout 0.4, ten classes."""

    def __init__(self, width: int = 1024) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, 5, padding=2)
        self.dense = nn.Linear(64 * 7 * 7, width)
        self.dropout = nn.Dropout(0.4)
        self.classes = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Images as [n, 1, 28, 28] in 0..1; returns one score for each class."""
        x = functional.max_pool2d(functional.relu(self.conv1(images)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        return self.classes(self.dropout(functional.relu(self.dense(x.flatten(1)))))


Tensors = tuple[Tensor, Tensor]


def load(digits: Digits, device: torch.device) -> Tensors:
    """Digits as tensors on the device."""
    images, labels = digits
    return torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device)


def make_model(options: argparse.Namespace, ranks: Ranks) -> Net:
    """The same model on every rank, and dropout of its own on each."""
    seed_everything(options.seed)
    net: Net = Net(options.width).to(ranks.device)
    seed_everything(options.seed, "dropout", ranks.rank)
    return net


def scale(images: Tensor) -> Tensor:
    """Bytes to the network's input."""
    return images.unsqueeze(1).float() / 255


@torch.no_grad()
def evaluate(model: nn.Module, data: Tensors, ranks: Ranks) -> dict[str, float]:
    """Accuracy and loss over the whole test set, of which every rank has its part."""
    images, labels = data
    model.eval()
    sums = torch.zeros(3, dtype=torch.float64, device=ranks.device)
    for start in range(0, len(images), 256):
        scores, targets = model(scale(images[start : start + 256])), labels[start : start + 256]
        loss = functional.cross_entropy(scores, targets, reduction="sum")
        sums += torch.stack(
            [(scores.argmax(1) == targets).sum(), loss, torch.tensor(len(targets), device=ranks.device)]
        )
    model.train()
    if ranks.world_size > 1:
        dist.all_reduce(sums)
    correct, loss, count = sums.tolist()
    return {"accuracy": correct / count, "validation_loss": loss / count}


def take_step(optimizer: torch.optim.Optimizer, loss: Tensor) -> Tensor:
    """Learn from a loss, and return it."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss


def train(options: argparse.Namespace, ranks: Ranks, metrics: Metrics) -> None:
    """Take all steps, then save the model."""
    net = make_model(options, ranks)
    model: nn.Module = net if ranks.world_size == 1 else DistributedDataParallel(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=options.learning_rate)
    channel = find_channel("train")
    images, labels = load(load_digits(channel), ranks.device)
    held_out = held_out_digits(channel, ranks.world)
    test = None if held_out is None else load(held_out, ranks.device)
    batches = divide(
        channel,
        len(images),
        world=ranks.world,
        batch_size=options.batch_size,
        seed=options.seed,
        gather=partial(gather, ranks),
    )
    steps = steps_in(options, batches.per_epoch)

    def loss_of(chosen: Tensor) -> Tensor:
        return functional.cross_entropy(model(scale(images[chosen])), labels[chosen])

    rehearse(model, lambda: loss_of(torch.arange(options.batch_size, device=ranks.device)).backward())
    also = {"data": batches}
    checkpoints = Checkpointer.from_options(options, model=net, optimizer=optimizer, ranks=ranks, also=also)
    loop = Loop(
        options,
        ranks=ranks,
        metrics=metrics,
        checkpoints=checkpoints,
        steps=steps,
        steps_per_epoch=batches.per_epoch,
        samples=Samples(unit="samples", ranks=ranks.world_size),
    )
    scores: dict[str, float] = {}
    with checkpoints:
        for step in loop:
            with loop.waiting_for_data():
                chosen = torch.from_numpy(next(batches)).to(ranks.device)
            loss = take_step(optimizer, loss_of(chosen))
            loop.done(samples=len(chosen), loss=loss.item)
            if test is not None and loop.ends_epoch(step):
                scores = evaluate(model, test, ranks)
                metrics.log(step, epoch=loop.epoch(step), **scores)
    if ranks.is_first:
        about = {"model": "training.pytorch.programs.mnist.Net", "width": options.width, "steps": steps, **scores}
        save_model(paths.model_folder(), net.state_dict(), about)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    parser = make_parser(__doc__, batch_size=100, learning_rate=1e-3)
    parser.add_argument("--epochs", type=positive, default=10, help="passes over the data")
    parser.add_argument("--width", type=positive, default=1024, help="size of the dense layer")
    options = parser.parse_args(arguments)
    with (
        reasons_without_traceback("mnist"),
        connect(backend=options.backend, timeout_seconds=options.timeout_seconds) as ranks,
        Metrics(ranks) as metrics,
    ):
        train(options, ranks, metrics)


if __name__ == "__main__":
    main()
