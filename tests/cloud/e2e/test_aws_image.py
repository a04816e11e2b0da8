"""A job in one of AWS's Deep Learning Containers, which hold neither our launcher nor our programs: both are brought.

The embedded cloud runs such an image as the folder of containers/ with the same framework.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cloud.house import write_data
from tests.support.cloud.own_project import OwnProject

pytestmark = pytest.mark.e2e
MODULE, SCRIPT = "aws-module", "aws-script"
_DEFINITION = """\
stack = "containers"

[image]
framework = "pytorch"
version = "2.13"

[compute]
instance_type = "ml.m5.xlarge"
count = 2
volume = "5GB"

[limits]
max_runtime = "1h"
"""
_MODULE = """
[program]
entry = "training.pytorch.programs.mnist"

[channels.train]
s3 = "digits/train/"

[channels.test]
s3 = "digits/test/"

[hyperparameters]
epochs = 1
batch_size = 64
"""
_SCRIPT = """
[source]
dir = "experiments"

[program]
entry = "train.py"

[registry]
enabled = true
"""


@pytest.fixture(scope="module")
def containers(research: OwnProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProject]:
    """The project with two jobs more, and with data."""
    files = {MODULE: _DEFINITION + _MODULE, SCRIPT: _DEFINITION + _SCRIPT}
    for name, text in files.items():
        (research.root / f"jobs/{name}.toml").write_text(text)
    research.deployed()
    data: Path = tmp_path_factory.mktemp("data")
    write_data(data)
    research.put(data, "")
    yield research
    for name in files:
        (research.root / f"jobs/{name}.toml").unlink()
    # While it is there, no deploy may take away what it uses of the stack that all jobs share
    stacks, stack = research.cloud.client("cloudformation"), f"{research.root.name}-dev-containers"
    stacks.delete_stack(StackName=stack)
    stacks.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


def test_a_module_of_training_runs_in_awss_image(containers: OwnProject) -> None:
    run = containers.succeed(MODULE, {})
    algorithm = containers.attempts(run)[0]["AlgorithmSpecification"]
    account = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
    assert algorithm["TrainingImage"] == f"{account}/pytorch:2.13-cpu-amzn2023-sagemaker"
    python, zip_file = algorithm["ContainerEntrypoint"]
    assert python == "python" and zip_file.startswith("/opt/ml/input/data/launcher/")
    assert containers.weights(run)
    receipt = containers.receipt(run)
    assert (receipt["outcome"], receipt["image"]["uri"]) == ("Completed", algorithm["TrainingImage"])


def test_a_script_of_ones_own_runs_in_awss_image(containers: OwnProject) -> None:
    run = containers.succeed(SCRIPT, {})
    assert "word.txt" in containers.model(run)
    assert {channel["ChannelName"] for channel in containers.attempts(run)[0]["InputDataConfig"]} == {
        "code",
        "launcher",
    }


def test_its_model_is_registered_in_a_group_that_the_first_run_makes(containers: OwnProject) -> None:
    receipts = [containers.receipt(containers.succeed(SCRIPT, {})) for _ in range(2)]
    packages = [receipt["model_package_arn"] for receipt in receipts]
    assert len(set(packages)) == 2 and all(f":model-package/research-dev-{SCRIPT}/" in one for one in packages)
    sagemaker = containers.aws.client("sagemaker")
    status = sagemaker.describe_model_package(ModelPackageName=packages[1])["ModelApprovalStatus"]
    assert status == "PendingManualApproval"
