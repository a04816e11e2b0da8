"""A machine whose neighbour takes it for a part of the time: this process stands still, and goes on, in turn."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN_SECONDS = 0.04
"""How long it runs and stands still in turn: shorter than a step, so that every step is slow."""
_NEIGHBOUR = """
import os, select, signal, sys, time
process, run, stand = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
while not select.select([sys.stdin], [], [], run)[0]:
    os.kill(process, signal.SIGSTOP)
    time.sleep(stand)
    os.kill(process, signal.SIGCONT)
"""


def part_of_time(text: str) -> float:
    """A part of the time: 0 or more, below 1."""
    number = float(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be 0 or more, and below 1")
    return number


@contextmanager
def hindered(stands_still: float) -> Iterator[None]:
    """Let this process stand still for this part of the time."""
    if not stands_still:
        yield
        return
    run, stand = TURN_SECONDS * (1 - stands_still), TURN_SECONDS * stands_still
    command = [sys.executable, "-c", _NEIGHBOUR, str(os.getpid()), str(run), str(stand)]
    neighbour = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        # It ends with its standard input, after a turn: killed, it might leave this process standing
        neighbour.communicate()
