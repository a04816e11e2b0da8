"""Training steps with this library next to the same model in a hand-written loop, in one run.

python -m benchmarks.steps
"""

import json
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import _models
from benchmarks._ranks import run_ranks
from benchmarks._report import Figure, report
from training.pytorch.process_group import connect

CASES = {
    "cnn-1": ("CNN, one process", 1, 0.98),
    "cnn-2": ("CNN, two ranks, DDP", 2, 0.98),
    "gpt-1": ("GPT, one process", 1, 0.98),
    "gpt-2": ("GPT, two ranks, DDP", 2, 0.98),
    "fsdp-2": ("GPT, two ranks, FSDP, next to bare fully_shard", 2, 0.95),
}
ROUNDS, STEPS = 18, 3


def measure(case: str) -> None:
    """Be one rank of a case."""
    with connect(timeout_seconds=120) as ranks, tempfile.TemporaryDirectory() as folder:
        if case.startswith("cnn"):
            ours, theirs = _models.with_us_cnn(ranks, Path(folder)), _models.by_hand_cnn(ranks)
        else:
            sharded = case.startswith("fsdp")
            ours = _models.with_us_gpt(ranks, Path(folder), sharded=sharded)
            theirs = _models.by_hand_gpt(ranks, sharded=sharded)
        sides = partial(_models.seconds_of, theirs), partial(_models.seconds_of, ours)
        print(json.dumps(_models.alternate(*sides, rounds=ROUNDS, steps=STEPS)))


def main() -> int:
    """All cases."""
    figures = []
    for case, (name, world, limit) in CASES.items():
        ratios = run_ranks("benchmarks.steps", case, world)
        figures.append(Figure(name=f"speed: {name}", value=ratios["wall"], unit="of by hand", at_least=limit))
        figures.append(Figure(name="  the same in CPU seconds of rank 0", value=ratios["cpu"], unit="of by hand"))
    return report(
        "steps",
        figures,
        notes=f"{ROUNDS} rounds of {STEPS} steps in which both ways took turns; the fastest third of each counts",
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        sys.exit(main())
