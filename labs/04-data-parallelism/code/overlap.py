"""A small GPT by DDP, with a note of when each bucket of gradients was sent and had arrived.

Three ways to take the same steps: `many` buckets, which travel while the backward pass goes on; `one` bucket, which
waits for its end; and `summed`, which sends once for four batches.
"""

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from training import paths
from training.data.channel import resolve
from training.pytorch.models.gpt.model import GPT, GPTConfig, next_token_loss, start_value
from training.pytorch.outputs import save_model
from training.pytorch.process_group import Ranks
from training.pytorch.programs.tokens import read_tokens
from training.pytorch.random_state import seed_everything
from training.reporting.metrics import Metrics

CONFIG = GPTConfig(vocabulary=256, layers=6, width=192, heads=6, kv_heads=6, hidden=512, context=64)
GLOBAL_BATCH = 16
BUCKET_MB = {"many": 1, "one": 1000, "summed": 1}
SUMMED = 4
"""Batches to one exchange, where they are summed."""


class Clock:
    """When buckets were ready and had arrived, in one step."""

    def __init__(self) -> None:
        self.began = 0.0
        self.buckets: list[dict[str, float]] = []

    def hook(self, state: object, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
        """DDP's own mean over the ranks, with a note of the times."""
        gradients = bucket.buffer().div_(dist.get_world_size())
        noted = {"bytes": gradients.nbytes, "ready": time.monotonic() - self.began, "done": 0.0}
        self.buckets.append(noted)

        def arrived(future: Any) -> Tensor:
            noted["done"] = time.monotonic() - self.began
            result: Tensor = future.value()[0]
            return result

        return dist.all_reduce(gradients, async_op=True).get_future().then(arrived)

    def hidden(self) -> float:
        """The share of the time in which something travelled that lies before the last gradient was ready."""
        last = max(bucket["ready"] for bucket in self.buckets)
        travelled = inside = 0.0
        until = 0.0
        for bucket in sorted(self.buckets, key=lambda bucket: bucket["ready"]):
            begin = max(bucket["ready"], until)
            until = max(until, bucket["done"])
            travelled += max(until - begin, 0.0)
            inside += max(min(until, last) - begin, 0.0)
        return inside / travelled


def make_model(options: argparse.Namespace, ranks: Ranks) -> GPT:
    """The same start on every rank."""
    seed_everything(options.seed)
    model: GPT = GPT(CONFIG).to(ranks.device)
    draw = torch.Generator(ranks.device).manual_seed(options.seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            start_value(name, CONFIG.layers)(parameter, draw)
    return model


class Learner:
    """The model of one way."""

    def __init__(self, way: str, options: argparse.Namespace, ranks: Ranks) -> None:
        self.way, self.options, self.ranks = way, options, ranks
        self.model = make_model(options, ranks)
        self.clock = Clock()
        self.forward: nn.Module = self.model
        if ranks.world_size > 1:
            spread = DistributedDataParallel(self.model, bucket_cap_mb=BUCKET_MB[way], gradient_as_bucket_view=True)
            spread.register_comm_hook(None, self.clock.hook)
            self.forward = spread
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3)
        self.sent = 0
        self.processor_seconds = 0.0

    def step(self, batches: Sequence[tuple[Tensor, Tensor]]) -> float:
        """Learn from this rank's part of each global batch, all at once; returns the mean loss of all ranks."""
        self.clock.buckets, total = [], torch.zeros(())
        began, self.clock.began = time.process_time(), time.monotonic()
        for number, (inputs, targets) in enumerate(batches, 1):
            keeps_back = isinstance(self.forward, DistributedDataParallel) and number < len(batches)
            with self.forward.no_sync() if keeps_back else nullcontext():
                loss = next_token_loss(self.forward(inputs), targets) / len(batches)
                loss.backward()
            total += loss.detach()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.processor_seconds += time.process_time() - began
        self.sent += sum(int(bucket["bytes"]) for bucket in self.clock.buckets)
        if self.ranks.world_size > 1:
            dist.all_reduce(total)
        return float(total / self.ranks.world_size)


def train(options: argparse.Namespace, ranks: Ranks, metrics: Metrics) -> None:
    """The same batches by every way."""
    torch.set_num_threads(1)
    tokens = read_tokens(resolve("text").files(), vocabulary=CONFIG.vocabulary, tokenizer=None)
    windows = torch.randperm(tokens.windows(CONFIG.context), generator=torch.Generator().manual_seed(options.seed))
    for way in options.ways:
        learner = Learner(way, options, ranks)
        at_once = SUMMED if way == "summed" else 1
        losses, hidden = [], []
        for start in range(0, options.batches, at_once):
            drawn = []
            for batch in range(start, start + at_once):
                mine = windows[batch * GLOBAL_BATCH :][:GLOBAL_BATCH][ranks.rank :: ranks.world_size]
                drawn.append(tokens.batch(mine.tolist(), CONFIG.context))
            losses.append(learner.step(drawn))
            # DDP groups the gradients anew after its first step
            if ranks.world_size > 1 and start > 0:
                hidden.append(learner.clock.hidden())
            metrics.log(start + at_once, loss=losses[-1])
        if ranks.is_first:
            said = {
                "way": way,
                "losses": losses,
                "sent_bytes": learner.sent,
                "processor_seconds": learner.processor_seconds,
                "hidden": sorted(hidden)[len(hidden) // 2] if hidden else None,
                "buckets": learner.clock.buckets,
            }
            print("way", json.dumps(said), flush=True)
            save_model(paths.model_folder(), learner.model.state_dict(), {"model": "gpt", "way": way})
