"""The options that TensorFlow's entry points share."""

import argparse

import tensorflow as tf

from training.programs.arguments import add_common, switch
from training.tensorflow.hardware import PRECISIONS
from training.tensorflow.parallel.workers import TIMEOUT_SECONDS


def make_parser(
    description: str | None, *, batch_size: int, learning_rate: float, precision: str = "fp32"
) -> argparse.ArgumentParser:
    """A parser with the options that do not depend on the model."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add_common(parser, batch_size=batch_size, learning_rate=learning_rate, timeout_seconds=TIMEOUT_SECONDS)
    add = parser.add_argument
    add("--precision", choices=("auto", *PRECISIONS), default=precision, help="what the model computes in")
    add("--deterministic", type=switch, default=True, help="only operations that give the same bits each time")
    # SDK 2 handed this to every TensorFlow script
    add("--model_dir", default=None, help="not used: the model goes to SM_MODEL_DIR, checkpoints to their folder")
    return parser


def make_deterministic(options: argparse.Namespace) -> None:
    """As the option says; before the first operation."""
    if options.deterministic:
        tf.config.experimental.enable_op_determinism()
