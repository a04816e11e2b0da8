"""TensorFlow scripts of three public styles run unmodified on two nodes: TF_CONFIG by hand, `fit`, SDK 2's options."""

from typing import Any

import pytest

from tests.support.cloud.house import House
from tests.support.cloud.own_project import OwnProject
from yard.runs import runs

pytestmark = pytest.mark.e2e

_DEFINITION = """\
stack = "experiments"

[image]
folder = "tensorflow"
cpu_only = true

[source]
dir = "tf"

[program]
entry = "{script}.py"
launcher = "{launcher}"

[compute]
instance_type = "ml.m5.xlarge"
count = 2
volume = "5GB"

[limits]
max_runtime = "1h"

[cost]
cap_usd = 5
"""
_BY_HAND = """\
import json
import os

hosts = json.loads(os.environ["SM_HOSTS"])
os.environ["TF_CONFIG"] = json.dumps(
    {
        "cluster": {"worker": [f"{host}:12345" for host in hosts]},
        "task": {"type": "worker", "index": hosts.index(os.environ["SM_CURRENT_HOST"])},
    }
)
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()


@tf.function
def step(x):
    return strategy.reduce("SUM", strategy.run(lambda: tf.identity(x)), axis=None)


total = sum(float(step(tf.constant(1.0))) for _ in range(3))
print(f"step=3 loss={total:.4f} replicas={strategy.num_replicas_in_sync}", flush=True)
"""
_FIT = """\
import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()
images = np.random.default_rng(1).normal(size=(256, 8)).astype("float32")
labels = (images.sum(1) > 0).astype("int64")
data = tf.data.Dataset.from_tensor_slices((images, labels)).repeat(2).batch(32)
with strategy.scope():
    model = tf.keras.Sequential([tf.keras.layers.Dense(16, activation="relu"), tf.keras.layers.Dense(2)])
    model.compile(
        optimizer=tf.keras.optimizers.Adam(0.01),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
history = model.fit(data, epochs=3, verbose=2)
print(f"keras={type(model).__module__} loss={history.history['loss'][-1]:.4f}", flush=True)
"""
_SDK_2 = """\
import argparse
import json
import os

import tensorflow as tf

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_dir", type=str)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--sm-model-dir", type=str, default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--hosts", type=list, default=json.loads(os.environ.get("SM_HOSTS")))
    parser.add_argument("--current-host", type=str, default=os.environ.get("SM_CURRENT_HOST"))
    args, _ = parser.parse_known_args()
    config = json.loads(os.environ["TF_CONFIG"])
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(2)])
    chief = config["task"]["index"] == 0
    print(f"model_dir={args.model_dir} host={args.current_host} replicas={strategy.num_replicas_in_sync}", flush=True)
    target = args.sm_model_dir if chief else f"/tmp/{args.current_host}"
    model.export(f"{target}/000000001")
"""
_STYLES = {"by_hand": _BY_HAND, "fit": _FIT, "sdk2": _SDK_2}


@pytest.fixture(scope="module")
def project(research: OwnProject) -> OwnProject:
    """The project with a job for each script."""
    code = research.root / "tf"
    code.mkdir()
    for name, script in _STYLES.items():
        (code / f"{name}.py").write_text(script)
        definition = _DEFINITION.format(script=name, launcher="tensorflow")
        if name == "sdk2":
            definition += '\n[hyperparameters]\nmodel_dir = "/opt/ml/model"\nbatch-size = 16\n'
        (research.root / "jobs" / f"tf-{name.replace('_', '-')}.toml").write_text(definition)
    research.deployed()
    research.push_image("tensorflow")
    return research


def said(project: House, run: runs.Run, word: str) -> dict[str, str]:
    """By host, the line in which a word stands."""
    return {line.host: line.text for line in project.lines(run) if word in line.text}


def ran(project: OwnProject, job: str, word: str, **launch: Any) -> dict[str, str]:
    found = said(project, project.succeed(job, launch), word)
    assert len(found) == 2, found
    return found


def test_a_script_that_makes_its_own_tf_config(project: OwnProject) -> None:
    for line in ran(project, "tf-by-hand", "replicas=").values():
        assert "step=3 loss=6.0000 replicas=2" in line


def test_keras_2s_fit_trains_the_same_model_on_both(project: OwnProject) -> None:
    lines = ran(project, "tf-fit", "keras=")
    losses = {line.partition(" loss=")[2] for line in lines.values()}
    assert len(losses) == 1
    assert all("keras=tf_keras." in line for line in lines.values())


def test_a_script_for_sdk_2_gets_its_model_dir_and_leaves_a_saved_model(project: OwnProject) -> None:
    run = project.succeed("tf-sdk2", {})
    for line in said(project, run, "model_dir=").values():
        assert "model_dir=/opt/ml/model" in line and "replicas=2" in line
    assert "000000001/saved_model.pb" in project.model(run)
