"""How good a classifier is on held-out samples, of which every worker has its part."""

from typing import Any

import numpy
import tensorflow as tf

from training.tensorflow.parallel.workers import Workers

_AT_ONCE = 256


class Evaluation:
    """Accuracy and loss of a model over samples in memory."""

    def __init__(self, model: Any, samples: tuple[numpy.ndarray, numpy.ndarray], workers: Workers) -> None:
        self._model, self._samples, self._workers = model, samples, workers
        self._measure = tf.function(self._sums, reduce_retracing=True)

    def __call__(self) -> dict[str, float]:
        """All workers call this at the same step."""
        inputs, labels = self._samples
        sums = numpy.zeros(3)
        for start in range(0, len(inputs), _AT_ONCE):
            chosen = slice(start, start + _AT_ONCE)
            sums += self._measure(tf.constant(inputs[chosen]), tf.constant(labels[chosen])).numpy()
        correct, loss, count = numpy.sum(self._workers.peers.gather(sums), axis=0).tolist()
        return {"accuracy": correct / count, "validation_loss": loss / count}

    def _sums(self, inputs: Any, labels: Any) -> Any:
        scores = tf.cast(self._model(inputs, training=False), tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores)
        right = tf.cast(tf.equal(tf.argmax(scores, axis=1), tf.cast(labels, tf.int64)), tf.float64)
        count = tf.cast(tf.shape(labels)[0], tf.float64)
        return tf.stack([tf.reduce_sum(right), tf.reduce_sum(tf.cast(losses, tf.float64)), count])
