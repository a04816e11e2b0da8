"""A linear regression from event data to a tone score: is it better to give every node all files, or each its own?

    python -m training.programs.make_events /tmp/events
    SM_CHANNEL_TRAIN=/tmp/events/train SM_CHANNEL_VALIDATION=/tmp/events/validation SM_MODEL_DIR=/tmp/model \\
    SHARDYARD_CHECKPOINT_DIR=/tmp/checkpoints torchrun --nproc-per-node 2 -m training.pytorch.programs.linear --epochs 2

The first column of the CSV files is the target, the others are features. The loss is absolute, as in the lab.
"""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from training import paths
from training.data import Csv, DataError, Dataset, resolve
from training.programs.arguments import positive, switch
from training.programs.entry import reasons_without_traceback
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.data import Loader, channel
from training.pytorch.loop import Loop, Samples, steps_in
from training.pytorch.outputs import save_model
from training.pytorch.process_group import Ranks, connect, gather
from training.pytorch.programs.arguments import make_parser
from training.pytorch.random_state import seed_everything
from training.reporting.metrics import Metrics


class Regression(nn.Module):
    """Features, scaled by what they are in the data, to one number."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.linear = nn.Linear(len(mean), 1)

    def forward(self, features: Tensor) -> Tensor:
        """Features [n, k] to predictions [n]."""
        return self.linear((features - self.mean) / self.deviation).squeeze(-1)


def collate(rows: Sequence[Mapping[str, str]]) -> tuple[Tensor, Tensor]:
    """Rows of text to features and targets."""
    try:
        numbers = torch.from_numpy(numpy.array([list(row.values()) for row in rows], dtype=numpy.float32))
    except ValueError as error:
        raise DataError(f"a row of the channel 'train' cannot be used: {error}") from None
    return numbers[:, 1:], numbers[:, 0]


def read_rows(file: Path) -> Tensor:
    """The rows of a CSV file below its line of names."""
    try:
        numbers = numpy.loadtxt(file, delimiter=",", quotechar='"', skiprows=1, dtype=numpy.float32, ndmin=2)
    except ValueError as error:
        raise DataError(f"{file}, below its line of names: {error}") from None
    if numbers.size == 0:
        raise DataError(f"{file} has no rows below its line of names")
    return torch.from_numpy(numbers)


def read_table(files: Sequence[Path]) -> tuple[Tensor, Tensor]:
    """Whole CSV files as features and targets; empty ones have no rows."""
    full = [path for path in files if path.stat().st_size > 0]
    if not full:
        raise DataError(f"{files[0].parent} holds no CSV file that has rows")
    numbers = torch.cat([read_rows(path) for path in full])
    return numbers[:, 1:], numbers[:, 0]


def measure(dataset: Dataset, rows: int = 2000) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the features in the beginning of the first file that has rows."""
    file, count = next((file, count) for file, count in enumerate(dataset.samples.counts) if count > 0)
    counted = dataset.skipped
    features, _ = collate([dataset.read((file, row)) for row in range(min(rows, count))])
    dataset.skipped = counted  # what was skipped here comes again
    return features.mean(0), features.std(0, correction=0).clamp(min=1e-3)


def endless(loader: Loader) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches, epoch after epoch."""
    while True:
        yield from loader


def skipped_rows(dataset: Dataset, ranks: Ranks) -> dict[str, float]:
    """How often all ranks together could not read a row; nothing to report where that is never."""
    times = sum(gather(ranks, dataset.skipped))
    return {"skipped": times} if times > 0 else {}


@torch.no_grad()
def evaluate(model: nn.Module, table: tuple[Tensor, Tensor], ranks: Ranks) -> dict[str, float]:
    """Absolute and squared error over the validation channel, each rank taking its part."""
    features, targets = (tensor[ranks.rank :: ranks.world_size].to(ranks.device) for tensor in table)
    errors = (model(features) - targets).double()
    sums = torch.stack([errors.abs().sum(), (errors**2).sum(), torch.ones_like(errors).sum()])
    if ranks.world_size > 1:
        dist.all_reduce(sums)
    absolute, squared, count = sums.tolist()
    return {"validation_loss": absolute / count, "validation_squared_error": squared / count}


def open_rows(options: argparse.Namespace) -> Dataset:
    """The channel `train` in random access, in FastFile mode too: the steps are counted before the first one."""
    dataset = channel("train", Csv(), seed=options.seed, stream=False, skip_unreadable=options.skip_unreadable)
    assert isinstance(dataset, Dataset)
    if len(dataset) < options.batch_size:
        raise DataError(f"channel train: its rows do not fill one batch of {options.batch_size} on every rank")
    return dataset


def make_model(dataset: Dataset, options: argparse.Namespace, ranks: Ranks) -> Regression:
    """The same model on every rank."""
    # Sharded nodes hold different files, and all ranks must scale alike: rank 0's file decides
    mean, deviation = gather(ranks, measure(dataset) if ranks.is_first else None)[0]
    seed_everything(options.seed)
    model: Regression = Regression(mean, deviation).to(ranks.device)
    return model


def read_validation(*, features: int) -> tuple[Tensor, Tensor]:
    """The whole channel `validation`, which must have as many features as `train`."""
    table = read_table(resolve("validation").files())
    if table[0].shape[1] != features:
        raise DataError(f"the channel 'validation' has {table[0].shape[1]} features and 'train' has {features}")
    return table


def train(options: argparse.Namespace, ranks: Ranks, metrics: Metrics) -> None:
    """Take all steps, then save the model."""
    dataset = open_rows(options)
    loader = Loader(dataset, options.batch_size, collate=collate)
    net = make_model(dataset, options, ranks)
    table = read_validation(features=len(net.mean))
    model: nn.Module = net if ranks.world_size == 1 else DistributedDataParallel(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=options.learning_rate)
    per_epoch = len(dataset) // options.batch_size
    steps = steps_in(options, per_epoch)
    also = {"data": loader}
    checkpoints = Checkpointer.from_options(options, model=net, optimizer=optimizer, ranks=ranks, also=also)
    loop = Loop(
        options,
        ranks=ranks,
        metrics=metrics,
        checkpoints=checkpoints,
        steps=steps,
        steps_per_epoch=per_epoch,
        samples=Samples(unit="samples", ranks=ranks.world_size),
    )
    scores: dict[str, float] = {}
    started = time.monotonic()
    with checkpoints:
        batches = endless(loader)
        for step in loop:
            with loop.waiting_for_data():
                features, targets = (tensor.to(ranks.device) for tensor in next(batches))
            loss = functional.l1_loss(model(features), targets)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loop.done(samples=len(targets), loss=loss.item)
            if loop.ends_epoch(step):
                scores = evaluate(net, table, ranks)
                values = {"training_seconds": time.monotonic() - started, **scores, **skipped_rows(dataset, ranks)}
                metrics.log(step, epoch=loop.epoch(step), **values)
    if ranks.is_first:
        about = {"model": "training.pytorch.programs.linear.Regression", "features": len(net.mean), "steps": steps}
        save_model(paths.model_folder(), net.state_dict(), {**about, **scores})


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    parser = make_parser(__doc__, batch_size=500, learning_rate=0.3)
    parser.add_argument("--epochs", type=positive, default=2, help="passes over the data")
    parser.add_argument("--skip_unreadable", type=switch, default=False, help="skip rows that cannot be read")
    options = parser.parse_args(arguments)
    with (
        reasons_without_traceback("linear"),
        connect(backend=options.backend, timeout_seconds=options.timeout_seconds) as ranks,
        Metrics(ranks) as metrics,
    ):
        train(options, ranks, metrics)


if __name__ == "__main__":
    main()
