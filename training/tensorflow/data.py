"""Channels for TensorFlow: batches on every worker, the same number of them, from any position on."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy
import tensorflow as tf

from training import data
from training.data import Channel, DataError, Dataset, Reader, Stream
from training.data.errors import say
from training.tensorflow.parallel.workers import Workers


def channel(name: str, reader: Reader | None = None, *, workers: Workers, **settings: Any) -> Dataset | Stream:
    """`training.data.channel` that knows the workers, and asks them about their own samples.

    FullyReplicated: the workers divide the samples. ShardedByS3Key: each node owns its files.
    """
    require_all_samples(data.resolve(name), workers)
    return data.channel(name, reader, gather=workers.gather, world=workers.world, **settings)


def require_all_samples(found: Channel | None, workers: Workers) -> None:
    """Beside parameter servers the coordinator reads for all: refuse a channel of which it would see a part."""
    if found is not None and workers.coordinator is not None and found.distribution == "ShardedByS3Key":
        raise DataError(
            f"the channel {found.name!r} is ShardedByS3Key, and with parameter servers the chief alone reads: it would "
            "see its own part only; make the channel FullyReplicated"
        )


def share(dataset: Any, name: str, *, workers: Workers) -> Any:
    """This worker's part of a `tf.data` dataset over the files that its node has of a channel; to be batched behind.

    FullyReplicated: a share of all samples. ShardedByS3Key: the node's own files, which its workers divide.
    TensorFlow's auto-sharding knows neither: of own files it would leave out as many as there are other workers.
    """
    found = data.resolve(name)
    require_all_samples(found, workers)
    world, is_sharded = workers.world, found.distribution == "ShardedByS3Key"
    part, parts = (world.local_rank, world.local_world_size) if is_sharded else (world.rank, world.world_size)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return dataset.shard(parts, part).with_options(options)


def stack(samples: Sequence[Any]) -> Any:
    """Samples of equal shape as one array; pairs and longer rows of them column by column."""
    if isinstance(samples[0], tuple):
        return tuple(numpy.stack(column) for column in zip(*samples, strict=True))
    return numpy.stack(samples)


class Loader:
    """Batches of one worker's part of a channel; `state_dict` is exact. Every worker has the same number of them."""

    def __init__(
        self,
        dataset: Dataset | Stream,
        batch_size: int,
        *,
        workers: Workers,
        collate: Callable[[Sequence[Any]], Any] = stack,
    ) -> None:
        """What does not fill a batch on every worker is left out of its epoch; shuffled data leaves out others each."""
        if not isinstance(batch_size, int) or batch_size < 1:
            raise DataError(f"batch_size is {batch_size!r}: a batch has a whole number of samples from 1")
        self.dataset = dataset
        self._batch_size, self._workers, self._collate = batch_size, workers, collate
        self._has_warned = False
        if isinstance(dataset, Dataset):
            counts = workers.gather(len(dataset) // batch_size)
            if min(counts) == 0:
                raise DataError(
                    f"an epoch of the channel {dataset.channel.name!r} has not one batch of {batch_size} on worker "
                    f"{counts.index(0)}: take a smaller batch, fewer workers or more data"
                )
            self._per_epoch: int | None = min(counts)
        else:
            self._per_epoch = None

    @property
    def per_epoch(self) -> int:
        """Batches of a whole epoch; a stream is not counted beforehand."""
        if self._per_epoch is None:
            raise DataError(f"the channel {self.dataset.channel.name!r} streams: read it with stream=False to count it")
        return self._per_epoch

    def __iter__(self) -> Iterator[Any]:
        """The rest of this epoch in batches; at its end the next epoch begins."""
        found = self._stream(self.dataset) if isinstance(self.dataset, Stream) else self._map(self.dataset)
        begins = self.dataset.is_at_beginning if isinstance(self.dataset, Stream) else self.dataset.consumed == 0
        batches = 0
        for batch in found:
            batches += 1
            yield batch
        if begins and batches == 0:
            # Who loops over epochs until enough steps are done would never end
            raise DataError(
                f"an epoch of the channel {self.dataset.channel.name!r} has not one batch of {self._batch_size} on "
                "every worker: take a smaller batch, fewer workers or more data"
            )

    def first_batch(self) -> Any:
        """What the next batch will be like, without taking it; of a channel that is read in any order."""
        if isinstance(self.dataset, Stream):
            raise DataError(f"the channel {self.dataset.channel.name!r} streams: read it with stream=False")
        return self._collate([self.dataset.read(place) for place in islice(self.dataset.places(), self._batch_size)])

    def state_dict(self) -> dict[str, Any]:
        """The position behind the last batch that was handed out."""
        return self.dataset.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue at a position."""
        self.dataset.load_state_dict(state)

    def _map(self, dataset: Dataset) -> Iterator[Any]:
        left = self.per_epoch - dataset.consumed_here // self._batch_size
        places = dataset.places()
        for _ in range(left):
            samples = [dataset.read(place) for place in islice(places, self._batch_size)]
            if len(samples) < self._batch_size:
                break
            dataset.advance(len(samples))
            yield self._collate(samples)
        dataset.next_epoch()

    def _stream(self, stream: Stream) -> Iterator[Any]:
        """All workers stop at the first one that has no full batch left: they agree before each batch."""
        samples = stream.rest()
        batches = 0
        while True:
            batch = list(islice(samples, self._batch_size))
            full = self._workers.gather(int(len(batch) == self._batch_size))
            if not all(full):
                break
            batches += 1
            yield self._collate(batch)
        if any(full) and not self._has_warned and self._workers.is_first:
            without = ", ".join(str(rank) for rank, has_more in enumerate(full) if not has_more)
            say(
                f"warning: channel {stream.channel.name}: the epoch ended after {batches} batches because worker "
                f"{without} had no more; what the others had left is left out: make the objects under the prefix more "
                "equal, or read them with stream=False"
            )
        self._has_warned = self._has_warned or any(full)
        stream.next_epoch()


def endless(loader: Loader) -> Iterator[Any]:
    """Batches, epoch after epoch."""
    while True:
        yield from loader
