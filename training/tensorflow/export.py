"""The finished model on its way to model.tar.gz: for TensorFlow Serving, and for Keras."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy
import tensorflow as tf

VERSION = "1"
"""TensorFlow Serving looks for a folder per version, named by a number."""


def save_model(
    folder: Path,
    model: Any,
    about: Mapping[str, Any],
    *,
    inputs: tf.TensorSpec,
    prepare: Callable[[Any], Any] = lambda inputs: inputs,
) -> None:
    """Write `1/` (a SavedModel), `model.keras` and `model.json` (what it is); none ever exists half.

    The serving signature takes what requests hold: `inputs`, from which `prepare` makes the network's input. It
    answers with `scores` and `probabilities`.
    """
    folder.mkdir(parents=True, exist_ok=True)

    # Variables of a strategy belong to its scope and its devices: what is served is a copy of plain ones
    with tf.distribute.get_strategy().scope():
        plain = model.__class__.from_config(model.get_config())
        plain.set_weights([numpy.asarray(weight) for weight in model.get_weights()])

    class Served(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = plain
            self.held = [variable.value for variable in plain.variables]

        @tf.function(input_signature=[inputs])
        def serve(self, inputs: Any) -> dict[str, Any]:
            scores = tf.cast(self.model(prepare(inputs), training=False), tf.float32)
            return {"scores": scores, "probabilities": tf.nn.softmax(scores)}

    served = Served()
    half = folder / f".{VERSION}.tmp"
    shutil.rmtree(half, ignore_errors=True)
    tf.saved_model.save(served, str(half), signatures={"serving_default": served.serve})
    shutil.rmtree(folder / VERSION, ignore_errors=True)
    os.replace(half, folder / VERSION)
    plain.save(folder / ".model.tmp.keras")
    os.replace(folder / ".model.tmp.keras", folder / "model.keras")
    about = {
        **about,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "saved_model": VERSION,
        "weights": "model.keras",
        "weights_sha256": digest(plain),
    }
    (folder / "model.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")


def digest(model: Any) -> str:
    """The same for the same weights, bit for bit; a file's own digest would differ by its zip's times."""
    found = hashlib.sha256()
    for number, weight in enumerate(model.get_weights()):
        array = numpy.ascontiguousarray(weight)
        found.update(f"{number} {array.dtype} {array.shape}\0".encode())
        found.update(array.tobytes())
    return found.hexdigest()
