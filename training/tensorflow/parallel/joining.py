"""The limit to how long a worker waits for the others. Imports no TensorFlow: a process of its own watches.

TensorFlow waits for workers that do not come without an end, and holds Python and all signals meanwhile.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.tensorflow.cluster import Cluster, answers


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End this process, naming who is absent, when what is inside takes longer."""
    command = [sys.executable, "-m", "training.tensorflow.parallel.joining", str(os.getpid()), str(seconds)]
    # The program may have found this package in a way that the variables do not tell
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    watcher = subprocess.Popen(command, stdin=subprocess.PIPE, env=environ)
    try:
        yield
    finally:
        # It ends with its standard input, and so also where this process dies
        watcher.communicate()


def watch(process: int, seconds: float, cluster: Cluster) -> None:
    """Wait for the end of standard input, and no longer than this."""
    if select.select([sys.stdin], [], [], seconds)[0]:
        return
    absent = [task for task in cluster.equals if task != cluster.me and not answers(task)]
    names = ", ".join(map(str, absent)) if absent else "another task"
    me = f"{cluster.me.type} {cluster.me.index}"
    print(f"{me}: {names} did not come within {seconds:g} s", file=sys.stderr, flush=True)
    os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    found = Cluster.from_environ()
    assert found is not None
    watch(int(sys.argv[1]), float(sys.argv[2]), found)
