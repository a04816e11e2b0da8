"""The network of the public MNIST lab, on equal workers or beside parameter servers, with what either costs counted.

The strategy follows from the cluster that the job file asks for, as in every program that calls `connect`. Beside the
accuracy it reports what the two differ in: how old the model was that a step learnt from, the updates that the
optimizer did not count, the bytes between this node and the others.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy
import tensorflow as tf
from neighbour import sharing_a_processor  # type: ignore[import-not-found]

from contract.paths import base_folder
from training import paths
from training.programs.digits import divide, find_channel, load_digits
from training.programs.entry import reasons_without_traceback
from training.reporting.metrics import Metrics
from training.tensorflow.checkpoint.checkpointer import give_own_seeds
from training.tensorflow.cluster import Cluster
from training.tensorflow.evaluation import Evaluation
from training.tensorflow.models.digits import make_digits_net, scale
from training.tensorflow.parallel.workers import Workers, connect
from training.tensorflow.random_state import seed_everything

AHEAD = 2
"""Steps that wait for each worker beside servers: none is idle, and no order is far ahead of the model."""
HERE = str(base_folder() / "input/config/resourceconfig.json")
"""In this file SageMaker tells each machine its own name."""


def machine_that_computes(at: Any) -> Any:
    """The number in the name of the machine on which this op runs: 2 of algo-2.

    `at` is a number of this step's own: without one TensorFlow might read the file once and for all.
    """
    path = tf.strings.join([HERE, tf.strings.substr(tf.strings.as_string(at), 0, 0)])
    name = tf.strings.regex_replace(tf.io.read_file(path), r'(?s).*"current_host"\s*:\s*"[^"]*?(\d+)".*', r"\1")
    return tf.strings.to_number(name)


class Learner:
    """The model, and one step of it; what a step returns is its loss, its delay and the machine that computed it."""

    def __init__(self, options: argparse.Namespace, workers: Workers) -> None:
        seed_everything(options.seed)
        with workers.strategy.scope():
            self.model = make_digits_net(options.width)
            self.optimizer: Any = keras.optimizers.Adam(options.learning_rate)
            self.optimizer.build(self.model.trainable_variables)
            # The optimizer's own reads, adds and writes: two workers at once count one update. This one adds
            self.updates = tf.Variable(
                0, dtype=tf.int64, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
            )
        give_own_seeds(self.model, workers, options.seed)
        self._workers = workers
        # Beside servers a step is one worker's own
        self._sharing = 1 if workers.coordinator is not None else workers.workers
        self.step = tf.function(self._on_all, reduce_retracing=True)

    def _on_all(self, images: Any, labels: Any) -> Any:
        strategy = self._workers.strategy
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(self._on_one, args=(images, labels)), axis=None)

    def _on_one(self, images: Any, labels: Any) -> Any:
        before = self.updates.read_value()
        with tf.control_dependencies([before]), tf.GradientTape() as tape:
            scores = self.model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores)
            loss = tf.reduce_mean(losses) / self._sharing
        gradients = tape.gradient(loss, self.model.trainable_variables)
        with tf.control_dependencies(gradients):
            delay = tf.cast(self.updates.read_value() - before, tf.float32) / self._sharing
        self.optimizer.apply(gradients, self.model.trainable_variables)
        self.updates.assign_add(1)
        return tf.stack([loss, delay, machine_that_computes(before)])


def take_steps(learner: Learner, batches: Iterator[tuple[Any, Any]], steps: int, workers: Workers) -> numpy.ndarray:
    """Loss, delay and machine of every step: [steps, 3]; of equal workers the machines' sum."""
    if workers.coordinator is None:
        return numpy.stack([learner.step(*next(batches)).numpy() for _ in range(steps)])
    given: list[Any] = []
    for number in range(steps):
        if number >= AHEAD * workers.workers:
            given[number - AHEAD * workers.workers].fetch()
        given.append(workers.coordinator.schedule(learner.step, args=next(batches)))
    return numpy.stack([numpy.asarray(one.fetch()) for one in given])


def train(options: argparse.Namespace, workers: Workers, metrics: Metrics) -> None:
    """Take all steps, judge the model, save it."""
    channel = find_channel("train")
    images, labels = load_digits(channel)
    order = divide(
        channel,
        len(images),
        world=workers.world,
        batch_size=options.batch_size,
        seed=options.seed,
        gather=workers.gather,
    )
    batches = ((tf.constant(scale(images[chosen])), tf.constant(labels[chosen])) for chosen in order)
    learner = Learner(options, workers)
    evaluate = Evaluation(learner.model, held_out_part(workers), workers)
    taken = take_steps(learner, batches, 1, workers)  # traces and places the step, which is no training time
    moved = bytes_to_others()
    seconds, per_step = 0.0, options.batch_size * workers.world.world_size
    for goal in (options.steps // 2, options.steps):
        began, more = time.monotonic(), goal - len(taken)
        taken = numpy.concatenate([taken, take_steps(learner, batches, more, workers)])
        seconds += time.monotonic() - began
        metrics.log(
            goal,
            samples=goal * per_step,
            seconds=seconds,
            samples_per_second=(goal - 1) * per_step / seconds,
            loss=float(taken[-more:, 0].mean()),
            mean_delay=float(taken[:, 1].mean()),
            megabytes_between=(bytes_to_others() - moved) / 1e6,
            updates_lost_by_optimizer=int(learner.updates.numpy()) - int(learner.optimizer.iterations.numpy()),
            **evaluate(),
        )
    if workers.is_first:
        print("losses", json.dumps([float(loss).hex() for loss in taken[:, 0]]), flush=True)  # bit by bit
        print("delays", json.dumps([round(float(delay)) for delay in taken[:, 1]]), flush=True)
        print("machines", json.dumps([int(machine) for machine in taken[:, 2]]), flush=True)
        learner.model.save_weights(paths.model_folder() / "digits.weights.h5")


def held_out_part(workers: Workers) -> tuple[numpy.ndarray, numpy.ndarray]:
    """This worker's part of the digits that none trains on."""
    images, labels = load_digits(find_channel("test"), test=True)
    world = workers.world
    return scale(images[world.rank :: world.world_size]), labels[world.rank :: world.world_size]


def bytes_to_others() -> int:
    """What this node has sent and received so far, over every interface but the one to itself."""
    lines = Path("/proc/net/dev").read_text(encoding="utf-8").splitlines()[2:]
    counts = {name.strip(): numbers.split() for name, _, numbers in (line.partition(":") for line in lines)}
    return sum(int(numbers[0]) + int(numbers[8]) for name, numbers in counts.items() if name != "lo")


def is_slow_one() -> bool:
    """Whether this is the last worker, whose machine has neighbours."""
    cluster = Cluster.from_environ()
    return cluster is not None and cluster.me == cluster.of("worker")[-1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100, help="updates of the model, as the public lab counts them")
    parser.add_argument("--batch_size", type=int, default=100, help="samples of each worker")
    parser.add_argument("--learning_rate", type=float, default=1e-3)
    parser.add_argument("--width", type=int, default=1024, help="size of the dense layer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--neighbours", type=int, default=0, help="programs beside the last worker, on its processor")
    options = parser.parse_args(arguments)
    tf.config.experimental.enable_op_determinism()
    with (
        reasons_without_traceback("digits"),
        sharing_a_processor(options.neighbours if is_slow_one() else 0),
        connect() as workers,
        Metrics(workers) as metrics,
    ):
        train(options, workers, metrics)


if __name__ == "__main__":
    main()
