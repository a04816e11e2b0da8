"""The network of the public MNIST lab."""

from typing import Any

import keras
import numpy
from keras import layers


def make_digits_net(width: int = 1024) -> Any:
    """Two convolutions of 5 x 5, each with pooling, a dense layer, dropout 0.4, ten scores."""
    return keras.Sequential(
        [
            layers.Input((28, 28, 1), name="images"),
            layers.Conv2D(32, 5, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(64, 5, padding="same", activation="relu", name="conv2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(width, activation="relu", name="dense"),
            layers.Dropout(0.4, name="dropout"),
            # In 32 bits whatever the rest computes in: the loss is taken from these
            layers.Dense(10, dtype="float32", name="classes"),
        ],
        name="digits",
    )


def scale(images: numpy.ndarray) -> numpy.ndarray:
    """Bytes [n, 28, 28] to the network's input."""
    return images[..., None].astype(numpy.float32) / numpy.float32(255)
