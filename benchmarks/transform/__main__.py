"""What splitting, filtering and joining cost a batch transform of CSV rows, beside the loop that a person would write.

Both predict with the same small model over the same rows, and both end with the id and the prediction of each row. The
loop does it for one file's layout, by hand; the transform job's way does it by its filters: `$[1:]` goes to the model,
the input is joined, `$[0,-1]` is kept. Processor time, in turns, so that a busy machine does not decide.
"""

import io
import os
import random
import sys
import time
from collections.abc import Callable

import numpy

from benchmarks._report import Figure, report
from shardyard.spec.transform.plan import Plan, transform

ROWS = int(os.environ.get("BENCH_TRANSFORM_ROWS", "100000"))
FEATURES = 10
ROUNDS = 5
SEED = 19
_WEIGHTS = numpy.linspace(-1.0, 1.0, FEATURES)


def main() -> int:
    """Measure and report."""
    data = rows()
    plan = Plan(
        split="Line",
        assemble="Line",
        content_type="text/csv",
        accept="text/csv",
        input_filter="$[1:]",
        join="Input",
        output_filter="$[0,-1]",
    )
    if transform(data, plan, answered) != bare(data):
        sys.exit("the loop and the transform do not write the same")
    taken = in_turns(lambda: bare(data), lambda: transform(data, plan, answered), lambda: predicted(data))
    loop, filtered, whole = (sorted(times)[ROUNDS // 2] for times in taken)
    return report(
        "transform",
        [
            Figure(name="the bare predict loop, rows a second", value=ROWS / loop, unit="rows/s"),
            Figure(
                name="filters and join / the bare predict loop, rows", value=loop / filtered, unit="ratio", at_least=0.8
            ),
            Figure(name="predicting alone / the bare predict loop, time", value=whole / loop, unit="ratio"),
        ],
        notes=f"{ROWS} CSV rows of an id and {FEATURES} features, processor time, median of {ROUNDS} rounds in turns",
    )


def rows() -> bytes:
    """Rows of an id and numbers."""
    chance = random.Random(SEED)
    lines = (",".join([f"row-{n}", *(f"{chance.random():.4f}" for _ in range(FEATURES))]) for n in range(ROWS))
    return ("\n".join(lines) + "\n").encode()


def predicted(data: bytes, first: int = 1) -> list[str]:
    """The model: read the features from this column on, weigh and write them."""
    columns = range(first, first + FEATURES)
    features = numpy.loadtxt(io.BytesIO(data), delimiter=",", usecols=columns, ndmin=2, encoding="utf-8")
    return [f"{value:.6f}" for value in (features @ _WEIGHTS).tolist()]


def answered(body: bytes) -> bytes:
    """What a container does with the body of a request."""
    return "\n".join(predicted(body, 0)).encode()


def bare(data: bytes) -> bytes:
    """The loop that a person would write for these rows."""
    ids = [line.split(",", 1)[0] for line in data.decode().splitlines()]
    return "".join(f"{name},{value}\n" for name, value in zip(ids, predicted(data), strict=True)).encode()


def in_turns(*calls: Callable[[], object]) -> list[list[float]]:
    """The seconds of the processor that each call takes, round by round."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, times in zip(calls, taken, strict=True):
            began = time.process_time()
            call()
            times.append(time.process_time() - began)
    return taken


if __name__ == "__main__":
    sys.exit(main())
