"""Texts by their kind: a small transformer, in 16 bits where the hardware has them, losing no work.

    python -m training.programs.make_texts /tmp/texts
    SM_CHANNEL_TRAIN=/tmp/texts/train SM_CHANNEL_TEST=/tmp/texts/test SM_MODEL_DIR=/tmp/model \\
    SHARDYARD_CHECKPOINT_DIR=/tmp/checkpoints python -m training.tensorflow.programs.text --max_steps 200

The channels hold JSON lines with `text` and `label`, a whole number from 0.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy
import tensorflow as tf

from training.data import DataError, Dataset, JsonLines
from training.programs.arguments import positive
from training.programs.digits import find_channel
from training.tensorflow.data import Loader, channel, endless
from training.tensorflow.models.text import PADDING, make_text_net
from training.tensorflow.parallel.workers import Workers
from training.tensorflow.programs.arguments import make_parser
from training.tensorflow.programs.classifier import Batch, Work, run


class Texts:
    """From lines to what the network takes."""

    def __init__(self, *, length: int, classes: int) -> None:
        self._length, self._classes = length, classes

    def __call__(self, rows: Sequence[Any]) -> Batch:
        """Bytes counted from 1, [n, length], and labels."""
        tokens = numpy.full((len(rows), self._length), PADDING, numpy.int32)
        labels = numpy.zeros(len(rows), numpy.int64)
        for number, row in enumerate(rows):
            text, labels[number] = self._read(row)
            content = numpy.frombuffer(text.encode()[: self._length], numpy.uint8)
            tokens[number, : len(content)] = content.astype(numpy.int32) + 1
        return tokens, labels

    def _read(self, row: Any) -> tuple[str, int]:
        if not isinstance(row, Mapping) or not isinstance(row.get("text"), str):
            raise DataError(f"a line is {str(row)[:80]!r}, and an object with `text` and `label` is meant")
        label = row.get("label")
        if not isinstance(label, int) or isinstance(label, bool) or not 0 <= label < self._classes:
            raise DataError(f"a line's label is {label!r}, and a whole number below --classes {self._classes} is meant")
        return row["text"], label


def make_work(options: argparse.Namespace, workers: Workers) -> Work:
    """The texts of the channels, and the network for them."""
    read = Texts(length=options.length, classes=options.classes)
    dataset = channel("train", JsonLines(), workers=workers, seed=options.seed, stream=False)
    assert isinstance(dataset, Dataset)
    loader = Loader(dataset, options.batch_size * workers.replicas_here, workers=workers, collate=read)
    held_out = None
    if find_channel("test") is not None:
        rows = channel("test", JsonLines(), workers=workers, shuffle=False, equalise="join", stream=False)
        held_out = read(list(rows))
    return Work(
        make_net=partial(make_text_net, options.classes, length=options.length, width=options.width),
        position=loader,
        per_epoch=loader.per_epoch,
        batches=endless(loader),
        held_out=held_out,
        inputs=tf.TensorSpec([None], tf.string, name="texts"),
        prepare=partial(to_tokens, length=options.length),
        about={"model": "training.tensorflow.models.text.make_text_net", "length": options.length},
    )


def to_tokens(texts: Any, *, length: int) -> Any:
    """The same in the exported model: requests hold texts."""
    tokens = tf.cast(tf.io.decode_raw(texts, tf.uint8, fixed_length=length), tf.int32) + 1
    lengths = tf.minimum(tf.strings.length(texts), length)
    return tf.where(tf.sequence_mask(lengths, length), tokens, PADDING)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    parser = make_parser(__doc__, batch_size=32, learning_rate=1e-3, precision="auto")
    parser.add_argument("--epochs", type=positive, default=5, help="passes over the data")
    parser.add_argument("--classes", type=positive, default=3, help="how many labels there are")
    parser.add_argument("--length", type=positive, default=128, help="bytes of a text that are looked at")
    parser.add_argument("--width", type=positive, default=128, help="size of the embeddings; a multiple of 4")
    run("text", parser.parse_args(arguments), make_work)


if __name__ == "__main__":
    main()
