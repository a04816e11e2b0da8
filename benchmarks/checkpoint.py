"""What saving every ten steps costs, and how long a save holds the step up.

python -m benchmarks.checkpoint
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks import _models
from benchmarks._ranks import run_ranks
from benchmarks._report import Figure, report
from training.pytorch.process_group import Ranks, connect

INTERVAL, ROUNDS = 10, 8


def block(steps: Iterator[Any], *, saves: bool) -> tuple[float, float, float]:
    """Ten steps, the first with a save or not: wall seconds, CPU seconds, and the seconds that the save took from us.

    The wait for the writing to end is counted, so that nothing of it is left for the next block.
    """
    started, worked = time.perf_counter(), time.process_time()
    checkpoints = next(steps)
    blocked = 0.0
    if saves:
        since = time.perf_counter()
        checkpoints.save()
        blocked = time.perf_counter() - since
    _models.seconds_of(steps, INTERVAL - 1)
    checkpoints.wait()
    return time.perf_counter() - started, time.process_time() - worked, blocked


def copy_seconds(ranks: Ranks) -> float:
    """The bare copy of what one rank of two writes: its half of the model's and the optimizer's bytes."""
    numbers = 3 * _models.CONFIG.parameters // ranks.world_size
    source, target = torch.ones(numbers), torch.empty(numbers)
    taken = []
    for _ in range(10):
        started = time.perf_counter()
        target.copy_(source)
        taken.append(time.perf_counter() - started)
    return min(taken)


def measure(case: str) -> None:
    """Be one rank."""
    with connect(timeout_seconds=120) as ranks, tempfile.TemporaryDirectory() as folder:
        steps = _models.with_us_gpt(ranks, Path(folder), sharded=case == "fsdp")
        block(steps, saves=True)
        taken: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
        for number in range(ROUNDS):
            for saves in (True, False) if number % 2 == 0 else (False, True):
                taken[saves].append(block(steps, saves=saves))
        fastest = {saves: [min(column) for column in zip(*blocks, strict=True)] for saves, blocks in taken.items()}
        print(
            json.dumps(
                {
                    "wall": fastest[True][0] / fastest[False][0] - 1,
                    "cpu": fastest[True][1] / fastest[False][1] - 1,
                    "blocked": statistics.median(blocked for _, _, blocked in taken[True]),
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
    size = 12 * _models.CONFIG.parameters / 1e6
    return report(
        "checkpoint", figures, notes=f"a GPT whose model and optimizer are {size:.0f} MB, on two ranks of one node"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        sys.exit(main())
