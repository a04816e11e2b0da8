"""What the programs have in common: a classifier is trained, measured and exported."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy
import tensorflow as tf

from training import paths
from training.programs.entry import reasons_without_traceback
from training.reporting.metrics import Metrics
from training.saves.restoring import Stateful
from training.tensorflow.checkpoint.checkpointer import Checkpointer, give_own_seeds
from training.tensorflow.evaluation import Evaluation
from training.tensorflow.export import save_model
from training.tensorflow.hardware import set_precision
from training.tensorflow.loop import Loop, steps_in
from training.tensorflow.parallel.workers import Workers, connect
from training.tensorflow.programs.arguments import make_deterministic
from training.tensorflow.random_state import seed_everything
from training.tensorflow.stepping import Stepper

Batch = tuple[numpy.ndarray, numpy.ndarray]
"""What the network takes, and labels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One program's own: its network, its data, what serves the result."""

    make_net: Callable[[], Any]
    position: Stateful
    """The place in the data, which a checkpoint holds."""
    per_epoch: int
    batches: Iterator[Batch]
    held_out: Batch | None
    """This worker's part of what is measured on, as the network takes it."""
    inputs: tf.TensorSpec
    """What a request to the exported model holds."""
    prepare: Callable[[Any], Any]
    """From that to what the network takes."""
    about: dict[str, Any] = field(default_factory=dict)


def make_model(options: argparse.Namespace, make_net: Callable[[], Any], workers: Workers) -> tuple[Any, Any]:
    """The same model on every worker, and dropout of its own on each; and its optimizer."""
    seed_everything(options.seed)
    set_precision(options.precision)
    with workers.strategy.scope():
        model = make_net()
        optimizer: Any = keras.optimizers.Adam(options.learning_rate)
        if options.precision == "fp16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(model.trainable_variables)
    give_own_seeds(model, workers, options.seed)
    return model, optimizer


def train(options: argparse.Namespace, workers: Workers, metrics: Metrics, work: Work) -> None:
    """Take all steps, then save the model."""
    model, optimizer = make_model(options, work.make_net, workers)
    stepper = Stepper(
        model, optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none"), workers
    )
    evaluate = None if work.held_out is None else Evaluation(model, work.held_out, workers)
    steps = steps_in(options, work.per_epoch)
    also = {"data": work.position}
    checkpoints = Checkpointer.from_options(options, model=model, optimizer=optimizer, workers=workers, also=also)
    loop = Loop(
        options,
        workers=workers,
        metrics=metrics,
        checkpoints=checkpoints,
        steps=steps,
        steps_per_epoch=work.per_epoch,
    )
    scores: dict[str, float] = {}
    with checkpoints:
        for step in loop:
            with loop.waiting_for_data():
                inputs, labels = next(work.batches)
            loop.done(samples=len(labels), loss=stepper.take(inputs, labels))
            if evaluate is not None and loop.ends_epoch(step):
                scores = evaluate()
                metrics.log(step, epoch=loop.epoch(step), **scores)
    if workers.is_first:
        about = {**work.about, "steps": steps, **scores}
        save_model(paths.model_folder(), model, about, inputs=work.inputs, prepare=work.prepare)


def run(program: str, options: argparse.Namespace, make_work: Callable[[argparse.Namespace, Workers], Work]) -> None:
    """Join the other workers and train."""
    make_deterministic(options)
    with (
        reasons_without_traceback(program),
        connect(timeout_seconds=options.timeout_seconds) as workers,
        Metrics(workers) as metrics,
    ):
        train(options, workers, metrics, make_work(options, workers))
