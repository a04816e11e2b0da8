"""The official SDK's tuner, and boto3's waiters of a person's own, search on the embedded cloud."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from embedded import lifecycle
from embedded.nodes.image import STAND_IN_ACCOUNT
from tests.sdk.conftest import HERE, ROOT
from tests.support.cloud.lent_packages import lend_packages
from tests.support.clouds.training_cloud import BUCKET, TrainingCloud, training_cloud
from tests.support.clouds.tuning_cloud import PARABOLA, describe, training_jobs

pytestmark = pytest.mark.sdk


@pytest.fixture(scope="module")
def small_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingCloud]:
    with training_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def test_a_tuner_over_a_model_trainer(small_cloud: TrainingCloud, sdk: Any) -> None:
    image = small_cloud.image("parabola", PARABOLA)
    env = lifecycle.variables(small_cloud.state, small_cloud.folder) | {"SAGEMAKER_VALIDATE_ROLE": "false"}
    done = sdk("own_tuner.py", image, small_cloud.role, BUCKET, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "status Completed" in done.stdout and "completed 4" in done.stdout
    found = re.search(r"^best ((by-sdk-\S+)-\d{3}-[0-9a-f]{8}) ([0-9.]+)$", done.stdout, re.M)
    assert found is not None, done.stdout
    name = found[2]
    assert describe(small_cloud, name)["BestTrainingJob"]["TrainingJobName"] == found[1]
    best = training_jobs(small_cloud, name, SortBy="FinalObjectiveMetricValue")[0]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(float(found[3]))


def test_a_tuner_that_brings_its_own_code(small_cloud: TrainingCloud, sdk: Any) -> None:
    """The SDK names the code by `sagemaker_submit_directory`, since tuning jobs know no entrypoint of a container."""
    shutil.copytree(ROOT / "containers" / "automl", small_cloud.project / "containers" / "launched")
    dockerfile = small_cloud.project / "containers" / "launched" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("/automl/", "/launched/"))
    lend_packages(small_cloud, "launched", "boto3")
    image = f"{STAND_IN_ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/own/launched:1"
    env = lifecycle.variables(small_cloud.state, small_cloud.folder) | {"SAGEMAKER_VALIDATE_ROLE": "false"}
    done = sdk("own_tuner.py", image, small_cloud.role, BUCKET, str(HERE / "own_code"), env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "status Completed" in done.stdout and "completed 4" in done.stdout
