"""TensorFlow on two workers saves straight to the embedded cloud's S3 and goes on from there; no torch is needed."""

import json
from importlib import metadata
from pathlib import Path

import pytest

from tests.support.clouds.training_cloud import BUCKET, REGION, TrainingCloud
from tests.support.training.tensorflow import ROOT, Tasks

pytestmark = pytest.mark.slow
PROGRAM = ("training.tensorflow.programs.mnist", "--width=64", "--log_steps=1", "--checkpoint_steps=5")
PREFIX = "checkpoints/tensorflow/straight"


@pytest.fixture(scope="module")
def variables(cloud: TrainingCloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a job's container has, and the optional client beside TensorFlow's own packages."""
    packages = tmp_path_factory.mktemp("packages")
    installed = {Path(str(file.locate())).parent for file in metadata.files("s3torchconnectorclient") or []}
    (package,) = {folder for folder in installed if folder.name == "s3torchconnectorclient"}
    (packages / package.name).symlink_to(package)
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": cloud.state.secret,
        "PYTHONPATH": f"{ROOT}:{packages}",
        "SHARDYARD_CHECKPOINT_DIR": f"s3://{BUCKET}/{PREFIX}/",
    }


def train(folder: Path, variables: dict[str, str], steps: int) -> Tasks:
    """Two workers, until they end."""
    with Tasks(folder, [*PROGRAM, f"--max_steps={steps}"], environ=variables, worker=2) as tasks:
        codes = tasks.wait()
    assert set(codes.values()) == {0}, tasks.text("worker-0")[-3000:]
    return tasks


def test_saves_go_to_s3_and_a_damaged_one_is_passed_over(
    cloud: TrainingCloud, variables: dict[str, str], tmp_path: Path
) -> None:
    first = train(tmp_path / "first", variables, 6)
    keys = [key for key in cloud.keys(f"{PREFIX}/run") if "/step-" in key]
    assert sorted({key.split("/")[4] for key in keys}) == ["step-00000005-g1", "step-00000006-g1"]
    newest = f"{PREFIX}/run/step-00000006-g1"
    assert json.loads(cloud.get(f"{PREFIX}/run/latest.json"))["folder"] == "step-00000006-g1"
    assert not (tmp_path / "first" / "checkpoints").exists(), "nothing is on the disk"

    tensors = [key for key in keys if key.startswith(newest) and key.endswith(".safetensors")]
    whole = cloud.get(tensors[0])
    cloud.put(tensors[0], whole[:-1] + bytes([whole[-1] ^ 1]))
    second = train(tmp_path / "second", variables, 8)
    log = second.text("worker-0")
    assert "tensors.safetensors does not match its sha256" in log
    assert "restored step 5 of run run" in log
    assert sorted(second.losses("worker-0")) == [6, 7, 8]
    assert second.losses("worker-0")[6] == first.losses("worker-0")[6]
    assert not cloud.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads")
