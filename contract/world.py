"""Which rank this process is, read from the variables that every launcher sets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """This process among all ranks."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1
    group_rank: int | None = None
    """This node's number as the launcher gives it; None: every node has as many ranks as this one."""

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank {self.rank} is not in a world of {self.world_size}")
        if not 0 <= self.local_rank < self.local_world_size <= self.world_size:
            raise ValueError(f"local rank {self.local_rank} is not among {self.local_world_size} of {self.world_size}")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE and GROUP_RANK.

        Without the first two the process is alone, without the next two all ranks are on one node.
        """
        rank, world_size = environ.get("RANK", "0"), environ.get("WORLD_SIZE", "1")
        node = environ.get("GROUP_RANK")
        return cls(
            rank=int(rank),
            world_size=int(world_size),
            local_rank=int(environ.get("LOCAL_RANK", rank)),
            local_world_size=int(environ.get("LOCAL_WORLD_SIZE", world_size)),
            group_rank=None if node is None else int(node),
        )

    @property
    def nodes(self) -> int:
        """The number of nodes, each with as many ranks as this one."""
        return self.world_size // self.local_world_size

    @property
    def node(self) -> int:
        """This node's number."""
        return self.rank // self.local_world_size if self.group_rank is None else self.group_rank
