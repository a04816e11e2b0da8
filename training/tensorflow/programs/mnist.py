"""Handwritten digits on many nodes: the CNN of the public MNIST lab, losing no work.

    python -m training.programs.make_digits /tmp/digits
    SM_CHANNEL_TRAIN=/tmp/digits/train SM_CHANNEL_TEST=/tmp/digits/test SM_MODEL_DIR=/tmp/model \\
    SHARDYARD_CHECKPOINT_DIR=/tmp/checkpoints python -m training.tensorflow.programs.mnist --max_steps 200

With TF_CONFIG it trains on all workers of the cluster; where the cluster has parameter servers, through them.
"""

import argparse
from collections.abc import Sequence
from functools import partial

import tensorflow as tf

from training.programs.arguments import positive
from training.programs.digits import divide, find_channel, held_out_digits, load_digits
from training.tensorflow.data import require_all_samples
from training.tensorflow.models.digits import make_digits_net, scale
from training.tensorflow.parallel.workers import Workers
from training.tensorflow.programs.arguments import make_parser
from training.tensorflow.programs.classifier import Work, run


def make_work(options: argparse.Namespace, workers: Workers) -> Work:
    """The digits of the channels, or those that scikit-learn brings, and the network for them."""
    channel = find_channel("train")
    require_all_samples(channel, workers)
    images, labels = load_digits(channel)
    held_out = held_out_digits(channel, workers.world)
    order = divide(
        channel,
        len(images),
        world=workers.world,
        batch_size=options.batch_size * workers.replicas_here,
        seed=options.seed,
        gather=workers.gather,
    )
    return Work(
        make_net=partial(make_digits_net, options.width),
        position=order,
        per_epoch=order.per_epoch,
        batches=((scale(images[chosen]), labels[chosen]) for chosen in order),
        held_out=None if held_out is None else (scale(held_out[0]), held_out[1]),
        inputs=tf.TensorSpec([None, 28, 28], tf.float32, name="images"),
        prepare=lambda images: images[..., None] / 255.0,
        about={"model": "training.tensorflow.models.digits.make_digits_net", "width": options.width},
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    parser = make_parser(__doc__, batch_size=100, learning_rate=1e-3)
    parser.add_argument("--epochs", type=positive, default=10, help="passes over the data")
    parser.add_argument("--width", type=positive, default=1024, help="size of the dense layer")
    run("mnist", parser.parse_args(arguments), make_work)


if __name__ == "__main__":
    main()
