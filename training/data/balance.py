"""How evenly the nodes' own files are divided: counted at the start, and a warning where it costs much."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contract.world import World

Gather = Callable[[int], Sequence[int]]
"""Hands one number of each rank to all ranks, in their order; `training.pytorch.data` has one."""


def first_ranks(ranks_of_nodes: Sequence[int]) -> list[int]:
    """The first rank of each node, where every rank says how many its node has: nodes may have different numbers."""
    firsts = [0]
    while firsts[-1] + ranks_of_nodes[firsts[-1]] < len(ranks_of_nodes):
        firsts.append(firsts[-1] + ranks_of_nodes[firsts[-1]])
    return firsts


def on_each_node(number: int, world: World, gather: Gather | None) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """A number of each node, and its ranks; None where other nodes' numbers are not known."""
    if world.world_size == world.local_world_size:
        return (number,), (world.local_world_size,)
    if gather is None:
        return None
    numbers, ranks = gather(number), gather(world.local_world_size)
    firsts = first_ranks(ranks)
    return tuple(numbers[first] for first in firsts), tuple(ranks[first] for first in firsts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """How evenly the nodes' own files are divided."""

    name: str
    per_node: tuple[int, ...]
    read: int | None = None
    """How much of it all ranks together read in an epoch, where they read equally much."""

    unit: str = "samples"
    """What is counted: `bytes` where samples are counted by reading them, and what is read is only about so much."""

    @property
    def imbalance_percent(self) -> float:
        """How much more the fullest node has than the average."""
        mean = sum(self.per_node) / len(self.per_node)
        return 0.0 if mean == 0 else (max(self.per_node) / mean - 1) * 100

    @property
    def is_uneven(self) -> bool:
        """Whether it is worth a warning: one node with less than the others costs all of them as much."""
        total = sum(self.per_node)
        read = total if self.read is None else self.read
        return self.imbalance_percent > 10 or abs(total - read) > 0.1 * total

    def __str__(self) -> str:
        counts = ", ".join(str(count) for count in self.per_node[:16])
        more = ", ..." if len(self.per_node) > 16 else ""
        text = f"channel {self.name}: {self.unit} per node {counts}{more}"
        text += f"; imbalance {self.imbalance_percent:.1f} percent"
        if self.read is not None:
            total = sum(self.per_node)
            if self.read > total:
                text += f"; an epoch reads {self.read} {self.unit} of {total}, {self.read - total} of them again"
            else:
                text += f"; an epoch reads {'' if self.unit == 'samples' else 'about '}{self.read} of {total}"
                text += f" and leaves out {total - self.read}" if self.read < total else ""
        return f"warning: {text}: {self._advice()}" if self.is_uneven else text

    def _advice(self) -> str:
        fewest, total = min(self.per_node) * len(self.per_node), sum(self.per_node)
        if self.imbalance_percent <= 10 and total - fewest <= 0.1 * total:
            return "take a smaller batch, fewer ranks or more data"  # what the nodes have is even, and too little
        return "make the objects under the prefix more equal, or their number a multiple of nodes"
