"""A machine with neighbours: this process has one processor, and others compute on it as well."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_NEIGHBOUR = """
import select, sys
while not select.select([sys.stdin], [], [], 0)[0]:
    sum(range(100_000))
"""


@contextmanager
def sharing_a_processor(neighbours: int) -> Iterator[None]:
    """Compute beside so many others; each of all has the same part of the processor."""
    if not neighbours:
        yield
        return
    # TensorFlow counts the processors that it may use: with one thread for all that waits, a worker beside a server
    # would wait for itself
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "4")
    had = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(had)})  # what this process starts from now on stays there
    running = [subprocess.Popen([sys.executable, "-c", _NEIGHBOUR], stdin=subprocess.PIPE) for _ in range(neighbours)]
    try:
        yield
    finally:
        for neighbour in running:  # each ends with its standard input, and so also where this process dies
            neighbour.communicate()
        os.sched_setaffinity(0, had)
