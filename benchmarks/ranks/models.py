"""The models of the training benchmarks, and one step of each in two ways: hand-written, and with this library."""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from training.data.batches import EpochBatches
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.loop import Loop, Samples
from training.pytorch.models.gpt.model import GPT, GPTConfig, next_token_loss
from training.pytorch.models.gpt.parallelize import build
from training.pytorch.parallel.plan import Plan
from training.pytorch.parallel.stepping import Stepper
from training.pytorch.process_group import Ranks
from training.pytorch.programs.mnist import Net, scale
from training.pytorch.programs.tokens import Tokens
from training.reporting.metrics import Metrics

CONFIG = GPTConfig(vocabulary=256, layers=4, width=256, heads=8, kv_heads=8, hidden=704, context=128)
BATCH = {"cnn": 64, "gpt": 8}


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Random images: speed does not depend on their content."""
    random = numpy.random.default_rng(0)
    images = torch.from_numpy(random.integers(0, 256, (2048, 28, 28), dtype=numpy.uint8))
    return images, torch.from_numpy(random.integers(0, 10, 2048))


def text() -> Tokens:
    """Random bytes."""
    return Tokens([numpy.random.default_rng(0).integers(0, 256, 500_000, dtype=numpy.uint8)])


def batches(samples: int, size: int, ranks: Ranks) -> EpochBatches:
    """The same order of samples for both ways."""
    return EpochBatches(samples, batch_size=size, part=ranks.rank, parts=ranks.world_size)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cnn:
    """The one model that both ways train in turns: where its memory lies changes its speed by a tenth."""

    net: Net
    model: nn.Module
    optimizer: torch.optim.Optimizer


def make_cnn(ranks: Ranks) -> Cnn:
    """The CNN on one rank or on several."""
    net = Net()
    model: nn.Module = net if ranks.world_size == 1 else DistributedDataParallel(net)
    return Cnn(net=net, model=model, optimizer=torch.optim.Adam(net.parameters(), lr=1e-3))


def by_hand_cnn(ranks: Ranks, cnn: Cnn) -> Iterator[None]:
    """The usual hand-written loop for the CNN."""
    images, labels = digits()
    model, optimizer = cnn.model, cnn.optimizer
    for chosen in batches(len(images), BATCH["cnn"], ranks):
        index = torch.from_numpy(chosen)
        loss = functional.cross_entropy(model(scale(images[index])), labels[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        yield


def with_us_cnn(ranks: Ranks, folder: Path, cnn: Cnn) -> Iterator[None]:
    """The same in the loop of `training.pytorch.programs.mnist`."""
    images, labels = digits()
    model, optimizer = cnn.model, cnn.optimizer
    order = batches(len(images), BATCH["cnn"], ranks)
    loop = make_loop(cnn.net, optimizer, order, ranks, folder, "samples")
    for _ in loop:
        with loop.waiting_for_data():
            index = torch.from_numpy(next(order))
            batch, targets = scale(images[index]), labels[index]
        loss = functional.cross_entropy(model(batch), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loop.done(samples=len(targets), loss=loss.item)
        yield


def by_hand_gpt(ranks: Ranks, *, sharded: bool) -> Iterator[None]:
    """The usual hand-written loop for the GPT: DDP, or a bare fully_shard."""
    tokens = text()
    net = GPT(CONFIG)
    model: nn.Module = net
    if sharded:
        for block in net.blocks.values():
            fully_shard(block)
        fully_shard(net)
    elif ranks.world_size > 1:
        model = DistributedDataParallel(net)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    for chosen in batches(tokens.windows(CONFIG.context), BATCH["gpt"], ranks):
        inputs, targets = tokens.batch(chosen, CONFIG.context)
        loss = next_token_loss(model(inputs), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield


def with_us_gpt(ranks: Ranks, folder: Path, *, sharded: bool, every_steps: int | None = None) -> Iterator[Checkpointer]:
    """The same with a plan, in the loop of `training.pytorch.programs.gpt`."""
    tokens = text()
    parallel = build(CONFIG, Plan(data="fsdp" if sharded else "ddp"), ranks, seed=1)
    optimizer = torch.optim.AdamW(parallel.model.parameters(), lr=1e-3, fused=True)
    stepper = Stepper(parallel, next_token_loss, ranks)
    order = batches(tokens.windows(CONFIG.context), BATCH["gpt"], ranks)
    loop = make_loop(parallel.model, optimizer, order, ranks, folder, "tokens", every_steps)
    for _ in loop:
        with loop.waiting_for_data():
            batch = tokens.batch(next(order), CONFIG.context)
        loss = stepper.gradients([batch])
        stepper.clip()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loop.done(samples=BATCH["gpt"] * CONFIG.context, loss=lambda loss=loss: stepper.mean_loss(loss))
        yield loop.checkpoints


def make_loop(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    order: EpochBatches,
    ranks: Ranks,
    folder: Path,
    unit: str,
    every_steps: int | None = None,
) -> Loop:
    """This library's loop with everything that an entry point switches on."""
    checkpoints = Checkpointer(
        model=model,
        optimizer=optimizer,
        ranks=ranks,
        also={"data": order},
        folder=folder,
        every_steps=every_steps,
        every_seconds=1e9,
    )
    return Loop(
        argparse.Namespace(log_steps=10),
        ranks=ranks,
        metrics=Metrics(ranks),
        checkpoints=checkpoints,
        steps=1_000_000,
        steps_per_epoch=order.per_epoch,
        samples=Samples(unit=unit, ranks=ranks.world_size),
    )


def seconds_of(steps: Iterator[object], count: int) -> tuple[float, float]:
    """The wall and CPU time of this many steps; metric lines are written, but not to this benchmark's output."""
    started, worked = time.perf_counter(), time.process_time()
    with redirect_stdout(StringIO()):
        for _ in range(count):
            next(steps)
    return time.perf_counter() - started, time.process_time() - worked


Side = Callable[[int], tuple[float, float]]


def alternate(first: Side, second: Side, *, rounds: int) -> dict[str, float]:
    """Both ways in turn, a step each; the median of first / second over the rounds.

    Neighbouring steps see the same machine, whatever else it does meanwhile.
    """
    first(3), second(3)
    ratios: dict[str, list[float]] = {"wall": [], "cpu": []}
    for number in range(rounds):
        taken = {side: side(1) for side in ((first, second) if number % 2 == 0 else (second, first))}
        for clock, one, other in zip(ratios, taken[first], taken[second], strict=True):
            ratios[clock].append(one / other)
    return {clock: statistics.median(found) for clock, found in ratios.items()}
