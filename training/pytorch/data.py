"""Channels for PyTorch: batches on every rank, the same number of them, from any position on."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader

from contract.refusal import Refused
from training import data
from training.data import DataError, Dataset, Reader, ShardError, Stream, World, s3
from training.data.dataset import is_whole
from training.data.errors import say
from training.pytorch.random_state import seed_everything

Places = list[tuple[int, int]]
"""The samples of a batch: shard and number of each."""
Seed = tuple[int, ...]
"""What a worker's random draws depend on, batch by batch."""


def gather(number: int) -> list[int]:
    """One number of each rank, in their order: how ranks learn of each other's data."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return [number]
    numbers: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(numbers, number)
    return [int(item) for item in numbers]


def channel(name: str, reader: Reader | None = None, **settings: Any) -> Dataset | Stream:
    """`training.data.channel` that asks the process group about ranks and about the other nodes' samples."""
    if dist.is_initialized() and "world" not in settings:
        settings["world"] = replace(World.from_environ(), rank=dist.get_rank(), world_size=dist.get_world_size())
    return data.channel(name, reader, gather=gather, **settings)


class Loader:
    """Batches of one rank's part of a channel; `state_dict` is exact, also with workers that read ahead."""

    def __init__(
        self,
        dataset: Dataset | Stream,
        batch_size: int,
        *,
        collate: Callable[[Sequence[Any]], Any] | None = None,
        workers: int = 0,
        last: Literal["drop", "keep"] = "drop",
    ) -> None:
        """`last="keep"` yields a smaller last batch: right for evaluation, a hang for training with uneven ranks.

        `workers` read ahead in random access; each rank reads a stream itself.
        """
        counts = is_whole(batch_size) and batch_size > 0 and is_whole(workers) and workers >= 0
        if not counts or last not in ("drop", "keep"):
            raise DataError(
                f"batch_size is {batch_size!r}, workers {workers!r} and last {last!r}: a batch has a whole number of "
                "samples from 1, workers are a whole number from 0, and last is 'drop' or 'keep'"
            )
        self.dataset = dataset
        self._batch_size = batch_size
        self._collate = torch.utils.data.default_collate if collate is None else collate
        self._workers = workers
        self._last = last
        self._has_warned = False

    def __len__(self) -> int:
        """Batches of a whole epoch; a stream is not counted beforehand."""
        if isinstance(self.dataset, Stream):
            raise TypeError(f"the channel {self.dataset.channel.name!r} streams: its batches are not known")
        samples = len(self.dataset)
        return samples // self._batch_size if self._last == "drop" else -(-samples // self._batch_size)

    def __iter__(self) -> Iterator[Any]:
        """The rest of this epoch in batches; at its end the next epoch begins."""
        if isinstance(self.dataset, Stream):
            is_whole, found = self.dataset.is_at_beginning, self._stream(self.dataset)
        else:
            is_whole, found = self.dataset.consumed == 0, self._map(self.dataset)
        batches = 0
        for batch in found:
            batches += 1
            yield batch
        may_be_none = self._last == "keep" and self.dataset.settings.equalise == "join"
        if is_whole and batches == 0 and not may_be_none:
            # Who loops over epochs until enough steps are done would never end
            raise DataError(
                f"an epoch of the channel {self.dataset.channel.name!r} has not one batch of {self._batch_size} "
                "on every rank: take a smaller batch, fewer ranks or more data"
            )

    def state_dict(self) -> dict[str, Any]:
        """The position behind the last batch that was handed out."""
        return self.dataset.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue at a position."""
        self.dataset.load_state_dict(state)

    def _map(self, dataset: Dataset) -> Iterator[Any]:
        sizes: deque[int] = deque()
        batches = self._batches(dataset, sizes)
        if self._workers == 0:
            loaded: Iterator[Any] = (self._collate([dataset.read(place) for place in batch]) for batch in batches)
        else:
            loaded = self._read_ahead(dataset, batches)
        for content in loaded:
            dataset.advance(sizes.popleft())
            yield content
        dataset.next_epoch()

    def _read_ahead(self, dataset: Dataset, batches: Iterator[Places]) -> Iterator[Any]:
        """The workers are ahead, so position and count of unreadable samples move when a batch is handed out here."""
        loaded = DataLoader(
            _Batches(dataset, self._collate),
            sampler=_numbered(batches, dataset),
            batch_size=None,
            num_workers=self._workers,
            multiprocessing_context=_workers_context(),
            collate_fn=_as_it_is,
            # Its own, or each epoch begun here would draw from the generator that dropout draws from
            generator=torch.Generator(),
        )
        for content, skipped in loaded:
            if isinstance(content, (Refused, ShardError)):
                raise content
            dataset.skipped += skipped
            yield content

    def _batches(self, dataset: Dataset, sizes: deque[int]) -> Iterator[Places]:
        places = dataset.places()
        while batch := list(islice(places, self._batch_size)):
            if self._last == "drop" and len(batch) < self._batch_size:
                return
            sizes.append(len(batch))
            yield batch

    def _stream(self, stream: Stream) -> Iterator[Any]:
        """All ranks stop at the first one that has no full batch left: they agree before each batch."""
        together = stream.settings.equalise != "join"
        samples = stream.rest()
        while True:
            batch = list(islice(samples, self._batch_size))
            has_batch = len(batch) == self._batch_size or (self._last == "keep" and len(batch) > 0)
            if not (_everyone(has_batch) if together else has_batch):
                break
            yield self._collate(batch)
        if together:
            self._warn_of_rest(stream, batches=(stream.position - len(batch)) // self._batch_size, has_batch=has_batch)
        stream.next_epoch()

    def _warn_of_rest(self, stream: Stream, *, batches: int, has_batch: bool) -> None:
        """Warn once that an epoch left out what some ranks still had; all ranks ask until one has warned."""
        if self._has_warned:
            return
        had_more = _each(has_batch)
        self._has_warned = any(had_more)
        if self._has_warned and stream.world.rank == 0:
            own = stream.channel.distribution == "ShardedByS3Key"
            remedy = "make the channel FullyReplicated" if own else "read it with stream=False"
            say(
                f"warning: channel {stream.channel.name}: the epoch ended after {batches} "
                f"{'batch' if batches == 1 else 'batches'} because {_named(had_more, False)} had no more; "
                f"{_named(had_more, True)} had data left, which is left out: make the objects under the prefix more "
                f'equal, {remedy}, or use equalise="join"'
            )


def _named(said: Sequence[bool], what: bool) -> str:
    """The ranks that said so; of many the first few."""
    ranks = [str(rank) for rank, answer in enumerate(said) if answer == what]
    more = f" and {len(ranks) - 4} more" if len(ranks) > 4 else ""
    return f"{'rank' if len(ranks) == 1 else 'ranks'} {', '.join(ranks[:4])}{more}"


def _numbered(batches: Iterator[Places], dataset: Dataset) -> Iterator[tuple[Places, Seed]]:
    """Each batch with what its random draws depend on: its place in the run, and the rank, but no restart."""
    at = dataset.consumed_here
    for batch in batches:
        yield batch, (dataset.settings.seed, dataset.epoch, at, dataset.world.rank)
        at += len(batch)


def _workers_context() -> Any:
    """How workers start: by a fork, but not of a process in which S3's client has threads; the fork might hang."""
    if not s3.is_in_use():
        return None
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.pytorch.data"])
    return context


class _Batches:
    """The dataset by places of whole batches, for the workers of a DataLoader."""

    def __init__(self, dataset: Dataset, collate: Callable[[Sequence[Any]], Any]) -> None:
        self._dataset, self._collate = dataset, collate

    def __getitem__(self, batch: tuple[Places, Seed]) -> tuple[Any, int]:
        """A batch, or the error in its place, and how many samples this worker could not read for it."""
        places, seed = batch
        seed_everything(*seed)
        before = self._dataset.skipped
        try:
            content = self._collate([self._dataset.read(place) for place in places])
        except (Refused, ShardError) as error:
            return error, 0  # torch would make a RuntimeError with a traceback in its message of it
        return content, self._dataset.skipped - before


def _as_it_is(content: Any) -> Any:
    return content


def _everyone(ready: bool) -> bool:
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return ready
    flag = torch.tensor(1 if ready else 0, device=flag_device())
    dist.all_reduce(flag, op=dist.ReduceOp.MIN)
    return bool(flag.item())


def _each(ready: bool) -> list[bool]:
    """What each rank says: a sum over the places of all ranks, since sums are what every backend has."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return [ready]
    flags = torch.zeros(dist.get_world_size(), dtype=torch.int64, device=flag_device())
    flags[dist.get_rank()] = int(ready)
    dist.all_reduce(flags)
    return [bool(flag) for flag in flags.tolist()]


def flag_device() -> torch.device:
    """Where the group can reduce a flag: with gloo in memory; nccl and smddp take what lies on a GPU only."""
    return torch.device("cuda" if torch.cuda.is_available() and "gloo" not in dist.get_backend() else "cpu")
