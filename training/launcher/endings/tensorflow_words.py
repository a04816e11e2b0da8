"""What TensorFlow's errors mean: their first line often says the least."""

import re

_OF_KERAS = re.compile(r'File "[^"\n]*/keras/src/')
_ONE_WORKER = re.compile(r"PerReplica|Invalid reduction dimension|ClusterCoordinator\.create_per_worker_dataset")
KERAS_FIT = (
    "Keras 3's own fit, evaluate and predict work with one worker only (keras issue 20585): write the loop as in "
    "docs/do/tensorflow.md, or take tf_keras with TF_USE_LEGACY_KERAS=1 in the job's [environment]"
)

_SAYS_NOTHING = ("in user code:", "Graph execution error:")
_ABORTED = re.compile(
    r"Collective ops is aborted by: (.*)|^.*(?:failed to connect|Connection reset|Socket closed).*$", re.MULTILINE
)
_TARGET = re.compile(r"/job:(\w+)/replica:\d+/task:(\d+)")


def is_keras_fit(tail: str) -> bool:
    """Whether a program failed in a loop of Keras 3's that does not know several workers."""
    end = tail[tail.rfind("Traceback (most recent call last):") :]
    return _OF_KERAS.search(end) is not None and _ONE_WORKER.search(end) is not None


def telling(error: str, tail: str) -> str:
    """An error's line, or what follows it where that line alone says nothing."""
    if not error.endswith(_SAYS_NOTHING):
        return error
    kind = error.partition(":")[0].rpartition(".")[2]
    after = tail[tail.rfind(error) + len(error) :]
    if lost := _ABORTED.search(after):
        target = _TARGET.search(after[lost.start() :])
        whom = f" (the peer was {target[1]} {target[2]})" if target else ""
        return f"{kind}: {(lost[1] or lost[0]).strip()[:200]}{whom}"
    lines = [line.strip() for line in after.splitlines() if line.strip() and "[[{{node" not in line]
    return f"{kind}: {lines[-1].removeprefix(f'{kind}: ')[:250]}" if lines else error
