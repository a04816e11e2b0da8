"""What saving every ten steps costs, and how long a save delays the step.

python -m benchmarks.checkpoint
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks._report import Figure, report
from benchmarks.ranks import models
from benchmarks.ranks.running import run_ranks
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.process_group import Ranks, connect

INTERVAL, TOUCHED, PAIRS = 10, 3, 40
"""A save every ten steps touches three of them: bytes are written beside the first, old saves removed beside the next.

Three steps with a save are compared with their three neighbours without one, and the difference counts once in ten
steps: over ten steps the machine's own speed changes by more than a save costs.
"""
Clocks = tuple[float, float]
"""Wall and CPU seconds."""


def group(steps: Iterator[Any], checkpoints: Checkpointer, *, saves: bool) -> tuple[Clocks, float]:
    """Three steps behind a save or not: what they took until all was written, and how long the save held them up."""
    started, worked = time.perf_counter(), time.process_time()
    blocked = 0.0
    if saves:
        checkpoints.save()
        blocked = time.perf_counter() - started
    models.seconds_of(steps, TOUCHED)
    checkpoints.wait()
    return (time.perf_counter() - started, time.process_time() - worked), blocked


def share_of_time(with_saves: Sequence[float], without: Sequence[float]) -> float:
    """What a save adds, as a fraction of ten steps."""
    added = statistics.median(one - other for one, other in zip(with_saves, without, strict=True))
    return added / (INTERVAL / TOUCHED * statistics.median(without))


def copy_seconds(ranks: Ranks) -> float:
    """The bare copy of what one rank of two writes: its half of the model's and the optimizer's bytes."""
    numbers = 3 * models.CONFIG.parameters // ranks.world_size
    source, target = torch.ones(numbers), torch.empty(numbers)
    taken = []
    for _ in range(10):
        started = time.perf_counter()
        target.copy_(source)
        taken.append(time.perf_counter() - started)
    return min(taken)


def measure(case: str) -> None:
    """Run as one rank."""
    with connect(timeout_seconds=120) as ranks, tempfile.TemporaryDirectory() as folder:
        steps = models.with_us_gpt(ranks, Path(folder), sharded=case == "fsdp")
        checkpoints = next(steps)
        group(steps, checkpoints, saves=True)
        taken: dict[bool, list[Clocks]] = {True: [], False: []}
        held_up: list[float] = []
        for number in range(PAIRS):
            for saves in (True, False) if number % 2 == 0 else (False, True):
                clocks, blocked = group(steps, checkpoints, saves=saves)
                taken[saves].append(clocks)
                held_up += [blocked] if saves else []
        wall, cpu = (
            share_of_time([clocks[clock] for clocks in taken[True]], [clocks[clock] for clocks in taken[False]])
            for clock in (0, 1)
        )
        print(
            json.dumps(
                {
                    "wall": wall,
                    "cpu": cpu,
                    "blocked": statistics.median(held_up),
                    "copy": copy_seconds(ranks),
                }
            )
        )


def main() -> int:
    """DDP and FSDP on two ranks."""
    figures = []
    for case in ("ddp", "fsdp"):
        found = run_ranks("benchmarks.checkpoint", case, 2)
        figures += [
            Figure(
                name=f"{case}: saving every {INTERVAL} steps", value=100 * found["wall"], unit="% of time", at_most=3
            ),
            Figure(name=f"{case}: the same in CPU seconds", value=100 * found["cpu"], unit="%"),
            Figure(name=f"{case}: a save holds the step up", value=1000 * found["blocked"], unit="ms"),
            Figure(name=f"{case}: a bare copy of the same bytes", value=1000 * found["copy"], unit="ms"),
        ]
    size = 12 * models.CONFIG.parameters / 1e6
    return report(
        "checkpoint",
        figures,
        notes=f"a GPT whose model and optimizer are {size:.0f} MB, on two ranks of one node; {PAIRS} pairs of "
        f"{TOUCHED} steps with a save and without",
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        sys.exit(main())
