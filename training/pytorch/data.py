"""Channels for PyTorch: batches on every rank, the same number of them, from any position on."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Sampler

from training import data
from training.data import DataError, Dataset, Reader, Stream, World, s3


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
        local = World.from_environ()
        settings["world"] = World(
            rank=dist.get_rank(),
            world_size=dist.get_world_size(),
            local_rank=local.local_rank,
            local_world_size=local.local_world_size,
        )
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
        """`last="keep"` yields a smaller last batch: right for evaluation, a hang for training with uneven ranks."""
        self.dataset = dataset
        self._batch_size = batch_size
        self._collate = torch.utils.data.default_collate if collate is None else collate
        self._workers = workers
        self._last = last

    def __iter__(self) -> Iterator[Any]:
        """The rest of this epoch in batches; at its end the next epoch begins."""
        if isinstance(self.dataset, Stream):
            is_whole, found = self.dataset.position == 0, self._stream(self.dataset)
        else:
            is_whole, found = self.dataset.consumed == 0, self._map(self.dataset)
        batches = 0
        for batch in found:
            batches += 1
            yield batch
        if is_whole and batches == 0:
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
            # The workers read ahead, so the position moves only when a batch is handed out here
            loaded = iter(
                DataLoader(
                    _Places(dataset),
                    batch_sampler=_Once(batches),
                    num_workers=self._workers,
                    multiprocessing_context=_workers_context(),
                    collate_fn=self._collate,
                )
            )
        for content in loaded:
            dataset.advance(sizes.popleft())
            yield content
        dataset.next_epoch()

    def _batches(self, dataset: Dataset, sizes: deque[int]) -> Iterator[list[tuple[int, int]]]:
        places = dataset.places()
        while batch := list(islice(places, self._batch_size)):
            if self._last == "drop" and len(batch) < self._batch_size:
                return
            sizes.append(len(batch))
            yield batch

    def _stream(self, stream: Stream) -> Iterator[Any]:
        """All ranks stop at the first one that has no full batch left: they agree before each batch."""
        epoch = stream.epoch
        samples = iter(stream)
        while True:
            batch = list(islice(samples, self._batch_size))
            if not _everyone(len(batch) == self._batch_size or (self._last == "keep" and len(batch) > 0)):
                break
            yield self._collate(batch)
        if stream.epoch == epoch:
            stream.next_epoch()


def _workers_context() -> Any:
    """How workers start: by a fork, but not of a process in which S3's client has threads; the fork might hang."""
    if not s3.is_in_use():
        return None
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.pytorch.data"])
    return context


class _Places:
    """The dataset by places, for the workers of a DataLoader."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __getitem__(self, place: tuple[int, int]) -> Any:
        return self._dataset.read(place)


class _Once(Sampler[list[tuple[int, int]]]):
    """An iterator in the shape that DataLoader asks for."""

    def __init__(self, batches: Iterator[list[tuple[int, int]]]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return self._batches


def _everyone(ready: bool) -> bool:
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return ready
    device = torch.device("cuda") if dist.get_backend() == "nccl" else torch.device("cpu")
    flag = torch.tensor(1 if ready else 0, device=device)
    dist.all_reduce(flag, op=dist.ReduceOp.MIN)
    return bool(flag.item())
