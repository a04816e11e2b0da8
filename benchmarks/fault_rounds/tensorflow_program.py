"""What the fault rounds train with TensorFlow: a small network with dropout that records every loss and its end.

On equal workers, or through parameter servers where TF_CONFIG names some.
"""

import json
import os
import sys
import time
from pathlib import Path

import keras
import numpy
import tensorflow as tf

from benchmarks.fault_rounds.sizes import INTERVAL, STEP_SECONDS, TIMEOUT_SECONDS
from contract.paths import base_folder
from training.data.batches import EpochBatches
from training.tensorflow.checkpoint.checkpointer import Checkpointer, give_own_seeds
from training.tensorflow.export import digest
from training.tensorflow.parallel.workers import Workers, connect
from training.tensorflow.random_state import seed_everything
from training.tensorflow.stepping import Stepper

_SAMPLES, _FEATURES, _CLASSES = 400, 32, 8


def make(workers: Workers) -> tuple[keras.Model, keras.optimizers.Optimizer]:
    """The network, the same on every worker, with dropout of its own on each."""
    seed_everything(1)
    with workers.strategy.scope():
        model = keras.Sequential(
            [
                keras.layers.Input((_FEATURES,)),
                keras.layers.Dense(64, activation="relu"),
                keras.layers.Dropout(0.3),
                keras.layers.Dense(_CLASSES),
            ]
        )
        optimizer = keras.optimizers.Adam(1e-3)
        optimizer.build(model.trainable_variables)
    give_own_seeds(model, workers, 1)
    return model, optimizer


def train(workers: Workers, steps: int, notes: Path) -> None:
    """Write `losses-<rank>` (step, loss as hexadecimal float, time) and `digest-<rank>` of the end."""
    rank, parts = workers.world.rank, workers.world.world_size
    (notes / f"pid-{rank}").write_text(str(os.getpid()))
    model, optimizer = make(workers)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    stepper = Stepper(model, optimizer, loss_of, workers)
    random = numpy.random.default_rng(0)
    inputs = random.normal(size=(_SAMPLES, _FEATURES)).astype(numpy.float32)
    labels = random.integers(0, _CLASSES, _SAMPLES)
    order = EpochBatches(_SAMPLES, batch_size=4, part=rank, parts=parts)
    checkpoints = Checkpointer(
        model=model, optimizer=optimizer, workers=workers, also={"data": order}, every_steps=INTERVAL
    )
    with checkpoints, (notes / f"losses-{rank}").open("a") as losses:
        for step in range(checkpoints.restore() + 1, steps + 1):
            chosen = next(order)
            loss = stepper.take(inputs[chosen], labels[chosen])()
            losses.write(f"{step} {loss.hex()} {time.time():.4f}\n")
            losses.flush()
            time.sleep(STEP_SECONDS)
            checkpoints.after_step(step)
    (notes / f"digest-{rank}").write_text(digest(model))


def main(steps: int) -> None:
    """Note the process, also of who only serves, and train."""
    tf.config.experimental.enable_op_determinism()
    notes = base_folder() / "notes"
    notes.mkdir(exist_ok=True)
    task = json.loads(os.environ["TF_CONFIG"])["task"]
    (notes / f"pid-{task['type']}-{task['index']}").write_text(str(os.getpid()))
    with connect(timeout_seconds=TIMEOUT_SECONDS) as workers:
        train(workers, steps, notes)


if __name__ == "__main__":
    main(int(sys.argv[sys.argv.index("--steps") + 1]))
