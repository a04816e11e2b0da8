"""Training steps with this library compared with the same model in a hand-written loop, in one run.

python -m benchmarks.steps
"""

import json
import os
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks._report import Figure, report
from benchmarks.ranks import models
from benchmarks.ranks.running import run_ranks
from training.pytorch.process_group import connect

CASES = {
    "cnn-1": ("CNN, one process", 1, 0.98),
    "cnn-2": ("CNN, two ranks, DDP", 2, 0.98),
    "gpt-1": ("GPT, one process", 1, 0.98),
    "gpt-2": ("GPT, two ranks, DDP", 2, 0.98),
    "fsdp-2": ("GPT, two ranks, FSDP, next to bare fully_shard", 2, 0.95),
}
ROUNDS = 30
STARTS = {"cnn": 12, "gpt": 4, "fsdp": 4}
"""Where a process's memory comes to lie changes its speed by a tenth: several starts, each way first in half. The CNN's
short steps differ the most from start to start, by 2 percent."""


def measure(case: str) -> None:
    """Run as one rank of a case."""
    with connect(timeout_seconds=120) as ranks, tempfile.TemporaryDirectory() as folder:
        if case.startswith("cnn"):
            cnn = models.make_cnn(ranks)
            ours, theirs = models.with_us_cnn(ranks, Path(folder), cnn), models.by_hand_cnn(ranks, cnn)
        else:
            sharded = case.startswith("fsdp")
            ours = models.with_us_gpt(ranks, Path(folder), sharded=sharded)
            theirs = models.by_hand_gpt(ranks, sharded=sharded)
        by_hand, with_us = partial(models.seconds_of, theirs), partial(models.seconds_of, ours)
        if "BENCH_SWAP" in os.environ:
            ratios = models.alternate(with_us, by_hand, rounds=ROUNDS)
            ratios = {clock: 1 / ratio for clock, ratio in ratios.items()}
        else:
            ratios = models.alternate(by_hand, with_us, rounds=ROUNDS)
        print(json.dumps(ratios))


def main() -> int:
    """All cases."""
    figures = []
    for case, (name, world, limit) in CASES.items():
        taken = [
            run_ranks("benchmarks.steps", case, world, **({"BENCH_SWAP": "1"} if start % 2 else {}))
            for start in range(STARTS[case.partition("-")[0]])
        ]
        ratios = {clock: statistics.geometric_mean(one[clock] for one in taken) for clock in ("wall", "cpu")}
        figures.append(Figure(name=f"speed: {name}", value=ratios["wall"], unit="of by hand", at_least=limit))
        figures.append(Figure(name="  the same in CPU seconds of rank 0", value=ratios["cpu"], unit="of by hand"))
    return report(
        "steps",
        figures,
        notes=f"mean of {STARTS['cnn']} starts for the CNN and {STARTS['gpt']} for the GPT; in each the median "
        f"ratio of {ROUNDS} neighbouring steps, by hand and with us",
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        sys.exit(main())
