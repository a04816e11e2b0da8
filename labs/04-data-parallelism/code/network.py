"""The public lab's network by DDP: 784 inputs, 128 in the middle, 10 digits, Adam; one or more tries in one run.

A try is a global batch, a learning rate and a seed, `128:0.001:1`. Every rank takes its part of each global batch, so
that the number of nodes changes who computes what, and not what is computed. All tries go over as many samples.
"""

import argparse
import json
import time
from functools import partial

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from training.programs.digits import divide, find_channel, held_out_digits, load_digits
from training.pytorch.process_group import Ranks, gather
from training.pytorch.programs.mnist import Tensors, load
from training.pytorch.random_state import seed_everything
from training.reporting.metrics import Metrics


def make_network() -> nn.Sequential:
    """784 - 128 - 10."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


@torch.no_grad()
def evaluate(network: nn.Module, test: Tensors, ranks: Ranks) -> tuple[float, float]:
    """Loss and accuracy over the whole test set, of which every rank has its part."""
    images, labels = test
    scores = network(images.float() / 255)
    loss = functional.cross_entropy(scores, labels, reduction="sum").double()
    sums = torch.stack([loss, (scores.argmax(1) == labels).sum().double(), torch.tensor(float(len(labels))).double()])
    if ranks.world_size > 1:
        dist.all_reduce(sums)
    return float(sums[0] / sums[2]), float(sums[1] / sums[2])


class Try:
    """One training from the beginning."""

    def __init__(self, text: str, options: argparse.Namespace, ranks: Ranks) -> None:
        batch, rate, seed = text.split(":")
        self.global_batch, self.learning_rate, self.seed = int(batch), float(rate), int(seed)
        self.options, self.ranks = options, ranks
        seed_everything(self.seed)
        self.network = make_network().to(ranks.device)
        self.steps = self.samples = 0
        self.processor_seconds = 0.0

    def run(self, train: Tensors, test: Tensors) -> dict[str, float]:
        """Take the steps; what came of it."""
        images, labels = train
        batches = divide(
            find_channel("train"),
            len(images),
            world=self.ranks.world,
            batch_size=self.global_batch // self.ranks.world_size,
            seed=self.seed,
            gather=partial(gather, self.ranks),
        )
        network = self.network
        forward: nn.Module = network if self.ranks.world_size == 1 else DistributedDataParallel(network)
        optimizer = torch.optim.Adam(network.parameters(), lr=self.learning_rate)
        began = time.process_time()
        # What is left over of an epoch is dropped, and the next one shuffled anew: steps and not epochs make them alike
        for _ in range(self.options.samples // self.global_batch):
            chosen = torch.from_numpy(next(batches))
            loss = functional.cross_entropy(forward(images[chosen].float() / 255), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            self.steps, self.samples = self.steps + 1, self.samples + len(chosen)
        self.processor_seconds = time.process_time() - began
        loss_after, accuracy = evaluate(network, test, self.ranks)
        return {"test_loss": loss_after, "accuracy": accuracy}


def train(options: argparse.Namespace, ranks: Ranks, metrics: Metrics) -> None:
    """All tries, one after the other."""
    torch.set_num_threads(1)
    data = load(load_digits(find_channel("train")), ranks.device)
    held_out = held_out_digits(find_channel("train"), ranks.world)
    assert held_out is not None, "the job has a channel `test`"
    test = load(held_out, ranks.device)
    for number, text in enumerate(options.tries, 1):
        one = Try(text, options, ranks)
        came = one.run(data, test)
        metrics.log(number, loss=came["test_loss"], accuracy=came["accuracy"])
        if ranks.is_first:
            about = {
                "global_batch": one.global_batch,
                "learning_rate": one.learning_rate,
                "seed": one.seed,
                "steps": one.steps,
                "samples": one.samples,
                "processor_seconds": one.processor_seconds,
            }
            print("try", json.dumps({**about, **came}), flush=True)
