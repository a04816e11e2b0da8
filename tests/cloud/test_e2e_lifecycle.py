"""A project's life: what was deployed is what its templates say, and what is destroyed is gone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud.conftest import Cloud
from tests.cloud.house import EMAIL, ROOT
from tests.cloud.own_project import JOB, OwnProject, make_project
from yard.cloud.inventory import left_behind

pytestmark = pytest.mark.e2e


def test_yard_cloud_verify_finds_no_difference(research: OwnProject) -> None:
    # the command looks for a cloud of the project that it is called in
    (research.root / ".yard/cloud").mkdir(parents=True)
    shutil.copy(research.cloud.folder / "state.json", research.root / ".yard/cloud")
    done = subprocess.run(
        [sys.executable, "-m", "yard.main", "cloud", "verify"],
        cwd=research.root,
        env=research.cloud.env | {"PYTHONPATH": f"{ROOT}:{ROOT / 'constructs'}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no difference" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_project_that_was_used_is_destroyed_without_a_trace(bootstrapped_cloud: Cloud, tmp_path: Path) -> None:
    before = bootstrapped_cloud.admin("inventory")["inventory"]
    gone = make_project(bootstrapped_cloud, tmp_path / "gone", email=EMAIL)
    gone.succeed(JOB, {})
    for bucket in (gone.aws.data_bucket(), gone.aws.artifact_bucket()):
        for _ in range(2):  # a second version of the same object
            gone.aws.client("s3").put_object(Bucket=bucket, Key="left/behind.txt", Body=b"by a person")
    done = bootstrapped_cloud.cdk("destroy", "--all", "--force", root=gone.root)
    assert done.returncode == 0, done.stdout + done.stderr

    left = left_behind(before, bootstrapped_cloud.admin("inventory")["inventory"])
    # SageMaker's own group, which all training jobs of an account share
    left["log groups"] = [name for name in left.get("log groups", []) if name != "/aws/sagemaker/TrainingJobs"]
    assert {kind: found for kind, found in left.items() if found} == {}
