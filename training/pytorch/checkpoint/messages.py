"""How the checkpoints of ranks reach each other: over the process group, beside the tensors' traffic."""

from collections.abc import Callable
from functools import partial

import torch
import torch.distributed as dist

from training.pytorch.process_group import Ranks, gather
from training.saves.peers import Peers


def peers_of(ranks: Ranks) -> Peers:
    """The ranks as their checkpoints see them."""
    ballot = None if ranks.control is None else partial(_vote, ranks)
    return Peers(world=ranks.world, gather=partial(gather, ranks), ballot=ballot)


def _vote(ranks: Ranks, votes: list[bool]) -> Callable[[], list[bool]]:
    message = torch.tensor(votes, dtype=torch.int32)
    work = dist.all_reduce(message, op=dist.ReduceOp.MIN, group=ranks.control, async_op=True)

    def result() -> list[bool]:
        assert work is not None
        work.wait()
        return [bool(vote) for vote in message.tolist()]

    return result
