"""Steps of the digits network, by hand and in this library's loop, and with saves, in turns in the same processes.

Run with the Python that has TensorFlow, and on several workers with TF_CONFIG; prints as JSON what each block of steps
took, on the clock and of the processor, in all threads together.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import keras
import numpy
import tensorflow as tf

from training.data.batches import EpochBatches
from training.reporting.metrics import Metrics
from training.tensorflow.checkpoint.checkpointer import Checkpointer
from training.tensorflow.loop import Loop
from training.tensorflow.models.digits import make_digits_net, scale
from training.tensorflow.parallel.workers import Workers, connect
from training.tensorflow.stepping import Stepper

BATCH, SAMPLES = 100, 2000
TOUCHED = 3
"""Steps that a save touches: bytes are written beside the first, old saves removed beside the next."""


def digits() -> tuple[numpy.ndarray, numpy.ndarray]:
    """Random images: speed does not depend on their content."""
    random = numpy.random.default_rng(0)
    return random.integers(0, 256, (SAMPLES, 28, 28), dtype=numpy.uint8), random.integers(0, 10, SAMPLES)


def make(workers: Workers, width: int) -> tuple[Any, Any]:
    """The network and its optimizer."""
    with workers.strategy.scope():
        model = make_digits_net(width)
        optimizer = keras.optimizers.Adam(1e-3)
        optimizer.build(model.trainable_variables)
    return model, optimizer


def batches(workers: Workers) -> EpochBatches:
    """The same order of samples for all ways."""
    world = workers.world
    return EpochBatches(SAMPLES, batch_size=BATCH, part=world.rank, parts=world.world_size)


def by_hand(workers: Workers, model: Any, optimizer: Any) -> Iterator[None]:
    """The loop that TensorFlow's own guide shows."""
    images, labels = digits()
    strategy = workers.strategy
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")

    def on_one(inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(loss_of(targets, model(inputs, training=True))) / (BATCH * workers.workers)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    @tf.function
    def step(inputs: Any, targets: Any) -> Any:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(on_one, args=(inputs, targets)), axis=None)

    for chosen in batches(workers):
        step(tf.constant(scale(images[chosen])), tf.constant(labels[chosen]))
        yield


def with_us(workers: Workers, model: Any, optimizer: Any) -> Iterator[Checkpointer]:
    """The same in this library's loop, with everything that an entry point switches on; saves are the caller's."""
    images, labels = digits()
    order = batches(workers)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    stepper = Stepper(model, optimizer, loss_of, workers)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpointer(
            model=model,
            optimizer=optimizer,
            workers=workers,
            also={"data": order},
            folder=Path(folder),
            run_id="benchmark",
        )
        options = argparse.Namespace(log_steps=10)
        loop = Loop(
            options,
            workers=workers,
            metrics=Metrics(workers),
            checkpoints=checkpoints,
            steps=10**9,
            steps_per_epoch=order.per_epoch,
        )
        for _ in loop:
            with loop.waiting_for_data():
                chosen = next(order)
                inputs, targets = scale(images[chosen]), labels[chosen]
            loop.done(samples=len(chosen), loss=stepper.take(inputs, targets))
            yield checkpoints


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.process_time}
Blocks = dict[str, dict[str, list[float]]]
"""What each block of steps took, by clock and by way."""


def in_turns(ways: dict[str, Callable[[], None]], rounds: int) -> Blocks:
    """Each way once per round, the first of one round being the last of the next."""
    found: Blocks = {clock: {name: [] for name in ways} for clock in CLOCKS}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else list(reversed(ways)):
            started = {clock: read() for clock, read in CLOCKS.items()}
            ways[name]()
            for clock, read in CLOCKS.items():
                found[clock][name].append(read() - started[clock])
    return found


def take(steps: Iterator[Any], count: int) -> Any:
    """Take steps; returns what the last one yields."""
    for _ in range(count):
        last = next(steps)
    return last


def group(steps: Iterator[Checkpointer], checkpoints: Checkpointer, *, saves: bool) -> None:
    """The steps that a save touches, behind one or not, until all is written."""
    if saves:
        checkpoints.save()
    take(steps, TOUCHED)
    checkpoints.wait()


def main() -> None:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--width", type=int, default=1024)
    options = parser.parse_args()
    with connect(timeout_seconds=600) as workers, redirect_stdout(StringIO()):
        hand = by_hand(workers, *make(workers, options.width))
        ours = with_us(workers, *make(workers, options.width))
        take(hand, options.steps)
        checkpoints = take(ours, options.steps)
        group(ours, checkpoints, saves=True)
        steps = in_turns(
            {"by hand": lambda: take(hand, options.steps), "with us": lambda: take(ours, options.steps)}, options.rounds
        )
        saves = in_turns(
            {
                "saving": lambda: group(ours, checkpoints, saves=True),
                "without": lambda: group(ours, checkpoints, saves=False),
            },
            options.pairs,
        )
        workers.peers.gather("done")
    print(json.dumps({"steps": steps, "saves": saves, "touched": TOUCHED}), file=sys.stdout)


if __name__ == "__main__":
    main()
