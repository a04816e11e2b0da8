"""What tests want to know of TensorFlow in a process of its own: `run_case` calls these where TensorFlow is."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy
import tensorflow as tf

from training.tensorflow.checkpoint.checkpointer import Checkpointer, give_own_seeds
from training.tensorflow.evaluation import Evaluation
from training.tensorflow.export import digest, save_model
from training.tensorflow.models.digits import make_digits_net
from training.tensorflow.models.images import make_images_net
from training.tensorflow.models.text import make_text_net
from training.tensorflow.parallel.workers import Workers
from training.tensorflow.programs.text import Texts, to_tokens
from training.tensorflow.random_state import seed_everything
from training.tensorflow.stepping import Stepper

_COUNT, _LENGTH, _STEPS = 6, 16, 8


def _network(name: str) -> tuple[Any, numpy.ndarray, numpy.ndarray, tf.TensorSpec, Any]:
    """A network; what requests hold; the same as the network takes it; and how an export gets there."""
    random = numpy.random.default_rng(5)
    if name == "digits":
        images = random.integers(0, 256, (_COUNT, 28, 28)).astype(numpy.float32)
        spec = tf.TensorSpec([None, 28, 28], tf.float32, name="images")
        return make_digits_net(32), images, images[..., None] / 255.0, spec, lambda given: given[..., None] / 255.0
    if name == "images":
        images = random.integers(0, 256, (_COUNT, 32, 32, 3)).astype(numpy.float32)
        spec = tf.TensorSpec([None, 32, 32, 3], tf.float32, name="images")
        return make_images_net(), images, images / 255.0, spec, lambda given: given / 255.0
    texts = ["", "a", "a text that is longer than the network looks at", "grüße", "0 1", "b" * _LENGTH]
    read = Texts(length=_LENGTH, classes=3)
    tokens, _ = read([{"text": text, "label": 0} for text in texts])
    spec = tf.TensorSpec([None], tf.string, name="texts")
    net = make_text_net(3, length=_LENGTH, width=16)
    return net, numpy.array(texts), tokens, spec, lambda given: to_tokens(given, length=_LENGTH)


def export(folder: str, *names: str) -> dict[str, Any]:
    """What `_export` tells, by network; each is in a folder of its own."""
    return {name: _export(Path(folder, name), name) for name in names}


def _export(folder: Path, name: str) -> dict[str, Any]:
    """Train a few steps, export, and tell what the trained network says of the same inputs."""
    keras.utils.set_random_seed(2)
    model, requests, inputs, spec, prepare = _network(name)
    optimizer = keras.optimizers.Adam(1e-3)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    stepper = Stepper(model, optimizer, loss_of, Workers(strategy=tf.distribute.get_strategy()))
    labels = numpy.arange(_COUNT) % 3
    losses = [stepper.take(inputs, labels)() for _ in range(3)]
    assert losses[-1] != losses[0]
    save_model(folder, model, {"model": name}, inputs=spec, prepare=prepare)
    numpy.save(folder / "requests.npy", requests)
    numpy.save(folder / "inputs.npy", inputs)
    return {"scores": model(inputs, training=False).numpy().tolist(), "digest": digest(model)}


def load(folder: str, *names: str) -> dict[str, Any]:
    """What `_load` tells, by network."""
    return {name: _load(Path(folder, name)) for name in names}


def _load(folder: Path) -> dict[str, Any]:
    """What the exports answer, and what their signature is."""
    requests = numpy.load(folder / "requests.npy")
    served = tf.saved_model.load(str(folder / "1")).signatures["serving_default"]
    (given,) = served.structured_input_signature[1]
    answer = served(**{given: tf.constant(requests)})
    one = served(**{given: tf.constant(requests[:1])})
    kept = keras.models.load_model(folder / "model.keras")
    return {
        "given": given,
        "dtype": served.structured_input_signature[1][given].dtype.name,
        "answers": {name: list(spec.shape) for name, spec in served.structured_outputs.items()},
        "scores": answer["scores"].numpy().tolist(),
        "probabilities": answer["probabilities"].numpy().sum(axis=1).tolist(),
        "alone": one["scores"].numpy().tolist(),
        "keras": kept(numpy.load(folder / "inputs.npy"), training=False).numpy().tolist(),
        "digest": digest(kept),
    }


def replicas(folder: str) -> dict[str, Any]:
    """What one process learns with one device and with two, as it has GPUs, and with two in two halves."""
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
    tf.config.experimental.enable_op_determinism()
    return {
        "one": _learn(Path(folder, "one"), devices=1, dropout=0.0, steps=_STEPS),
        "two": _learn(Path(folder, "two"), devices=2, dropout=0.0, steps=_STEPS),
        "whole": _learn(Path(folder, "whole"), devices=2, dropout=0.5, steps=_STEPS),
        "first": _learn(Path(folder, "halves"), devices=2, dropout=0.5, steps=_STEPS // 2),
        "second": _learn(Path(folder, "halves"), devices=2, dropout=0.5, steps=_STEPS),
    }


def _learn(folder: Path, *, devices: int, dropout: float, steps: int) -> dict[str, Any]:
    """Losses by step, from the newest save in the folder on, and how good the network is at the end."""
    workers = Workers(strategy=tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(devices)]))
    assert workers.replicas_here == devices
    seed_everything(3)
    with workers.strategy.scope():
        dense = keras.layers.Dense(16, activation="relu")
        model = keras.Sequential([keras.Input((12,)), dense, keras.layers.Dropout(dropout), keras.layers.Dense(3)])
        optimizer = keras.optimizers.Adam(1e-2)
        optimizer.build(model.trainable_variables)
    give_own_seeds(model, workers, 3)
    random = numpy.random.default_rng(0)
    inputs, labels = random.normal(size=(_STEPS, 8, 12)).astype(numpy.float32), random.integers(0, 3, (_STEPS, 8))
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    stepper = Stepper(model, optimizer, loss_of, workers)
    losses = {}
    with Checkpointer(
        model=model, optimizer=optimizer, workers=workers, every_steps=1, folder=folder, run_id="run"
    ) as saved:
        for step in range(saved.restore() + 1, steps + 1):
            losses[step] = stepper.take(inputs[step - 1], labels[step - 1])()
            saved.after_step(step)
    return {"losses": losses, "weights": digest(model), **Evaluation(model, (inputs[0], labels[0]), workers)()}


def refused_weights() -> str:
    """What `fit` says of class weights beside servers; nothing is connected or trained."""
    import tf_keras

    from training.saves.unfit import Unfit
    from training.tensorflow.fit import fit

    model = tf_keras.Sequential([tf_keras.layers.InputLayer((2,)), tf_keras.layers.Dense(1)])
    model.compile(loss="mse")
    chief: Any = Workers(strategy=tf.distribute.get_strategy(), coordinator=object())
    loader: Any = None
    try:
        fit(model, loader, workers=chief, epochs=1, class_weight={0: 1.0})
    except Unfit as refusal:
        return str(refusal)
    return "nothing"


if __name__ == "__main__":
    cases: dict[str, Any] = {"export": export, "load": load, "replicas": replicas, "refused_weights": refused_weights}
    print(json.dumps(cases[sys.argv[1]](*sys.argv[2:])))
