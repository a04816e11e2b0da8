"""Real ranks for tests: processes that a server which has torch imported forks, so that a case costs no imports."""

import multiprocessing
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.support.training.training_cases"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How one rank ended."""

    code: int
    """Its exit code, or minus the signal that ended it."""
    result: Any
    """What the case returned; None if it did not get that far."""
    errors: str
    """What it wrote to standard error."""


def run_ranks(
    world: int,
    case: Callable[..., Any],
    *arguments: Any,
    folder: Path,
    nodes: int = 1,
    environ: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> list[Ended]:
    """Run a case on every rank of a world, spread over `nodes`, and wait for all of them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = []
    for rank in range(world):
        local = world // nodes
        variables = {
            "RANK": str(rank),
            "WORLD_SIZE": str(world),
            "LOCAL_RANK": str(rank % local),
            "LOCAL_WORLD_SIZE": str(local),
            "GROUP_RANK": str(rank // local),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            **(environ or {}),
        }
        receiver, sender = CONTEXT.Pipe(duplex=False)
        log = folder / f"rank-{rank}.log"
        process = CONTEXT.Process(target=_be_rank, args=(variables, log, sender, case, arguments))
        process.start()
        sender.close()
        started.append((process, receiver, log))
    return [_end(process, receiver, log, seconds) for process, receiver, log in started]


def _end(process: Any, receiver: Any, log: Path, seconds: float) -> Ended:
    result = None
    try:
        if receiver.poll(seconds):
            result = receiver.recv()
    except EOFError:
        pass
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
    return Ended(code=process.exitcode, result=result, errors=log.read_text() if log.exists() else "")


def _be_rank(variables: dict[str, str], log: Path, sender: Any, case: Callable[..., Any], arguments: Any) -> None:
    import torch

    os.environ.update(variables)
    torch.set_num_threads(1)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 2)
    try:
        sender.send(case(*arguments))
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def results(ended: list[Ended]) -> list[Any]:
    """What the ranks returned, when all of them did well; else a failure that shows what they wrote."""
    for rank, one in enumerate(ended):
        assert one.code == 0, f"rank {rank} ended with {one.code}:\n{one.errors[-3000:]}"
    return [one.result for one in ended]
