"""What the restarts of two workers are measured with: under the launcher with this library, or all by hand.

    python -m benchmarks.tensorflow.restart_program              # checkpoints of this library
    python -m benchmarks.tensorflow.restart_program FOLDER       # tf.train.Checkpoint, in this folder

Each worker prints its first step of a start, and its first one behind a save; a start that has restored takes one step.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from benchmarks.tensorflow.loops import BATCH, digits, make
from training.tensorflow.checkpoint.checkpointer import Checkpointer
from training.tensorflow.models.digits import scale
from training.tensorflow.parallel.workers import Workers, connect
from training.tensorflow.stepping import Stepper

WIDTH, INTERVAL, LAST = 256, 5, 10_000
STEP_SECONDS = 0.02


def ours() -> Generator[int, None, None]:
    """Steps of this library; yields the step that was restored or 0, then the number of each."""
    with connect() as workers:
        model, optimizer = make(workers, WIDTH)
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
        stepper = Stepper(model, optimizer, loss_of, workers)
        images, labels = digits()
        with Checkpointer(model=model, optimizer=optimizer, workers=workers, every_steps=INTERVAL) as saved:
            start = saved.restore()
            yield start
            for step in range(start + 1, LAST):
                stepper.take(scale(images[:BATCH]), labels[:BATCH])()
                yield step
                saved.after_step(step)


def by_hand(folder: Path) -> Generator[int, None, None]:
    """The same as TensorFlow's own guide for several workers has it: each saves in a folder of its own."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    model, optimizer = make(Workers(strategy=strategy), WIDTH)
    images, labels = digits()
    step_of = _step(strategy, model, optimizer)
    kept = tf.train.Checkpoint(model=model, optimizer=optimizer)
    manager = tf.train.CheckpointManager(kept, str(folder), max_to_keep=1)
    newest = manager.restore_or_initialize()
    start = 0 if newest is None else int(newest.rpartition("-")[2])
    yield start
    for step in range(start + 1, LAST):
        float(step_of(tf.constant(scale(images[:BATCH])), tf.constant(labels[:BATCH])))
        yield step
        if step % INTERVAL == 0:
            manager.save(checkpoint_number=step)


def _step(strategy: Any, model: Any, optimizer: Any) -> Callable[[Any, Any], Any]:
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")

    def on_one(inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of(targets, model(inputs, training=True))) / strategy.num_replicas_in_sync
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    @tf.function
    def step(inputs: Any, targets: Any) -> Any:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(on_one, args=(inputs, targets)), axis=None)

    found: Callable[[Any, Any], Any] = step
    return found


def main() -> None:
    """Take steps until somebody kills this, or one step where something was restored."""
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    steps = by_hand(Path(sys.argv[1], str(index))) if len(sys.argv) > 1 else ours()
    start = next(steps)
    for step in steps:
        event = {start + 1: "resumed" if start else "begun", 2 * INTERVAL + 2: "saved"}.get(step)
        if event is not None:
            # One write, so that workers that share a log do not mix their lines
            os.write(1, f"AT {event} {index} {os.getpid()} {time.time()}\n".encode())
        if event == "resumed":
            break
        time.sleep(STEP_SECONDS)
    steps.close()


if __name__ == "__main__":
    main()
