"""`fit` of tf_keras (Keras 2) on many workers or beside parameter servers, resumed at the very next step.

    import tf_keras
    with connect() as workers:
        with workers.strategy.scope():
            model = tf_keras.Sequential([...])
            model.compile(optimizer="adam", loss="mse")
        fit(model, Loader(channel("train", workers=workers), 32, workers=workers), workers=workers, epochs=5)

BackupAndRestore restores the epoch; a run that is interrupted in the middle of one would see its samples again.

Beside parameter servers the chief reads all batches, and a step is one worker's own.

Import this before the model is made: the random layers of tf_keras draw by default from a state inside of TensorFlow's
kernels that nobody can read, and this tells all that are made from then on to draw from variables.
"""

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras

from training.data.errors import say
from training.saves.unfit import Unfit
from training.tensorflow.checkpoint.checkpointer import Checkpointer, new_seeds
from training.tensorflow.checkpoint.state import TrainingState, layers_with_unreadable_state
from training.tensorflow.data import Loader, endless
from training.tensorflow.parallel.handing import Handing
from training.tensorflow.parallel.workers import Workers

tf_keras.backend.experimental.enable_tf_random_generator()


class Feed:
    """A loader's batches as a dataset that reads ahead, and the position behind those that were learnt from."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self._ahead: deque[dict[str, Any]] = deque()
        self._done: dict[str, Any] = loader.state_dict()
        self._readers = 0
        self._reading = threading.Lock()

    def dataset(self, workers: Workers) -> Any:
        """Endless, on this worker alone: nothing shards or cuts it again."""
        first = self.loader.first_batch()
        signature = tuple(tf.TensorSpec([None, *part.shape[1:]], tf.dtypes.as_dtype(part.dtype)) for part in first)
        found = tf.data.Dataset.from_generator(self.batches, output_signature=signature).prefetch(1)
        return workers.strategy.distribute_datasets_from_function(lambda _: found)

    def batches(self) -> Iterator[Any]:
        """Each call reads anew: from what was learnt on, and not from what was read ahead for an earlier one."""
        with self._reading:
            self._readers += 1
            me = self._readers
            self._ahead.clear()
            self.loader.load_state_dict(self._done)
            batches = endless(self.loader)
        while True:
            with self._reading:
                if me != self._readers:  # one that was read ahead for an earlier call, in a thread that is ending
                    return
                batch = next(batches)
                self._ahead.append(self.loader.state_dict())
            yield tuple(batch)

    def advance(self) -> None:
        """One more batch was learnt from."""
        self._done = self._ahead.popleft()

    def state_dict(self) -> dict[str, Any]:
        """The position behind the last of those."""
        return self._done

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue at a position; before the first batch is read."""
        self.loader.load_state_dict(state)
        self._done = state


class Saves(tf_keras.callbacks.Callback):
    """Tells the checkpoints of each step that is done."""

    def __init__(self, checkpoints: Checkpointer, feed: Feed, step: int) -> None:
        super().__init__()
        self._supports_tf_logs = True  # it looks at none; beside servers tf_keras takes no other callback per batch
        self._checkpoints, self._feed, self.step = checkpoints, feed, step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves when due; after a SIGTERM it saves and leaves with exit code 75."""
        self.step += 1
        self._feed.advance()
        self._checkpoints.after_step(self.step)


def fit(
    model: Any,
    loader: Loader,
    *,
    workers: Workers,
    epochs: int,
    every_steps: int | None = None,
    every_seconds: float | None = 60.0,
    keep: int = 3,
    folder: Path | str | None = None,
    callbacks: Sequence[Any] = (),
    **more: Any,
) -> None:
    """Train a compiled model of tf_keras for so many epochs in all, from where an earlier start of the run left off.

    `more` goes to the model's own fit: validation_data, verbose, class_weight, ...
    """
    _require_steps_of_one_batch(model, workers, more)
    _prepare_random_layers(model, workers)
    feed = Feed(loader)
    checkpoints = Checkpointer(
        model=model,
        optimizer=model.optimizer,
        workers=workers,
        also={"data": feed},
        every_steps=every_steps,
        every_seconds=every_seconds,
        keep=keep,
        folder=folder,
    )
    per_epoch = loader.per_epoch
    with checkpoints:
        step = checkpoints.restore()
        saves = Saves(checkpoints, feed, step)
        with _dataset(model, feed, workers) as data:
            for begun, ended, steps in _calls(step, per_epoch, epochs):
                model.fit(
                    data,
                    initial_epoch=begun,
                    epochs=ended,
                    steps_per_epoch=steps,
                    callbacks=[*callbacks, saves],
                    **more,
                )


def _require_steps_of_one_batch(model: Any, workers: Workers, more: Mapping[str, Any]) -> None:
    if getattr(model, "_steps_per_execution", None) is not None and int(model._steps_per_execution.numpy()) != 1:
        raise Unfit("steps_per_execution is more than 1: leave it at 1, or no step but the last of each could be saved")
    if workers.coordinator is not None and more.get("class_weight") is not None:
        raise Unfit(
            "class_weight works on data that workers read for themselves, and beside parameter servers the chief reads "
            "it: let `collate` return the weights of the samples as a third array"
        )


def _calls(step: int, per_epoch: int, epochs: int) -> Iterator[tuple[int, int, int]]:
    """First epoch, the one behind the last, and steps of each: the rest of one that was interrupted has fewer."""
    begun, within = divmod(step, per_epoch)
    if within and begun < epochs:
        yield begun, begun + 1, per_epoch - within
        begun += 1
    if begun < epochs:
        yield begun, epochs, per_epoch


@contextmanager
def _dataset(model: Any, feed: Feed, workers: Workers) -> Iterator[Any]:
    """What the model's fit reads: nothing beside servers, where its steps are handed out with the chief's batches.

    tf_keras itself has each worker read for itself there, and nobody knows which batches were learnt from.
    """
    if workers.coordinator is None:
        yield feed.dataset(workers)
        return
    handing, batches = Handing(workers.coordinator, workers.workers), feed.batches()

    def on_one(batch: Any) -> Any:
        found = model.train_step(batch)
        model._train_counter.assign_add(1)
        return found

    step = tf.function(lambda *batch: workers.strategy.run(on_one, args=(batch,)), reduce_retracing=True)
    model.train_function = lambda _: handing.give(step, [tf.constant(part) for part in next(batches)])
    try:
        yield tf_keras.utils.experimental.DatasetCreator(lambda _: tf.data.Dataset.range(1).repeat())
    finally:
        model.train_function = None  # tf_keras makes its own again


def _prepare_random_layers(model: Any, workers: Workers) -> None:
    """Let dropout differ from worker to worker, and say which layers will not go on where they were."""
    state = TrainingState(model, None, workers.strategy)
    made_with = sorted((name, seed.tolist()) for name, seed in state.read_seeds().items())
    state.write(new_seeds(state, repr(made_with), workers.world.rank))
    unreadable = layers_with_unreadable_state(model)
    if unreadable and workers.is_first:
        say(
            f"warning: a resumed run will not equal one that nothing happened to: what {', '.join(unreadable)} draws "
            "next cannot be saved; import training.tensorflow.fit before the model's layers are made"
        )
