"""A model that several processes hold a part of each: all compute, and add up what they have."""

import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving import frames

_READ_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One process of those that hold a model."""

    rank: int
    """0 is the worker that the front knows; the others do what it tells them."""
    ranks: int
    """How many there are."""
    lines: tuple[socket.socket, ...]
    """Of rank 0 one to each other, of another one to rank 0."""
    meeting: Path
    """A file in a folder of its own, by which they find each other."""


class Ranks:
    """Their collectives, and the line from the first to the others."""

    def __init__(self, torch: Any, place: Place) -> None:
        self.rank, self.size = place.rank, place.ranks
        self._torch = torch
        self._lines = place.lines
        # All are on this machine, whose own name need not have an address
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        is_on_gpus = torch.cuda.is_available()
        torch.distributed.init_process_group(
            "nccl" if is_on_gpus else "gloo",
            store=torch.distributed.FileStore(str(place.meeting), place.ranks),
            rank=place.rank,
            world_size=place.ranks,
        )
        self.sum(torch.zeros(1, device="cuda" if is_on_gpus else "cpu"))
        if place.rank == 0:
            shutil.rmtree(place.meeting.parent, ignore_errors=True)

    def sum(self, part: Any) -> Any:
        """The parts of all ranks, added up."""
        self._torch.distributed.all_reduce(part)
        return part

    def join(self, part: Any) -> Any:
        """The parts of all ranks, one behind the other in the last dimension."""
        parts = [self._torch.empty_like(part) for _ in range(self.size)]
        self._torch.distributed.all_gather(parts, part.contiguous())
        return self._torch.cat(parts, dim=-1)

    def tell(self, call: list[Any]) -> None:
        """Have the others do what this one is about to do."""
        frame = frames.pack(0, frames.ASK, json.dumps(call).encode())
        for line in self._lines:
            line.sendall(frame)

    def calls(self) -> Iterator[list[Any]]:
        """What rank 0 tells this one to do, until it is gone."""
        buffer = bytearray()
        (line,) = self._lines
        while True:
            data = line.recv(_READ_BYTES)
            if not data:
                return
            buffer += data
            for _, _, payload in frames.take(buffer):
                yield json.loads(payload)
