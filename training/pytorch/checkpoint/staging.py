"""A copy of the tensors in host memory, laid out as the file that is written from it while training goes on."""

from collections.abc import Iterable, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.checkpoint.planner import WriteItem
from torch.distributed.checkpoint.planner_helpers import _create_write_items
from torch.distributed.tensor import DTensor

from training.pytorch.checkpoint.numbers import code_of, dtype_of
from training.saves.shards import Piece
from training.saves.tensor_file import Entry, encode_header


def pieces_of(tensors: Mapping[str, torch.Tensor]) -> dict[Piece, int]:
    """The pieces of the tensors that this process holds, with their sizes in bytes."""
    return {_piece(item): local(tensors[item.index.fqn]).nbytes for item in _write_items(tensors)}


def local(tensor: torch.Tensor) -> torch.Tensor:
    """What of a tensor lies in this process's memory."""
    return (tensor.to_local() if isinstance(tensor, DTensor) else tensor).detach()


def copied(value: Any) -> Any:
    """A copy of a nested value that does not change with it, its tensors in host memory."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        same = copy(value)  # a model's state_dict is a dictionary with an attribute
        for key, inner in value.items():
            same[key] = copied(inner)
        return same
    if type(value) in (list, tuple):
        return type(value)(map(copied, value))
    return deepcopy(value)


def _write_items(tensors: Mapping[str, torch.Tensor]) -> list[WriteItem]:
    """One for each tensor of which anything is here, with its place in the whole."""
    items = [item for name, tensor in tensors.items() for item in _create_write_items(name, tensor)]
    return [item for item in items if item.tensor_data.chunk.sizes.numel() > 0]


def _piece(item: WriteItem) -> Piece:
    return item.index.fqn, tuple(item.tensor_data.chunk.offsets)


@dataclass(frozen=True, kw_only=True, slots=True)
class Staged:
    """The content of a file."""

    header: bytes
    content: torch.Tensor
    """Bytes in host memory."""

    def write(self, stream: Any) -> None:
        """Write the file."""
        stream.write(self.header)
        stream.write(memoryview(self.content.numpy()))


class Staging:
    """Host memory that the tensors are copied into, all of it in one piece and kept from save to save."""

    def __init__(self) -> None:
        self._tensors: Mapping[str, torch.Tensor] | None = None

    def copy(self, tensors: Mapping[str, torch.Tensor], leaves: frozenset[Piece]) -> Staged:
        """Copy all pieces but those that another rank writes; the model may change again once this returns.

        Whoever gives the same mapping again means the same memory: then nothing is done but the copy.
        """
        if tensors is not self._tensors:
            self._lay_out(tensors, leaves)
        if self._sources:
            torch._foreach_copy_(self._targets, self._sources, non_blocking=True)
        if self._pinned:
            torch.cuda.synchronize()
        return self._staged

    def _lay_out(self, tensors: Mapping[str, torch.Tensor], leaves: frozenset[Piece]) -> None:
        items = [item for item in _write_items(tensors) if _piece(item) not in leaves]
        # The widest numbers first: so each lies where its type may lie
        items.sort(key=lambda item: -tensors[item.index.fqn].element_size())
        entries = dict(_entries(items, tensors))
        self._sources = [local(tensors[name]) for name in entries]
        self._pinned = any(source.is_cuda for source in self._sources)
        size = max((entry.end for entry in entries.values()), default=0)
        content = torch.empty(size, dtype=torch.uint8, pin_memory=self._pinned)
        self._targets = [
            content[entry.start : entry.end].view(dtype_of(entry)).view(entry.shape) for entry in entries.values()
        ]
        self._staged = Staged(header=encode_header(entries), content=content)
        self._tensors = tensors


def _entries(items: Iterable[WriteItem], tensors: Mapping[str, torch.Tensor]) -> Iterable[tuple[str, Entry]]:
    """Each item's part of the file, one behind the other."""
    start = 0
    for item in items:
        held, piece = local(tensors[item.index.fqn]), item.tensor_data
        yield (
            item.index.fqn,
            Entry(
                dtype=code_of(item.index.fqn, held.dtype),
                shape=tuple(held.shape),
                whole=tuple(piece.size),
                offsets=tuple(piece.chunk.offsets),
                start=start,
                end=start + held.nbytes,
            ),
        )
        start += held.nbytes
