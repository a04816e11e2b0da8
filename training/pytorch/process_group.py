"""The group of ranks: set up so that a restart never meets a dead peer, and a hang ends in seconds with a name."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from training.pytorch.hardware import bind_device, pick_backend

TIMEOUT_SECONDS = 30.0
"""A collective that takes longer has lost a rank. Raise it for models whose single step takes that long."""
JOIN_SECONDS = 120.0
"""How long the ranks of one start may be apart: the time to import torch from a cold disk."""
ROLL_CALL_SECONDS = 3.0


class RankMissing(RuntimeError):
    """Ranks did not come, died or hang; the message says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranks:
    """This process's place among all."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1
    node: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    backend: str = "gloo"
    control: Any = None
    """A gloo group for small host-side agreements, apart from the tensors' traffic; None with a single process."""

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that prints, and writes what is written once."""
        return self.rank == 0


@contextmanager
def connect(*, backend: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[Ranks]:
    """Join the ranks that torchrun's variables name, leave them at the end; a single process without them."""
    if "RANK" not in os.environ:
        yield Ranks(device=bind_device(0), backend=pick_backend(backend))
        return
    _check_environment()
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    local_rank = int(os.environ.get("LOCAL_RANK", rank))
    local_world_size = int(os.environ.get("LOCAL_WORLD_SIZE", world_size))
    device, backend = bind_device(local_rank), pick_backend(backend)
    timeout = timedelta(seconds=timeout_seconds)
    store = _attempt_store(rank, world_size)
    _roll_call(store, "join", rank, world_size, JOIN_SECONDS)
    dist.init_process_group(
        backend, store=dist.PrefixStore("group", store), rank=rank, world_size=world_size, timeout=timeout
    )
    ranks = Ranks(
        rank=rank,
        world_size=world_size,
        local_rank=local_rank,
        local_world_size=local_world_size,
        node=int(os.environ.get("GROUP_RANK", rank // local_world_size)),
        device=device,
        backend=backend,
        control=dist.new_group(backend="gloo", timeout=timeout),
    )
    try:
        yield ranks
    except Exception as error:
        if _looks_like_a_lost_peer(error):
            _name_the_missing(store, rank, world_size, timeout_seconds, error)
        raise
    dist.destroy_process_group()


def _check_environment() -> None:
    missing = [name for name in ("WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ValueError(
            f"RANK is set and {', '.join(missing)} {verb} not: start with torchrun, or unset RANK for a single process"
        )


def _attempt_store(rank: int, world_size: int) -> dist.Store:
    """A store in which no address of an earlier start is left.

    torch 2.13 keeps the agent's store over restarts and puts no prefix in front of an attempt's keys, so a restarted
    rank would dial its dead peers. A launcher that knows the attempt says so in SHARDYARD_ATTEMPT; without that,
    torchrun's own counter does, as long as the agents restart together.
    """
    agent_store = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    counter = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") if agent_store else "0"
    attempt = os.environ.get("SHARDYARD_ATTEMPT", counter)
    store = dist.TCPStore(
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        world_size=world_size,
        is_master=rank == 0 and not agent_store,
        timeout=timedelta(seconds=JOIN_SECONDS),
        wait_for_workers=False,
        multi_tenant=not agent_store,
    )
    return dist.PrefixStore(f"shardyard/{attempt}", store)


def _roll_call(store: dist.Store, name: str, rank: int, world_size: int, seconds: float) -> None:
    """Wait until every rank has answered; raises RankMissing with those that have not."""
    store.set(f"{name}/{rank}", b"here")
    keys = {f"{name}/{other}": other for other in range(world_size)}
    try:
        store.wait(list(keys), timedelta(seconds=seconds))
    except dist.DistStoreError:
        missing = [other for key, other in keys.items() if not store.check([key])]
        if missing:
            raise RankMissing(f"{_named(missing)} of {world_size} did not answer within {seconds:g} s") from None


def _named(ranks: list[int]) -> str:
    return ("rank " if len(ranks) == 1 else "ranks ") + ", ".join(map(str, ranks))


def _looks_like_a_lost_peer(error: Exception) -> bool:
    if isinstance(error, RankMissing):
        return False
    if isinstance(error, dist.DistError):
        return True
    words = (
        "timed out",
        "timeout",
        "connection closed by peer",
        "connection reset",
        "connection refused",
        "broken pipe",
    )
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)


def _name_the_missing(store: dist.Store, rank: int, world_size: int, timeout_seconds: float, error: Exception) -> None:
    """Ask every rank once more, over the store: a rank that hangs or is dead does not answer."""
    seconds = max(ROLL_CALL_SECONDS, 0.2 * timeout_seconds)
    answer: list[str | None] = []

    def call() -> None:
        try:
            _roll_call(store, "roll-call", rank, world_size, seconds)
            answer.append(None)
        except RankMissing as missing:
            answer.append(f"{missing} (it hangs or is dead)")
        except (dist.DistError, RuntimeError) as lost:
            answer.append(f"rank 0 of {world_size}, which holds the store, is dead: {first_line(lost)}")

    # The store's client waits for ever when its server is stopped, whatever time-out it was given
    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(seconds + 1)
    found = answer[0] if answer else f"rank 0 of {world_size}, which holds the store, did not answer (it hangs)"
    if found is not None:
        message = f"rank {rank}: {found}; the collective failed with: {first_line(error)}"
        print(message, file=sys.stderr, flush=True)
        raise RankMissing(message) from error


def first_line(error: BaseException) -> str:
    """An error's message without the native stack traces that torch appends."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def gather(ranks: Ranks, value: Any) -> list[Any]:
    """Every rank's value, in the order of the ranks."""
    if ranks.control is None:
        return [value]
    values: list[Any] = [None] * ranks.world_size
    dist.all_gather_object(values, value, group=ranks.control)
    return values
