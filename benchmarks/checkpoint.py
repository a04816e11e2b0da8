"""What saving every ten steps costs, and how long a save holds the step up.

python -m benchmarks.checkpoint
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from benchmarks import _models
from benchmarks._ranks import run_ranks
from benchmarks._report import Figure, report
from training.pytorch.process_group import Ranks, connect

INTERVAL, ROUNDS = 10, 12
Clocks = tuple[float, float]
"""Wall and CPU seconds."""


def block(steps: Iterator[Any], *, saves: bool) -> tuple[list[Clocks], float]:
    """Ten steps, the first with a save or not: what each of them took, and the seconds that the save held them up.

    The last waits for the writing to end, so that nothing of it is left for the next block.
    """
    taken: list[Clocks] = []
    blocked = 0.0
    for number in range(INTERVAL):
        started, worked = time.perf_counter(), time.process_time()
        with redirect_stdout(StringIO()):
            checkpoints = next(steps)
        if saves and number == 0:
            since = time.perf_counter()
            checkpoints.save()
            blocked = time.perf_counter() - since
        if number == INTERVAL - 1:
            checkpoints.wait()
        taken.append((time.perf_counter() - started, time.process_time() - worked))
    return taken, blocked


def usual(blocks: Sequence[Sequence[Clocks]]) -> Clocks:
    """What a block takes: the sum of what its first, its second, its third step usually take.

    The machine's speed changes by more from block to block than saving costs, and a median of each step does not.
    """
    places = list(zip(*blocks, strict=True))
    wall = sum(statistics.median(step[0] for step in place) for place in places)
    return wall, sum(statistics.median(step[1] for step in place) for place in places)


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
        taken: dict[bool, list[list[Clocks]]] = {True: [], False: []}
        held_up: list[float] = []
        for number in range(ROUNDS):
            for saves in (True, False) if number % 2 == 0 else (False, True):
                steps_taken, blocked = block(steps, saves=saves)
                taken[saves].append(steps_taken)
                held_up += [blocked] if saves else []
        with_saves, without = usual(taken[True]), usual(taken[False])
        print(
            json.dumps(
                {
                    "wall": with_saves[0] / without[0] - 1,
                    "cpu": with_saves[1] / without[1] - 1,
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
    size = 12 * _models.CONFIG.parameters / 1e6
    return report(
        "checkpoint", figures, notes=f"a GPT whose model and optimizer are {size:.0f} MB, on two ranks of one node"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        sys.exit(main())
