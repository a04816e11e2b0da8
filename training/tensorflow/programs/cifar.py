"""Small colour images on many nodes: the six-layer network of the later public lab, losing no work.

    python -m training.programs.make_images /tmp/images
    SM_CHANNEL_TRAIN=/tmp/images/train SM_CHANNEL_TEST=/tmp/images/test SM_MODEL_DIR=/tmp/model \\
    SHARDYARD_CHECKPOINT_DIR=/tmp/checkpoints python -m training.tensorflow.programs.cifar --max_steps 200

The channels hold TFRecords of Examples with `image` and `label`, as TensorFlow's own script writes CIFAR-10.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy
import tensorflow as tf

from training.data import DataError, Dataset, TFRecord
from training.programs.arguments import positive
from training.programs.digits import find_channel
from training.tensorflow.data import Loader, channel, endless
from training.tensorflow.models.images import make_images_net
from training.tensorflow.parallel.workers import Workers
from training.tensorflow.programs.arguments import make_parser
from training.tensorflow.programs.classifier import Batch, Work, run

_FEATURES = {"image": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}


class Images:
    """From records to what the network takes."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._side, self._layout, self._classes = options.image_side, options.image_layout, options.classes

    def __call__(self, records: Sequence[bytes]) -> Batch:
        """Images [n, side, side, 3] in 0..1, and labels."""
        try:
            features = tf.io.parse_example(tf.constant(list(records)), _FEATURES)
            images = self._encoded(features["image"]) if self._layout == "encoded" else self._raw(features["image"])
        except tf.errors.InvalidArgumentError as error:
            raise DataError(
                f"a record is no Example of an image of {self._side} x {self._side} x 3 as --image_layout "
                f"{self._layout} means it, and a label: {error.message.splitlines()[0]}"
            ) from error
        labels = features["label"].numpy()
        if labels.size and not 0 <= labels.min() <= labels.max() < self._classes:
            raise DataError(f"labels are from {labels.min()} to {labels.max()}, and --classes is {self._classes}")
        return images.astype(numpy.float32) / numpy.float32(255), labels

    def _raw(self, content: Any) -> numpy.ndarray:
        numbers: numpy.ndarray = tf.io.decode_raw(content, tf.uint8).numpy()
        side = self._side
        if numbers.shape[1] != side * side * 3:
            raise DataError(
                f"an image has {numbers.shape[1]} bytes, and {side} x {side} x 3 are meant: set --image_side, or "
                "--image_layout encoded where images are PNG or JPEG"
            )
        if self._layout == "chw":
            return numpy.ascontiguousarray(numbers.reshape(-1, 3, side, side).transpose(0, 2, 3, 1))
        return numbers.reshape(-1, side, side, 3)

    def _encoded(self, content: Any) -> numpy.ndarray:
        decoded = [tf.io.decode_image(one, channels=3, expand_animations=False) for one in content]
        side = self._side
        images: numpy.ndarray = tf.stack([tf.ensure_shape(one, (side, side, 3)) for one in decoded]).numpy()
        return images


def read_part(name: str, read: Images, workers: Workers) -> Batch | None:
    """This worker's part of a channel that is measured on; None where the job has none of this name."""
    if find_channel(name) is None:
        return None
    dataset = channel(name, TFRecord(), workers=workers, shuffle=False, equalise="join", stream=False)
    return read(list(dataset))


def make_work(options: argparse.Namespace, workers: Workers) -> Work:
    """The images of the channels, and the network for them."""
    read = Images(options)
    dataset = channel("train", TFRecord(), workers=workers, seed=options.seed, stream=False)
    assert isinstance(dataset, Dataset)
    loader = Loader(dataset, options.batch_size * workers.replicas_here, workers=workers, collate=read)
    side = options.image_side
    return Work(
        make_net=partial(make_images_net, options.classes, side),
        position=loader,
        per_epoch=loader.per_epoch,
        batches=endless(loader),
        held_out=read_part("test", read, workers),
        inputs=tf.TensorSpec([None, side, side, 3], tf.float32, name="images"),
        prepare=lambda images: images / 255.0,
        about={"model": "training.tensorflow.models.images.make_images_net", "classes": options.classes, "side": side},
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    parser = make_parser(__doc__, batch_size=128, learning_rate=1e-3)
    parser.add_argument("--epochs", type=positive, default=60, help="passes over the data")
    parser.add_argument("--classes", type=positive, default=10, help="how many labels there are")
    parser.add_argument("--image_side", type=positive, default=32, help="height and width of the images")
    parser.add_argument(
        "--image_layout",
        choices=("chw", "hwc", "encoded"),
        default="chw",
        help="how an image's bytes lie: colour by colour, as CIFAR-10's; pixel by pixel; or as PNG or JPEG",
    )
    run("cifar", parser.parse_args(arguments), make_work)


if __name__ == "__main__":
    main()
