"""The group of ranks: set up so that a restart never meets a dead peer, and a hang ends in seconds with a name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from contract.variables import ATTEMPT
from contract.world import World
from training.pytorch.hardware import bind_device, pick_backend
from training.pytorch.roll_call import call_the_roll, lost_peer, name_the_missing, roll_call_seconds

TIMEOUT_SECONDS = 30.0
"""A collective that takes longer has lost a rank. Raise it for models whose single step takes that long."""
JOIN_SECONDS = 120.0
"""How long the ranks of one start may be apart: the time to import torch from a cold disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranks:
    """This process among all: who it is, and how it reaches the others."""

    world: World = field(default_factory=World)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    backend: str = "gloo"
    control: Any = None
    """A gloo group for small host-side agreements, apart from the tensors' traffic; None with a single process."""
    timeout_seconds: float = TIMEOUT_SECONDS
    """A collective that takes longer has lost a rank."""
    first_step_seconds: float = TIMEOUT_SECONDS
    """The same for the first step, and so what groups are made with; `end_first_step` ends it."""
    patience_seconds: float = 0.0
    """How much longer the tensors' groups wait than the control group."""

    @property
    def rank(self) -> int:
        """This process's number."""
        return self.world.rank

    @property
    def world_size(self) -> int:
        """The number of ranks on all nodes."""
        return self.world.world_size

    @property
    def local_rank(self) -> int:
        """This process's number on its node, and so its GPU."""
        return self.world.local_rank

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that prints, and writes what is written once."""
        return self.world.rank == 0


@contextmanager
def connect(
    *,
    backend: str | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    first_step_seconds: float | None = None,
) -> Iterator[Ranks]:
    """Join the ranks that torchrun's variables name, leave them at the end; a single process without them.

    `first_step_seconds`, for models that are compiled, holds until `end_first_step`.
    """
    if "RANK" not in os.environ:
        yield Ranks(device=bind_device(0), backend=pick_backend(backend))
        return
    _check_environment()
    world = World.from_environ()
    rank, world_size = world.rank, world.world_size
    device, backend = bind_device(world.local_rank), pick_backend(backend)
    long = max(timeout_seconds, first_step_seconds or 0.0)
    # Where NCCL runs out of time its watchdog ends the process and names no rank: the control group must come first
    patience = 0.0 if backend == "gloo" else 2 * roll_call_seconds(timeout_seconds)
    store = _attempt_store(rank, world_size)
    call_the_roll(store, "join", rank, world_size, JOIN_SECONDS)
    dist.init_process_group(
        backend,
        store=dist.PrefixStore("group", store),
        rank=rank,
        world_size=world_size,
        timeout=timedelta(seconds=long + patience),
    )
    ranks = Ranks(
        world=world,
        device=device,
        backend=backend,
        control=dist.new_group(backend="gloo", timeout=timedelta(seconds=long)),
        timeout_seconds=timeout_seconds,
        first_step_seconds=long,
        patience_seconds=patience,
    )
    try:
        yield ranks
    except Exception as error:
        if (lost := lost_peer(error)) is not None:
            name_the_missing(store, rank, world_size, timeout_seconds, lost)
        raise
    dist.destroy_process_group()


def end_first_step(ranks: Ranks, *others: dist.ProcessGroup) -> None:
    """From now on a collective may only take the usual time: the ranks have compiled.

    `others` are the groups besides the two that `connect` made. A pipeline's sends through gloo keep the long limit.
    """
    if ranks.control is None or ranks.first_step_seconds <= ranks.timeout_seconds:
        return
    usual = timedelta(seconds=ranks.timeout_seconds)
    for group in (dist.group.WORLD, *others):
        dist.distributed_c10d._set_pg_timeout(usual + timedelta(seconds=ranks.patience_seconds), group)
    dist.distributed_c10d._set_pg_timeout(usual, ranks.control)


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
    attempt = os.environ.get(ATTEMPT, counter)
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


def gather(ranks: Ranks, value: Any) -> list[Any]:
    """Every rank's value, in the order of the ranks."""
    if ranks.control is None:
        return [value]
    values: list[Any] = [None] * ranks.world_size
    dist.all_gather_object(values, value, group=ranks.control)
    return values
