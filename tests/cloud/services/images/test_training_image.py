"""A deploy has an image built in the cloud and waits for it: built once, and every other end is a sentence."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms

from shardyard.core.project import Project
from shardyard.images.image_builder import ImageBuilder
from shardyard.images.training_image import TrainingImage
from tests.support.cloud.in_process import ACCOUNT, REGION, Account, account, until

__all__ = ["account"]

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"


@pytest.fixture(scope="module")
def place(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with one image of two variants, in a cloud that holds everybody to their rights."""
    from embedded.access import guard
    from embedded.settings import current

    root = tmp_path_factory.mktemp("project")
    folder = root / "containers" / "own"
    folder.mkdir(parents=True)
    for path in (ROOT / "containers/pytorch").iterdir():
        if path.is_file():
            (folder / path.name).write_text(path.read_text().replace("containers/pytorch", "containers/own"))
    account.client("s3").create_bucket(Bucket=ASSETS)
    before, current.project_root = current.project_root, root
    guard.enforce({"on": True})
    yield root
    guard.enforce({"on": False})
    current.project_root = before


def template(root: Path, folder: Path, account: Account) -> str:
    """The stack of the image as it is now; its assets are published."""
    app = cdk.App(outdir=str(folder))
    stack = cdk.Stack(app, "images")
    project = Project(name="pictures", stage="dev")
    key = kms.CfnKey(
        stack,
        "Key",
        key_policy={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": cdk.Fn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "logs.amazonaws.com"},
                    "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": "*",
                },
            ],
        },
    )
    repository = ecr.CfnRepository(
        stack, "Repository", repository_name="pictures-dev/own", image_tag_mutability="IMMUTABLE", empty_on_delete=True
    )
    builder = ImageBuilder(stack, "Builder", project=project, repositories=[repository.attr_arn], key=key)
    TrainingImage(
        stack, "Own", builder=builder, repository=repository, folder="own", root=root, variants=["cpu", "gpu"]
    )
    app.synth()
    for asset in folder.glob("asset.*.zip"):
        name = asset.name.removeprefix("asset.")
        account.client("s3").put_object(Bucket=ASSETS, Key=name, Body=asset.read_bytes())
    made = json.loads((folder / "images.template.json").read_text())
    # Nobody has bootstrapped this account
    return json.dumps({name: part for name, part in made.items() if name not in ("Rules", "Parameters")})


def deploy(account: Account, text: str, *, update: bool = False) -> str:
    """The status that the stack ends in."""
    cloudformation = account.client("cloudformation")
    given = {"StackName": "images", "TemplateBody": text, "Capabilities": ["CAPABILITY_IAM"]}
    call = cloudformation.update_stack if update else cloudformation.create_stack
    call(**given)

    def ended() -> Any:
        status = cloudformation.describe_stacks(StackName="images")["Stacks"][0]["StackStatus"]
        return None if status.endswith("IN_PROGRESS") else status

    return str(until(ended, seconds=120))


def builds(account: Account) -> list[str]:
    """Those of this project: other tests build in the same account."""
    found: list[str] = account.client("codebuild").list_builds()["ids"]
    return [build for build in found if build.startswith("pictures-dev-images")]


def reasons(account: Account) -> str:
    events = account.client("cloudformation").describe_stack_events(StackName="images")["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in events)


def test_a_deploy_builds_what_is_new_waits_for_it_and_says_why_it_failed(
    account: Account, place: Path, tmp_path: Path
) -> None:
    os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"
    assert deploy(account, template(place, tmp_path / "1", account)) == "CREATE_COMPLETE", reasons(account)
    assert len(builds(account)) == 2
    found = account.client("ecr").list_images(repositoryName="pictures-dev/own")["imageIds"]
    tags = sorted(image["imageTag"] for image in found)
    assert [tag.rpartition("-")[2] for tag in tags] == ["cpu", "gpu"]
    assert len({image["imageDigest"] for image in found}) == 2

    # Another change of the stack, and the same image
    text = json.loads(template(place, tmp_path / "2", account))
    text["Outputs"] = {"Another": {"Value": "one"}}
    assert deploy(account, json.dumps(text), update=True) == "UPDATE_COMPLETE", reasons(account)
    assert len(builds(account)) == 2, "an unchanged folder builds nothing"

    dockerfile = place / "containers/own/Dockerfile"
    good = dockerfile.read_text()
    dockerfile.write_text(good.replace("COPY training ", "COPY nowhere "))
    assert deploy(account, template(place, tmp_path / "3", account), update=True) == "UPDATE_ROLLBACK_COMPLETE"
    assert "COPY failed: there is no" in reasons(account) and "the build of pictures-dev/own:" in reasons(account)
    dockerfile.write_text(good)
