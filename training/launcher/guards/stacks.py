"""Where the ranks of a run that stands still are: Python's own dump of all threads, which a signal makes it write.

It needs no help of the program: faulthandler is on in every rank, and works while the interpreter is stuck.
"""

import re
import signal
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

from training.launcher.guards.watch import DUMP_SIGNAL
from training.launcher.supervise import Child, Supervisor

_WAIT_SECONDS, _FRAMES_SECONDS = 5.0, 0.2
_LAST_STACK = re.compile(rb"Current thread 0x[0-9a-f]+.*\n  File ")
_CURRENT = re.compile(r"^(?:Current thread|Thread) 0x[0-9a-f]+.*\(most recent call first\):\n((?:  File .*\n?)+)", re.M)
_FRAME = re.compile(r'^  File "([^"]+)", line (\d+) in (.+)$', re.M)
_WAITING = re.compile(
    r"/torch/distributed/|/torch/autograd/graph\.py|/mpi4py/|/horovod/"
    r"|/tensorflow/python/(?:distribute|eager)/|/tensorflow/python/training/server_lib\.py"
)
"""Code in which a rank waits for the others: a collective, or the reductions behind a backward pass."""
_UNKNOWN = "a place that is not known, since it wrote no stack"
_MOST_NAMED = 3
_LIBRARY = re.compile(r"/(?:site|dist)-packages/|/lib/python3\.\d+/|^<")


class Place(NamedTuple):
    """Where a rank is."""

    where: str
    """The program's own innermost frame, in words; empty where the rank said nothing."""

    waits: bool
    """Whether it waits for other ranks there."""


def where_they_are(supervisor: Supervisor, ranks: Collection[Child], *, forked: bool) -> dict[str, Place]:
    """Have every rank write the stacks of its threads into the log; a rank that is a new Python ends by that."""
    for rank in ranks:
        rank.tail = b""
    supervisor.signal(ranks, DUMP_SIGNAL if forked else signal.SIGABRT)
    deadline = time.monotonic() + _WAIT_SECONDS
    while any(rank.status is None and not _LAST_STACK.search(rank.tail) for rank in ranks):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        supervisor.step(min(left, 0.2))
    # The last stack is written frame by frame
    supervisor.step(_FRAMES_SECONDS)
    supervisor.step(_FRAMES_SECONDS)
    return {rank.name: place_of(rank.tail.decode(errors="replace")) for rank in ranks}


def place_of(tail: str) -> Place:
    """Read a dump: of the main thread, which comes last, the first frame that is no library's."""
    threads = _CURRENT.findall(tail)
    if not threads:
        return Place(where="", waits=False)
    frames = _FRAME.findall(threads[-1])
    own = next((frame for frame in frames if not _LIBRARY.search(frame[0])), frames[0])
    waits = any(_WAITING.search(file) for file, _, _ in frames[: frames.index(own) + 1])
    return Place(where=f'File "{own[0]}", line {own[1]} in {own[2]}', waits=waits)


def describe(places: Mapping[str, Place], hosts: Mapping[str, str]) -> str:
    """Who stands where: first the ranks that do not wait for another, since the others wait for them."""
    if not places:
        return "no rank wrote where it is"
    if len(places) == 1:
        return f"it is at {next(iter(places.values())).where or _UNKNOWN}"
    stuck = {rank: place for rank, place in places.items() if not place.waits}
    # In the order of their numbers
    shown = sorted((stuck or places).items(), key=lambda item: (len(item[0]), item[0]))[:_MOST_NAMED]
    named = "; ".join(f"{rank} on {hosts[rank]} is at {place.where or _UNKNOWN}" for rank, place in shown)
    if not stuck:
        return f"{named}; all {len(places)} ranks wait for one another"
    waiting = len(places) - len(stuck)
    return f"{named}; {waiting} of {len(places)} ranks wait in a collective" if waiting else named
