"""Run by an image's own Python: saves a model of each framework that it has, and tells what the model itself answers.

python framework_models.py FOLDER
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy

ROWS = numpy.linspace(-2, 2, 24, dtype=numpy.float32).reshape(4, 6)


def xgboost(folder: Path) -> Any:
    """A Booster, under the name of AWS's algorithm."""
    import xgboost

    values = numpy.random.default_rng(0).normal(size=(200, 6))
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(values, values[:, 0] > 0), 5)
    booster.save_model(folder / "model.ubj")
    (folder / "model.ubj").rename(folder / "xgboost-model")
    return booster.predict(xgboost.DMatrix(ROWS))


def saved_model(folder: Path) -> Any:
    """As our own programs save it: a signature with two outputs, and a .keras file beside it."""
    import keras
    import tensorflow as tf

    from training.tensorflow.export import save_model

    model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(3)])
    save_model(folder, model, {}, inputs=tf.TensorSpec([None, 6], tf.float32, name="inputs"))
    scores = model(ROWS).numpy()
    return {"scores": scores, "probabilities": numpy.asarray(tf.nn.softmax(scores))}


def keras(folder: Path) -> Any:
    """A .keras file alone."""
    import keras

    model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(3)])
    model.save(folder / "model.keras")
    return model(ROWS).numpy()


def onnx(folder: Path) -> Any:
    """A logistic regression through ONNX."""
    import onnxruntime
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(ROWS, ROWS.sum(axis=1))
    (folder / "model.onnx").write_bytes(to_onnx(model, ROWS[:1]).SerializeToString())
    assert onnxruntime.__version__
    return model.predict(ROWS).reshape(-1, 1)


def main() -> None:
    """Save each that can be, and print what is expected, by name."""
    base = Path(sys.argv[1])
    expected = {}
    for make in (xgboost, saved_model, keras, onnx):
        folder = base / make.__name__ / "model"
        folder.mkdir(parents=True)
        try:
            found = make(folder)
        except ImportError:
            continue
        named = found.items() if isinstance(found, dict) else [("", found)]
        expected[make.__name__] = {name: numpy.asarray(value).tolist() for name, value in named}
    (base / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
