"""Which task is gone, read from what a collective failed with."""

import re

import tensorflow as tf

from training.data.errors import first_line
from training.tensorflow.cluster import Cluster, Task

_TASK = re.compile(r"/?job:(\w+)/(?:replica:\d+/)?task:(\d+)")
_LOST = (tf.errors.UnavailableError, tf.errors.DeadlineExceededError, tf.errors.AbortedError, tf.errors.CancelledError)
_WORDS = ("Collective ops is aborted", "Connection reset", "Socket closed", "heartbeat", "tasks have crashed")


class TaskLost(RuntimeError):
    """Tasks did not come, died or hang; the message says which."""


def is_loss(error: BaseException) -> bool:
    """Whether it is the absence of another task that TensorFlow reports."""
    if isinstance(error, _LOST):
        return True
    return isinstance(error, tf.errors.OpError) and any(word in str(error) for word in _WORDS)


def blamed(error: BaseException, cluster: Cluster) -> list[Task]:
    """The other tasks that the message names."""
    named = {(type_, int(index)) for type_, index in _TASK.findall(str(error))}
    return [task for task in cluster.tasks if (task.type, task.index) in named and task != cluster.me]


def describe(error: BaseException, lost: list[Task], cluster: Cluster) -> str:
    """One line for the failure file."""
    me = f"{cluster.me.type} {cluster.me.index}"
    names = ", ".join(map(str, lost)) if lost else "another task"
    verb = "are" if len(lost) > 1 else "is"
    return f"{me}: {names} {verb} dead or hangs; TensorFlow says: {_reason(error)}"


def _reason(error: BaseException) -> str:
    """The line of TensorFlow's message that tells anything: the first is often a title."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = (line for line in lines if any(word in line for word in (*_WORDS, "timed out", "Timeout", "failed to")))
    return next(telling, first_line(error))
