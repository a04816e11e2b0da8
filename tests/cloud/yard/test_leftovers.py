"""What the app no longer has is named and removed; what a removal could not do is said before it begins."""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, bucket, of, parameter
from tests.support.cloud.yard_command import ROOT, Yard
from yard.errors import Exit

ACCOUNT = "222233334444"
_APP = """\
import aws_cdk as cdk

app = cdk.App()
cdk.Stack(app, "left-dev-storage")
app.synth()
"""


@pytest.fixture(scope="module")
def project(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Yard:
    """A project whose app has one stack, in an account of its own."""
    folder = tmp_path_factory.mktemp("left")
    (folder / "jobs").mkdir()
    (folder / "app.py").write_text(_APP)
    settings = {"app": f"{sys.executable} app.py", "context": {"project": "left"}}
    (folder / "cdk.json").write_text(json.dumps(settings))
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return Yard(env=cloud.env | {"AWS_ACCESS_KEY_ID": ACCOUNT}, folder=folder)


@pytest.fixture(autouse=True)
def nothing_left(cloud: Cloud) -> Iterator[None]:
    yield
    api = cloud.client("cloudformation", account=ACCOUNT)
    for name in ("notebooks", "app", "storage", "network"):  # those that import first
        for stack in api.describe_stacks()["Stacks"]:
            if stack["StackName"].endswith(name):
                api.update_termination_protection(StackName=stack["StackId"], EnableTerminationProtection=False)
                api.delete_stack(StackName=stack["StackId"])
                api.get_waiter("stack_delete_complete").wait(StackName=stack["StackId"], WaiterConfig={"Delay": 1})
    assert api.describe_stacks()["Stacks"] == []


def exporting(name: str) -> dict[str, Any]:
    output = {"Value": "x", "Export": {"Name": name}}
    return {**of(A=parameter("a")), "Outputs": {"Out": output}}


def importing(name: str) -> dict[str, Any]:
    return of(A=parameter({"Fn::ImportValue": name}))


def deploy(
    cloud: Cloud, part: str, template: Mapping[str, Any], project: str = "left", **options: Any
) -> StackUnderTest:
    stack = StackUnderTest(cloud, f"{project}-dev-{part}", account=ACCOUNT)
    tags = [{"Key": "project", "Value": project}, {"Key": "stage", "Value": "dev"}]
    assert stack.create(dict(template), Tags=tags, **options) == "CREATE_COMPLETE"
    return stack


def deployed(cloud: Cloud) -> set[str]:
    stacks = cloud.client("cloudformation", account=ACCOUNT).describe_stacks()["Stacks"]
    return {stack["StackName"] for stack in stacks}


@pytest.mark.slow
def test_leftovers_are_named_and_removed_before_what_they_use(cloud: Cloud, project: Yard) -> None:
    deploy(cloud, "storage", exporting("left-storage"))
    deploy(cloud, "network", {**exporting("left-network"), **importing("left-storage")})
    deploy(cloud, "notebooks", importing("left-network"))
    # of the project `left-dev`, whose stacks begin as those of `left`, stage dev
    deploy(cloud, "storage", of(A=parameter("a")), project="left-dev")
    found = [row for row in project.json("doctor", "--json", code=Exit.FIX) if row["what"] == "leftover"]
    assert [row["says"].split()[0] for row in found] == ["left-dev-network", "left-dev-notebooks"]
    assert {row["fix"] for row in found} == {"yard destroy --leftovers"}
    said = project("destroy", "--leftovers", "--yes-project", "left").stderr
    assert said.index("left-dev-notebooks is deleted.") < said.index("left-dev-network is deleted.")
    assert deployed(cloud) == {"left-dev-storage", "left-dev-dev-storage"}
    said = project("destroy", "--leftovers", code=Exit.FIX).stderr
    assert "No leftover of left, stage dev, is deployed in us-east-1." in said


def test_a_removal_takes_leftovers_too_in_the_order_of_their_exports(cloud: Cloud, project: Yard) -> None:
    deploy(cloud, "network", exporting("left-network"))
    deploy(cloud, "storage", importing("left-network"))
    said = project("destroy", "--yes-project", "left").stderr
    assert said.index("left-dev-storage is deleted.") < said.index("left-dev-network is deleted.")
    assert "These stay: CDKToolkit" in said
    assert deployed(cloud) == set()


def test_what_is_retained_is_named_at_the_end(cloud: Cloud, project: Yard) -> None:
    kept = {**bucket(), "DeletionPolicy": "Retain"}
    name = deploy(cloud, "storage", of(Kept=kept)).physical_id("Kept")
    said = project("destroy", "--yes-project", "left").stderr
    assert f"These stay: {name}, CDKToolkit" in said
    cloud.client("s3", account=ACCOUNT).delete_bucket(Bucket=name)


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--yes-project", "left")])
def test_termination_protection_is_said_before_anything_goes(
    cloud: Cloud, project: Yard, arguments: tuple[str, ...]
) -> None:
    deploy(cloud, "network", of(A=parameter("a")))
    deploy(cloud, "storage", of(A=parameter("a")), EnableTerminationProtection=True)
    said = project("destroy", *arguments, code=Exit.FIX).stderr
    assert "Termination protection refuses to delete: left-dev-storage." in said
    assert "aws cloudformation update-termination-protection --no-enable-termination-protection" in said
    assert deployed(cloud) == {"left-dev-network", "left-dev-storage"}


def test_a_stack_of_another_project_that_uses_an_export_is_said_before_anything_goes(
    cloud: Cloud, project: Yard
) -> None:
    deploy(cloud, "network", of(A=parameter("a")))
    deploy(cloud, "storage", exporting("left-storage"))
    deploy(cloud, "app", importing("left-storage"), project="other")
    said = project("destroy", "--yes-project", "left", code=Exit.FIX).stderr
    assert "other-dev-app would stay and uses what left-dev-storage exports" in said
    assert len(deployed(cloud)) == 3


def test_what_cloudformation_cannot_delete_is_named_with_its_reason(cloud: Cloud, project: Yard) -> None:
    name = deploy(cloud, "storage", of(Full=bucket())).physical_id("Full")
    s3 = cloud.client("s3", account=ACCOUNT)
    s3.put_object(Bucket=name, Key="a", Body=b"a")
    said = project("destroy", "--yes-project", "left", code=Exit.FIX).stderr
    s3.delete_object(Bucket=name, Key="a")
    assert "left-dev-storage could not be deleted: Full: " in said and "not empty" in said


def test_an_app_that_cannot_be_asked_is_said(cloud: Cloud, project: Yard, tmp_path: Path) -> None:
    deploy(cloud, "storage", of(A=parameter("a")))
    shutil.copytree(project.folder, tmp_path / "broken", symlinks=True)
    (tmp_path / "broken" / "app.py").write_text("raise SystemExit('the app is broken')")
    said = Yard(env=project.env, folder=tmp_path / "broken")("destroy", "--leftovers", code=Exit.FIX).stderr
    assert "The app could not be asked for its stacks: " in said
    assert "npx cdk list" in said
