"""Keras 3's fit with several workers is found in the code, and what is something else is not."""

from pathlib import Path
from typing import Any

import pytest

from shardyard.spec.jobs.code.files import source_files
from shardyard.spec.jobs.code.keras import keras_fit_problems
from tests.support.spec.spec_tables import make

CODE = """import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
model.fit(dataset, epochs=3)
"""
TWO: dict[str, Any] = {
    "program": {"entry": "train.py", "launcher": "tensorflow"},
    "source": {"dir": "src"},
    "compute": {"instance_type": "ml.c5.xlarge", "count": 2},
}


def said(folder: Path, code: str, **changes: Any) -> list[str]:
    (folder / "src").mkdir()
    (folder / "src" / "train.py").write_text(code)
    return [str(problem) for problem in keras_fit_problems(source_files(folder, "src"), make(**{**TWO, **changes}))]


def test_fit_with_two_workers_is_named_with_its_line(tmp_path: Path) -> None:
    assert said(tmp_path, CODE) == [
        "source.dir: train.py calls Keras's fit (line 6) with a strategy of several workers, which Keras 3 cannot "
        '(TF_USE_LEGACY_KERAS = "1" in [environment] takes tf_keras; or write the loop: docs/do/tensorflow.md)'
    ]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (CODE, {"compute": {"instance_type": "ml.c5.xlarge"}}),
        (CODE, {"environment": {"TF_USE_LEGACY_KERAS": "1"}}),
        (CODE, {"program": {"entry": "train.py", "launcher": "plain"}}),
        (CODE.replace("tf.keras", "tf_keras"), {}),
        (CODE.replace("MultiWorkerMirroredStrategy", "MirroredStrategy"), {}),
        (CODE.replace("model.fit(dataset, epochs=3)", "scaler.transform(dataset)"), {}),
        (CODE.replace('    model.compile(optimizer="adam", loss="mse")\n', ""), {}),
        ("MultiWorkerMirroredStrategy fit compile (", {}),
    ],
)
def test_what_is_no_such_loop_is_left_alone(code: str, changes: dict[str, Any], tmp_path: Path) -> None:
    assert said(tmp_path, code, **changes) == []
