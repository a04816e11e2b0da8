"""Who is missing, asked over the store when a collective has lost a rank."""

import sys
import threading
from contextlib import suppress
from datetime import timedelta

import torch.distributed as dist

from training.data.errors import first_line

ROLL_CALL_SECONDS = 3.0


class RankMissing(RuntimeError):
    """Ranks did not come, died or hang; the message says which."""


def roll_call_seconds(timeout_seconds: float) -> float:
    """How long ranks have for an answer."""
    return max(ROLL_CALL_SECONDS, 0.2 * timeout_seconds)


def call_the_roll(store: dist.Store, name: str, rank: int, world_size: int, seconds: float) -> None:
    """Wait until every rank has answered; raises RankMissing with those that have not."""
    store.set(f"{name}/{rank}", b"here")
    keys = {f"{name}/{other}": other for other in range(world_size)}
    try:
        store.wait(list(keys), timedelta(seconds=seconds))
    except dist.DistStoreError:
        missing = [other for key, other in keys.items() if not store.check([key])]
        if missing:
            raise RankMissing(f"{_named(missing)} of {world_size} did not answer within {seconds:g} s") from None


def _part(store: dist.Store, name: str, rank: int, world_size: int, seconds: float) -> None:
    """Leave after a roll call; the first rank may hold the store, and leaves when all who answered have heard it."""
    store.set(f"{name}/{rank}/heard", b"")
    if rank == 0:
        there = [other for other in range(world_size) if store.check([f"{name}/{other}"])]
        with suppress(dist.DistStoreError):
            store.wait([f"{name}/{other}/heard" for other in there], timedelta(seconds=seconds))


def _named(ranks: list[int]) -> str:
    return ("rank " if len(ranks) == 1 else "ranks ") + ", ".join(map(str, ranks))


def lost_peer(error: BaseException | None) -> BaseException | None:
    """The error of a collective that lost a rank, also where a pipeline's stage wraps it; None if there is none."""
    if error is None or isinstance(error, RankMissing):
        return None
    words = (
        "timed out",
        "timeout",
        "connection closed by peer",
        "connection reset",
        "connection refused",
        "broken pipe",
    )
    lost = isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    return error if lost or isinstance(error, dist.DistError) else lost_peer(error.__cause__ or error.__context__)


def name_the_missing(
    store: dist.Store, rank: int, world_size: int, timeout_seconds: float, error: BaseException
) -> None:
    """Ask every rank once more, over the store: a rank that hangs or is dead does not answer."""
    seconds = roll_call_seconds(timeout_seconds)
    answer: list[str | None] = []

    def call() -> None:
        try:
            call_the_roll(store, "roll-call", rank, world_size, seconds)
            answer.append(None)
        except RankMissing as missing:
            answer.append(f"{missing} (it hangs or is dead)")
            _part(store, "roll-call", rank, world_size, seconds)
        except (dist.DistError, RuntimeError) as lost:
            answer.append(f"rank 0 of {world_size}, which holds the store, is dead: {first_line(lost)}")

    # The store's client waits for ever when its server is stopped, whatever time-out it was given
    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(seconds * (2 if rank == 0 else 1) + 1)
    found = answer[0] if answer else f"rank 0 of {world_size}, which holds the store, did not answer (it hangs)"
    if found is not None:
        message = f"rank {rank}: {found}; the collective failed with: {first_line(error)}"
        print(message, file=sys.stderr, flush=True)
        raise RankMissing(message) from error
