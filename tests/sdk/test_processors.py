"""The official SDK's processors, unmodified, on the embedded cloud: their requests are taken, and the programs run."""

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.clouds.processing_cloud import ProcessingCloud, processing_cloud
from tests.support.clouds.training_cloud import BUCKET, MANIFEST, REGION, ROOT

pytestmark = pytest.mark.sdk


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessingCloud]:
    """A cloud with data, and with environments of images that are there already."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    with processing_cloud(tmp_path_factory.mktemp("cloud"), cache) as running:
        running.put("sdk-data/a", "1\n2\n")
        running.put("sdk-data/b", "3\n")
        yield running


def run(cloud: ProcessingCloud, sdk: Any, kind: str, image: str, count: int) -> str:
    """Run the SDK's program; what it printed."""
    env = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": cloud.state.secret,
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "SAGEMAKER_VALIDATE_ROLE": "false",
    }
    done = sdk("processors.py", kind, image, cloud.role, str(count), BUCKET, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_a_script_processor(processing: ProcessingCloud, sdk: Any) -> None:
    said = run(processing, sdk, "script", processing.image("bare", ""), 1)
    assert "alone" in said
    assert processing.get("sdk/script/alone") == b"--days 7"


def test_a_framework_processor_with_its_folder_on_two_nodes(processing: ProcessingCloud, sdk: Any) -> None:
    said = run(processing, sdk, "framework", processing.image("bare", ""), 2)
    for host in ("algo-1", "algo-2"):
        assert f"prepared 3 rows on {host}" in said
        assert processing.get(f"sdk/framework/{host}") == b"helped ['1', '2', '3'] ['--days', '7']"


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java (Debian: default-jre-headless)")
@pytest.mark.parametrize("image", ["ours", "aws"])
def test_a_pyspark_processor(processing: ProcessingCloud, sdk: Any, image: str) -> None:
    processing.admin("settings", project_root=str(ROOT))
    if image == "ours":
        ecr = processing.client("ecr")
        ecr.create_repository(repositoryName="test/spark")
        ecr.put_image(repositoryName="test/spark", imageManifest=json.dumps(MANIFEST), imageTag="1")
    run(processing, sdk, "spark", image if image == "aws" else processing.uri("spark"), 2)
    processing.admin("settings", project_root=str(processing.project))
    assert processing.get("sdk/spark/rows") == b"3 noted"
    assert any("app-" in key for key in processing.keys("sdk/history"))
