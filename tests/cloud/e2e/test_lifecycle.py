"""A project's life: what was deployed is what its templates say, and what is destroyed is gone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.inventory import left_behind
from embedded.process.running import SECRET_FILE
from tests.cloud.conftest import Cloud
from tests.support.cloud.house import EMAIL, ROOT
from tests.support.cloud.own_project import JOB, OwnProject, make_project

pytestmark = pytest.mark.e2e


@pytest.fixture
def before(bootstrapped_cloud: Cloud) -> dict[str, list[str]]:
    """What there is before the project comes."""
    found: dict[str, list[str]] = bootstrapped_cloud.admin("inventory")["inventory"]
    return found


@pytest.fixture
def gone(bootstrapped_cloud: Cloud, tmp_path: Path) -> OwnProject:
    """A project as the deploy has left it."""
    return make_project(bootstrapped_cloud, tmp_path / "gone", email=EMAIL)


def verify(project: OwnProject, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `yard cloud verify`."""
    return subprocess.run(
        [sys.executable, "-m", "yard.main", "cloud", "verify", *arguments],
        cwd=project.root,
        env=project.cloud.env | {"PYTHONPATH": f"{ROOT}:{ROOT / 'constructs'}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_a_project_is_what_its_templates_say_and_is_destroyed_without_a_trace(
    before: dict[str, list[str]], gone: OwnProject
) -> None:
    # the command looks for a cloud of the project that it is called in
    (gone.root / ".yard/cloud").mkdir(parents=True)
    for name in ("state.json", SECRET_FILE):
        shutil.copy(gone.cloud.folder / name, gone.root / ".yard/cloud")
    for part in ("storage", "identity", "observability", "training", "experiments"):
        done = verify(gone, f"gone-dev-{part}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "no difference" in done.stdout + done.stderr

    gone.succeed(JOB, {})
    for bucket in (gone.aws.data_bucket(), gone.aws.artifact_bucket()):
        for _ in range(2):  # a second version of the same object
            gone.aws.client("s3").put_object(Bucket=bucket, Key="left/behind.txt", Body=b"by a person")
    done = gone.cloud.cdk("destroy", "--all", "--force", root=gone.root)
    assert done.returncode == 0, done.stdout + done.stderr

    left = left_behind(before, gone.cloud.admin("inventory")["inventory"])
    # SageMaker's own group, which all training jobs of an account share
    left["log groups"] = [name for name in left.get("log groups", []) if name != "/aws/sagemaker/TrainingJobs"]
    assert {kind: found for kind, found in left.items() if found} == {}
