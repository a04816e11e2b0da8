"""The network of the later public lab: six convolutions for small colour images."""

from typing import Any

import keras
from keras import layers


def make_images_net(classes: int = 10, side: int = 32) -> Any:
    """Pairs of 32, 64 and 128 filters with batch normalisation and dropout, a dense layer of 512, scores."""
    net = [layers.Input((side, side, 3), name="images")]
    for block, (filters, dropout) in enumerate(((32, 0.2), (64, 0.3), (128, 0.4)), start=1):
        for place in ("a", "b"):
            net.append(layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{block}{place}"))
            net.append(layers.BatchNormalization(name=f"norm{block}{place}"))
        net += [layers.MaxPooling2D(name=f"pool{block}"), layers.Dropout(dropout, name=f"dropout{block}")]
    net += [
        layers.Flatten(name="flatten"),
        layers.Dense(512, activation="relu", name="dense"),
        layers.Dropout(0.5, name="dropout"),
        layers.Dense(classes, dtype="float32", name="classes"),
    ]
    return keras.Sequential(net, name="images")
