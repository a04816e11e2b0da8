"""Small messages between workers, beside the tensors' traffic: through TensorFlow's own coordination service.

It is a store of keys and values that the first worker holds. Nothing public reaches it; what is used here has been
the same from TensorFlow 2.11 to 2.21.
"""

import base64
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import context

from training.tensorflow.cluster import Task
from training.tensorflow.parallel.lost import TaskLost

_PREFIX = "shardyard"


class Messages:
    """What one worker says to the others and hears of them. All call the same methods in the same order."""

    def __init__(self, tasks: tuple[Task, ...], rank: int, timeout_seconds: float) -> None:
        self._tasks, self._rank, self._timeout_seconds = tasks, rank, timeout_seconds
        self._gathered, self._voted = 0, 0
        self._errands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        # A daemon: who leaves after an error waits for no answer
        threading.Thread(target=self._run_errands, daemon=True, name="votes").start()

    def gather(self, value: Any) -> list[Any]:
        """Every worker's value, in the order of the ranks."""
        self._gathered += 1
        number, everyone = self._gathered, range(len(self._tasks))
        self._set(f"gather/{number}/{self._rank}", base64.b64encode(pickle.dumps(value)).decode())
        found = [pickle.loads(base64.b64decode(self._get(f"gather/{number}/{rank}", rank))) for rank in everyone]
        # All have come this far, so nobody reads the one before any more
        self._delete(f"gather/{number - 1}/{self._rank}")
        return found

    def vote(self, votes: list[bool]) -> Callable[[], list[bool]]:
        """Cast votes; the first worker counts them while training goes on."""
        self._voted += 1
        number, outcome = self._voted, Future[list[bool]]()

        def errand() -> None:
            try:
                outcome.set_result(self._count(number, votes))
            except Exception as error:
                outcome.set_exception(error)

        self._errands.put(errand)
        return outcome.result

    def _count(self, number: int, votes: list[bool]) -> list[bool]:
        mine = "".join("1" if vote else "0" for vote in votes)
        if self._rank != 0:
            self._set(f"vote/{number}/{self._rank}", mine)
            agreed = self._get(f"agreed/{number}", 0)
        else:
            others = [self._get(f"vote/{number}/{rank}", rank) for rank in range(1, len(self._tasks))]
            agreed = "".join("1" if set(column) == {"1"} else "0" for column in zip(mine, *others, strict=True))
            self._set(f"agreed/{number}", agreed)
            for rank in range(1, len(self._tasks)):
                self._delete(f"vote/{number}/{rank}")
            self._delete(f"agreed/{number - 1}")
        return [vote == "1" for vote in agreed]

    def call_the_roll(self, seconds: float) -> list[Task]:
        """The workers that do not answer in time; where even the first, which holds the store, does not: that one."""
        try:
            self._set(f"roll/{self._rank}", "here")
        except tf.errors.OpError:
            return [] if self._rank == 0 else [self._tasks[0]]
        missing = []
        for rank, task in enumerate(self._tasks):
            try:
                context.context().get_config_key_value(f"{_PREFIX}/roll/{rank}", max(1, int(seconds * 1000)))
            except tf.errors.OpError:
                missing.append(task)
        return missing

    def _run_errands(self) -> None:
        while True:
            self._errands.get()()

    def _set(self, key: str, value: str) -> None:
        context.context().set_config_key_value(f"{_PREFIX}/{key}", value)

    def _get(self, key: str, rank: int) -> str:
        milliseconds = int(self._timeout_seconds * 1000)
        try:
            value: str = context.context().get_config_key_value(f"{_PREFIX}/{key}", milliseconds)
        except tf.errors.DeadlineExceededError as error:
            raise TaskLost(
                f"{self._tasks[self._rank].type} {self._tasks[self._rank].index}: {self._tasks[rank]} did not answer "
                f"within {self._timeout_seconds:g} s (it hangs or is dead)"
            ) from error
        return value

    def _delete(self, key: str) -> None:
        with suppress(tf.errors.OpError):
            context.context().delete_config_key_value(f"{_PREFIX}/{key}")
