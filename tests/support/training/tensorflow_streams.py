"""Two workers on nodes of their own that read channels, most of them uneven; run by tests as a program.

Arguments: a folder for each worker's /opt/ml, the samples of a batch, the epochs, and how many samples each worker's
own objects have; in the channel `whole` both have the objects of both. Each worker prints, per channel, the samples of
each batch.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from tests.support.training.data_files import make_channel, numbers
from training.data import JsonLines, Stream, resolve
from training.tensorflow.data import Loader, channel, share
from training.tensorflow.parallel.workers import Workers, connect

FOLDER = Path(sys.argv[1])
BATCH, EPOCHS, *COUNTS = map(int, sys.argv[2:])


def say(title: str, batches: list[list[int]]) -> None:
    """One line for the test."""
    print(f"{title}={json.dumps(batches)}", flush=True)


def loader(name: str, workers: Workers, **settings: Any) -> Loader:
    """A channel's batches, in the order of the file."""
    found = channel(name, JsonLines(), workers=workers, shuffle=False, **settings)
    return Loader(found, BATCH, workers=workers, collate=list)


def read_sharded(workers: Workers) -> None:
    """A stream over this node's own objects, and the same objects in any order, resumed behind the first batch."""
    for epoch in range(EPOCHS):
        say(f"sharded-{epoch}", list(loader("sharded", workers, stream=True)))
    first = loader("sharded", workers, stream=False)
    batches: Iterator[Any] = iter(first)
    begun = [next(batches)]
    resumed = loader("sharded", workers, stream=False)
    resumed.load_state_dict(first.state_dict())
    say("mapped", begun + list(resumed))


def read_whole(workers: Workers) -> None:
    """What both have, divided among them."""
    batches = loader("whole", workers, stream=False)
    for epoch in range(EPOCHS):
        say(f"whole-{epoch}", list(batches))


def read_tf_data(name: str, workers: Workers) -> None:
    """The same objects as a script of somebody's own reads them, and TensorFlow hands them to the workers."""
    files = [str(path) for path in resolve(name).files()]
    lines = share(tf.data.TextLineDataset(files), name, workers=workers)
    batches = workers.strategy.experimental_distribute_dataset(lines.batch(BATCH * workers.workers))
    for epoch in range(EPOCHS):
        mine = [part for batch in batches for part in workers.strategy.experimental_local_results(batch)]
        say(f"tf-{name}-{epoch}", [[int(line) for line in part.numpy()] for part in mine])


def read_pipe(workers: Workers, base: Path, count: int) -> None:
    """Two epochs of a pipe each, which SageMaker fills from this node's objects."""

    def fill(epoch: int) -> None:
        (base / "input" / "data" / f"piped_{epoch}").write_bytes(numbers(count, 100 * epoch))

    for epoch in range(EPOCHS):
        os.mkfifo(base / "input" / "data" / f"piped_{epoch}")
    writers = [threading.Thread(target=fill, args=(epoch,), daemon=True) for epoch in range(EPOCHS)]
    for writer in writers:
        writer.start()
    piped = loader("piped", workers)
    assert isinstance(piped.dataset, Stream)
    for epoch in range(EPOCHS):
        say(f"piped-{epoch}", list(piped))


def main() -> None:
    """Be one node of two, and read."""
    rank = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    base, count = FOLDER / str(rank), COUNTS[rank]
    sharded = {"S3DistributionType": "ShardedByS3Key"}
    files = {f"{rank}.jsonl": numbers(count, 1000 * rank)}
    environ = make_channel(base, files, name="sharded", **sharded)
    both = {f"{other}.jsonl": numbers(COUNTS[other], 1000 * other) for other in range(len(COUNTS))}
    make_channel(base, both, name="whole")
    channels = json.loads(environ["SM_INPUT_DATA_CONFIG"])
    channels |= {"whole": {}, "piped": {"TrainingInputMode": "Pipe", **sharded}}
    os.environ |= {**environ, "SM_INPUT_DATA_CONFIG": json.dumps(channels), "SM_CURRENT_HOST": f"algo-{rank + 1}"}
    with connect(timeout_seconds=120) as workers:
        assert workers.world.local_world_size == 1
        read_sharded(workers)
        read_pipe(workers, base, count)
        read_whole(workers)
        for name in ("whole", "sharded"):
            read_tf_data(name, workers)


if __name__ == "__main__":
    main()
