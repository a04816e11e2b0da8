"""A script as users write it: `fit` of tf_keras on two workers, or beside a server; run by tests as a program."""

import sys
from typing import Any

import numpy
import tensorflow as tf
import tf_keras

from training.data import Npy
from training.tensorflow.data import Loader, channel
from training.tensorflow.export import digest
from training.tensorflow.fit import fit
from training.tensorflow.parallel.workers import connect


def pairs(rows: list[numpy.ndarray]) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The last column is what is to be told from the others."""
    table = numpy.stack(rows).astype(numpy.float32)
    return table[:, :-1], table[:, -1:]


class Print(tf_keras.callbacks.Callback):
    """A line per step."""

    def __init__(self) -> None:
        super().__init__()
        self._supports_tf_logs = True  # beside servers tf_keras takes no other callback per batch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        found = logs.fetch() if hasattr(logs, "fetch") else logs
        print(f"batch={batch} loss={float(found['loss']).hex()}", flush=True)


tf.config.experimental.enable_op_determinism()
tf_keras.utils.set_random_seed(3)
with connect() as workers:
    with workers.strategy.scope():
        model = tf_keras.Sequential(
            [
                tf_keras.layers.InputLayer((4,)),
                tf_keras.layers.Dense(8, activation="relu"),
                tf_keras.layers.Dropout(0.3),
                tf_keras.layers.GaussianNoise(0.1),
                tf_keras.layers.Dense(1),
            ]
        )
        model.compile(optimizer=tf_keras.optimizers.Adam(0.01), loss="mse")
    data = Loader(channel("train", Npy(), workers=workers), 4, workers=workers, collate=pairs)
    fit(model, data, workers=workers, epochs=int(sys.argv[1]), every_steps=3, callbacks=[Print()], verbose=0)
    print(f"weights={digest(model)}", flush=True)
