"""Learn the tone of news events by a linear regression, from the files that this node was given.

`--passes node` goes over every row of this node's files in each epoch, as the built-in Linear Learner does: a node
that was given everything works on everything. `--passes job` goes over every row once an epoch, the ranks sharing
the rows of a channel that all of them have. Files of GDELT 1.0 are read as they come, made up or real.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from contract.refusal import Refused
from training import paths
from training.data.channel import resolve
from training.programs.entry import reasons_without_traceback
from training.pytorch.process_group import Ranks, connect, gather
from training.pytorch.random_state import seed_everything
from training.reporting.metrics import Metrics

EVENT_CODE, ARTICLES, TONE = 26, 33, 34
PLACES = (39, 40, 46, 47)
LEAST_COLUMNS = 57
CODES = 20
"""The model has a column for each of the most frequent codes; all others share having none."""


class NotEvents(Refused):
    """A file that is not one of GDELT's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Events:
    """Rows that have a tone and two places."""

    codes: list[str]
    numbers: Tensor
    """Tone, articles, four coordinates: [rows, 6]."""


def read_events(files: Sequence[Path]) -> Events:
    """All rows of these files, but those without a place."""
    codes: list[str] = []
    numbers: list[list[float]] = []
    for path in files:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                fields = line.rstrip("\n").split("\t")
                if len(fields) < LEAST_COLUMNS:
                    raise NotEvents(
                        f"{path}, line {number}: {len(fields)} columns between tabs, and an event has {LEAST_COLUMNS}"
                    )
                places = [float(fields[column] or 0) for column in PLACES]
                if not (any(places[:2]) and any(places[2:])):
                    continue
                codes.append(fields[EVENT_CODE])
                numbers.append([float(fields[TONE]), float(fields[ARTICLES]), *places])
    if not codes:
        raise NotEvents(f"no row of {', '.join(str(path) for path in files)} has places of both actors")
    return Events(codes=codes, numbers=torch.from_numpy(numpy.array(numbers, dtype=numpy.float32)))


def frequent_codes(events: Events, ranks: Ranks) -> list[str]:
    """The most frequent codes over what all ranks have, the same list on each."""
    counted: Counter[str] = sum(gather(ranks, Counter(events.codes)), Counter())
    return [code for code, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:CODES]]


def features_of(events: Events, codes: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The 25 features and the tone."""
    column = {code: index for index, code in enumerate(codes)}
    chosen = torch.tensor([column.get(code, CODES) for code in events.codes])
    one_hot = functional.one_hot(chosen, CODES + 1)[:, :CODES].float()
    return torch.cat([events.numbers[:, 1:], one_hot], dim=1), events.numbers[:, 0]


class Regression(nn.Module):
    """Features, scaled alike on all ranks, to one number."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.linear = nn.Linear(len(mean), 1)

    def forward(self, features: Tensor) -> Tensor:
        """Features [n, 25] to tones [n]."""
        return self.linear((features - self.mean) / self.deviation).squeeze(-1)


def make_model(features: Tensor, options: argparse.Namespace, ranks: Ranks) -> Regression:
    """The same start on all ranks, scaled by what all of them have."""
    wide = features.double()
    sums = torch.stack([torch.full_like(wide[0], len(wide)), wide.sum(0), (wide**2).sum(0)])
    if ranks.world_size > 1:
        dist.all_reduce(sums)
    mean = sums[1] / sums[0]
    deviation = (sums[2] / sums[0] - mean**2).clamp(min=1e-6).sqrt()
    seed_everything(options.seed)
    return Regression(mean.float(), deviation.float())


def mean_over_ranks(ranks: Ranks, sums: Tensor) -> list[float]:
    """Sums, the last one a count, to means over all ranks."""
    if ranks.world_size > 1:
        dist.all_reduce(sums)
    return [float(value / sums[-1]) for value in sums[:-1]]


@torch.no_grad()
def evaluate(model: nn.Module, table: tuple[Tensor, Tensor], ranks: Ranks) -> tuple[float, float]:
    """Squared and absolute error over the test year, each rank taking its part."""
    features, tones = (tensor[ranks.rank :: ranks.world_size] for tensor in table)
    errors = (model(features) - tones).double()
    squared, absolute = mean_over_ranks(
        ranks, torch.stack([(errors**2).sum(), errors.abs().sum(), torch.ones_like(errors).sum()])
    )
    return squared, absolute


def own_rows(table: tuple[Tensor, Tensor], options: argparse.Namespace, ranks: Ranks) -> tuple[Tensor, Tensor]:
    """What this rank goes over in an epoch."""
    if options.passes == "node" or resolve("train").distribution == "ShardedByS3Key":
        return table
    features, tones = (tensor[ranks.rank :: ranks.world_size] for tensor in table)
    return features, tones


class Learner:
    """The model with its optimizer; all ranks take as many steps as the one with the most rows needs."""

    def __init__(self, model: Regression, most_rows: int, options: argparse.Namespace, ranks: Ranks) -> None:
        self.model, self.options = model, options
        self.forward: nn.Module = model if ranks.world_size == 1 else DistributedDataParallel(model)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
        self.most_rows, self.steps = most_rows, max(most_rows // options.batch_size, 1)
        total = self.steps * options.epochs
        self.schedule = torch.optim.lr_scheduler.LinearLR(self.optimizer, 1.0, 0.05, total_iters=total)

    def fit(self, features: Tensor, tones: Tensor) -> None:
        """Take all steps of all epochs."""
        draw, size = torch.Generator().manual_seed(self.options.seed), self.options.batch_size
        # A rank with fewer rows goes over some of them again: none may wait for a step that another does not take
        times = -(-self.most_rows // len(features))
        for _ in range(self.options.epochs):
            order = torch.cat([torch.randperm(len(features), generator=draw) for _ in range(times)])
            for step in range(self.steps):
                chosen = order[step * size : (step + 1) * size]
                loss = functional.l1_loss(self.forward(features[chosen]), tones[chosen])
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                self.optimizer.step()
                self.schedule.step()


def say_what_each_node_has(ranks: Ranks, files: Sequence[Path], events: Events) -> int:
    """Print which node was given which file; returns the bytes that all nodes together were given."""
    here = {
        "host": os.environ.get("SM_CURRENT_HOST", f"rank-{ranks.rank}"),
        "files": [path.name for path in files],
        "bytes": sum(path.stat().st_size for path in files),
        "rows": len(events.codes),
    }
    nodes: list[dict[str, Any]] = gather(ranks, here)
    if ranks.is_first:
        for node in nodes:
            print("node", json.dumps(node), flush=True)
    return sum(int(node["bytes"]) for node in nodes)


def train(options: argparse.Namespace, ranks: Ranks, metrics: Metrics) -> None:
    """Read, learn, judge, save."""
    torch.set_num_threads(1)
    files = resolve("train").files()
    began, start = time.monotonic(), time.process_time()
    events = read_events(files)
    reading_cpu = time.process_time() - start
    reading_seconds = time.monotonic() - began
    moved = say_what_each_node_has(ranks, files, events)
    codes = frequent_codes(events, ranks)
    table = features_of(events, codes)
    own = own_rows(table, options, ranks)
    model = make_model(table[0], options, ranks)
    learner = Learner(model, max(gather(ranks, len(own[0]))), options, ranks)
    began, start = time.monotonic(), time.process_time()
    learner.fit(*own)
    learning_cpu = time.process_time() - start
    learning_seconds = time.monotonic() - began
    reading, learning = mean_over_ranks(ranks, torch.tensor([reading_cpu, learning_cpu, 1.0], dtype=torch.float64))
    squared, absolute = evaluate(model, features_of(read_events(resolve("test").files()), codes), ranks)
    steps = learner.steps * options.epochs
    metrics.log(
        steps,
        reading_seconds=reading_seconds,
        learning_seconds=learning_seconds,
        reading_processor_seconds=reading,
        learning_processor_seconds=learning,
        megabytes_given=moved / 1e6,
        rows_per_node=steps * min(options.batch_size, learner.most_rows),
        test_squared_error=squared,
        test_absolute_error=absolute,
    )
    if ranks.is_first:
        torch.save({"weights": model.state_dict(), "codes": codes}, paths.model_folder() / "model.pt")


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", choices=("node", "job"), default="node", help="whose rows an epoch goes over")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch_size", type=int, default=500)
    parser.add_argument("--learning_rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with reasons_without_traceback("tone"), connect() as ranks, Metrics(ranks) as metrics:
        train(options, ranks, metrics)


if __name__ == "__main__":
    main()
