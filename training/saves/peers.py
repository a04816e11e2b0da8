"""How the checkpoints of one process reach those of the others: each framework brings its own messages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from contract.world import World

Ballot = Callable[[list[bool]], Callable[[], list[bool]]]
"""Casts the votes of this rank; the result waits for the others' and says of each whether every rank voted yes."""


def _alone(value: Any) -> list[Any]:
    return [value]


@dataclass(frozen=True, kw_only=True, slots=True)
class Peers:
    """This process among all that save together."""

    world: World = field(default_factory=World)
    gather: Callable[[Any], list[Any]] = _alone
    """Hands one value of each rank to all ranks, in their order; all of them call it at the same point."""
    ballot: Ballot | None = None
    """None with a single process."""

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that writes what is written once."""
        return self.world.rank == 0
