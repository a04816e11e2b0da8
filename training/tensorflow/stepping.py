"""One step of a Keras 3 model: on this process alone, on equal workers, or handed to workers beside servers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy
import tensorflow as tf

from training.tensorflow.parallel.handing import Handing
from training.tensorflow.parallel.workers import Workers


class Stepper:
    """Takes steps. `loss_of(labels, scores)` gives one loss per sample; what is learnt from is their mean."""

    def __init__(self, model: Any, optimizer: Any, loss_of: Callable[[Any, Any], Any], workers: Workers) -> None:
        self._model, self._optimizer, self._loss_of, self._workers = model, optimizer, loss_of, workers
        coordinator = workers.coordinator
        self._handing = None if coordinator is None else Handing(coordinator, workers.workers)
        self._compiled = tf.function(self._on_all_replicas, reduce_retracing=True)

    def take(self, inputs: numpy.ndarray, labels: numpy.ndarray) -> Callable[[], float]:
        """Learn from this process's part of a batch; returns what tells the loss of the whole batch, on all workers."""
        if self._handing is None:
            loss = self._compiled(*self._divided(inputs, labels))
            return lambda: float(loss)
        remote = self._handing.give(self._compiled, (tf.constant(inputs), tf.constant(labels)))
        return lambda: float(remote.fetch())

    def _divided(self, *arrays: numpy.ndarray) -> Sequence[Any]:
        """A part of the batch for each GPU of this process."""
        count = self._workers.replicas_here
        if count == 1:
            return [tf.constant(array) for array in arrays]
        strategy = self._workers.strategy

        def part_of(array: numpy.ndarray) -> Any:
            size = len(array) // count
            parts = [array[number * size : (number + 1) * size] for number in range(count)]
            numbers = iter(range(count))
            return strategy.experimental_distribute_values_from_function(lambda _: tf.constant(parts[next(numbers)]))

        return [part_of(array) for array in arrays]

    def _on_all_replicas(self, inputs: Any, labels: Any) -> Any:
        strategy = self._workers.strategy
        losses = strategy.run(self._on_one_replica, args=(inputs, labels))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    def _on_one_replica(self, inputs: Any, labels: Any) -> Any:
        model, optimizer = self._model, self._optimizer
        # A step beside servers is one worker's own
        replicas = 1 if self._workers.coordinator is not None else self._workers.strategy.num_replicas_in_sync
        with tf.GradientTape() as tape:
            losses = tf.cast(self._loss_of(labels, model(inputs, training=True)), tf.float32)
            loss = tf.reduce_sum(losses) / (tf.cast(tf.shape(losses)[0], tf.float32) * replicas)
            scaled = optimizer.scale_loss(loss) if hasattr(optimizer, "scale_loss") else loss
        gradients = tape.gradient(scaled, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss
