"""Parameter servers: what the workers and the servers do, and what the coordinator does with them.

The coordinator is the only one that runs the program. The others compute what it sends them, until it says that it is
done: by a file that it writes on their node, since TensorFlow has no word for that.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tensorflow as tf

from training.tensorflow.cluster import Cluster, Task, answers
from training.tensorflow.parallel.handing import require_one_gpu
from training.tensorflow.parallel.lost import TaskLost, blamed, describe, is_loss

_LOOK_SECONDS = 0.5
_GONE_SECONDS = 15.0
"""A coordinator that takes no connection for so long is dead."""


def _word(task: Task) -> str:
    """The file on a task's node in which the coordinator says how it ended: its exit code."""
    return str(Path(tempfile.gettempdir(), f"shardyard-{task.address.replace(':', '-').replace('/', '-')}.done"))


def serve(cluster: Cluster, *, join_seconds: float) -> int:
    """Compute what the coordinator sends; returns how it ended, or 1 when it is gone without a word.

    SIGTERM is for the coordinator, which saves and then ends everybody: its variables live here.
    """
    word = Path(_word(cluster.me))
    word.unlink(missing_ok=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tasks: dict[str, list[str]] = {}
    for task in cluster.tasks:
        tasks.setdefault(task.type, []).append(task.address)
    tf.distribute.Server(
        tf.train.ClusterSpec(tasks),
        job_name=cluster.me.type,
        task_index=cluster.me.index,
        protocol="grpc",
        start=True,
    )
    print(f"{cluster.me} serves", file=sys.stderr, flush=True)
    chief = cluster.of("chief")[0]
    seen, deadline = False, time.monotonic() + join_seconds
    while not word.exists():
        if answers(chief):
            seen, deadline = True, time.monotonic() + _GONE_SECONDS
        elif time.monotonic() > deadline:
            why = "is gone without a word" if seen else f"did not come within {join_seconds:g} s"
            print(f"{cluster.me.type} {cluster.me.index}: {chief} {why}", file=sys.stderr, flush=True)
            return 1
        time.sleep(_LOOK_SECONDS)
    code = word.read_text().strip()
    word.unlink(missing_ok=True)
    return int(code) if code.isdecimal() else 1


@contextmanager
def coordinate(cluster: Cluster, *, join_seconds: float) -> Iterator[Any]:
    """The coordinator, connected to all workers and servers; at the end they are told how it ended."""
    _wait_for(cluster, join_seconds)
    strategy = tf.distribute.ParameterServerStrategy(tf.distribute.cluster_resolver.TFConfigClusterResolver())
    code = 1
    try:
        require_one_gpu(strategy.num_replicas_in_sync)
        yield tf.distribute.coordinator.ClusterCoordinator(strategy)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
        raise
    except Exception as error:
        if is_loss(error):
            named = blamed(error, cluster)
            # The message names those too that only passed it on: dead is who takes no connection
            dead = [task for task in named if not answers(task)]
            message = describe(error, dead if dead else named, cluster)
            print(message, file=sys.stderr, flush=True)
            raise TaskLost(message) from error
        raise
    finally:
        _tell(cluster, code)


def _wait_for(cluster: Cluster, join_seconds: float) -> None:
    """Until every worker and server takes connections; TensorFlow's own wait names nobody."""
    deadline = time.monotonic() + join_seconds
    waiting = list(cluster.of("ps", "worker"))
    while waiting := [task for task in waiting if not answers(task)]:
        if time.monotonic() > deadline:
            raise TaskLost(f"{', '.join(map(str, waiting))} did not come within {join_seconds:g} s")
        time.sleep(_LOOK_SECONDS)


def _tell(cluster: Cluster, code: int) -> None:
    """Say to each task that it may leave; who is dead hears nothing."""
    for task in cluster.of("worker", "ps"):
        if answers(task):
            with suppress(tf.errors.OpError), tf.device(f"/job:{task.type}/task:{task.index}/device:CPU:0"):
                tf.io.write_file(_word(task), str(code))
