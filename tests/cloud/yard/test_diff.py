"""`yard diff` against what is deployed: nothing where nothing changed, and words where something did."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.conftest import ACCOUNT, Cloud, Deployed
from tests.support.cloud.yard_command import ROOT, Yard
from yard.errors import Exit

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def yard(deployed_cloud: Cloud) -> Yard:
    return Yard(env=deployed_cloud.env)


@pytest.fixture(scope="module")
def assembly(deployment: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what was deployed, which tests change."""
    folder = tmp_path_factory.mktemp("changed") / "cdk.out"
    return Path(shutil.copytree(deployment.assembly, folder))


@pytest.fixture
def left_over(deployed_cloud: Cloud) -> Iterator[str]:
    """A stack with the project's tags that the app does not have."""
    client, name = deployed_cloud.client("cloudformation"), "shardyard-dev-experiments"
    tags = [{"Key": "project", "Value": "shardyard"}, {"Key": "stage", "Value": "dev"}]
    body = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    client.create_stack(StackName=name, TemplateBody=body, Tags=tags)
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    yield name
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def test_what_was_deployed_differs_in_nothing(yard: Yard, deployment: Deployed) -> None:
    done = yard("diff", "--app", str(deployment.assembly), "--exit-code")
    assert "would change nothing" in done.stderr
    assert yard.json("diff", "--app", str(deployment.assembly), "--json")["is_empty"] is True


def test_settings_are_synthesised_and_told_by_their_names(yard: Yard) -> None:
    wanted = ("-c", "budget.monthly_usd=300", "-c", "training.cap_usd=200", "-c", "network.cidr=10.50.0.0/16")
    done = yard("diff", *wanted, "--exit-code", code=Exit.DIFFERENT)
    assert "  ~ budget.monthly_usd: 100 -> 300 (Budget, shardyard-dev-observability)" in done.stdout
    assert re.search(r"training\.cap_usd: 500\.0 -> 200\.0 \(\d+ resources\)", done.stdout), "once for all machines"
    assert "replaced, as CidrBlock changes" in done.stdout, "CloudFormation's registry says so"
    assert "the export of Network/Subnet1, Network/Subnet2, Network/Training would take another value" in done.stdout


def test_a_job_that_goes_costs_nothing_but_a_bucket_that_goes_costs_its_objects(
    yard: Yard, deployed_cloud: Cloud, assembly: Path
) -> None:
    file = assembly / "shardyard-dev-storage.template.json"
    template = json.loads(file.read_text())
    names = [name for name, one in template["Resources"].items() if one["Type"] == "AWS::S3::Bucket"]
    data = next(name for name in names if name.startswith("StorageData"))
    del template["Resources"][data]
    file.write_text(json.dumps(template))
    summaries = deployed_cloud.client("cloudformation").describe_stack_resource(
        StackName="shardyard-dev-storage", LogicalResourceId=data
    )
    bucket = summaries["StackResourceDetail"]["PhysicalResourceId"]
    deployed_cloud.client("s3").put_object(Bucket=bucket, Key="kept/for/long", Body=b"1234567")
    found = yard.json("diff", "--app", str(assembly), "--json")
    lost = next(one for one in found["resources"] if one["physical"] == bucket)
    assert (lost["action"], found["loses_data"]) == ("removed", True)
    assert "object" in lost["loses"]
    written = yard("diff", "--app", str(assembly), "--markdown").stdout
    assert "**Data would be lost**" in written
    assert f"- AWS::S3::Bucket {bucket} (shardyard-dev-storage): removed; lost: " in written
    deployed_cloud.client("s3").delete_object(Bucket=bucket, Key="kept/for/long")


def test_a_stack_that_the_app_no_longer_has_is_named(yard: Yard, deployment: Deployed, left_over: str) -> None:
    done = yard("diff", "--app", str(deployment.assembly), "--exit-code", code=Exit.DIFFERENT)
    assert f"? {left_over}: the app no longer has it, and no deploy removes it; 1 resource," in done.stdout


def test_before_the_first_deploy_everything_is_new(deployed_cloud: Cloud, deployment: Deployed) -> None:
    elsewhere = Yard(env={**deployed_cloud.env, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"})
    found = elsewhere.json("diff", "--app", str(deployment.assembly), "--json")
    assert {one["action"] for one in found["stacks"]} == {"added"}
    assert {one["action"] for one in found["jobs"]} == {"added"}
    assert found["monthly_usd_before"] == 0


def test_a_folder_without_an_assembly_is_refused(yard: Yard) -> None:
    assert "is not a cloud assembly" in yard("diff", "--app", str(ROOT / "docs"), code=Exit.FIX).stderr
    assert "Give one of them" in yard("diff", "--app", "x", "-c", "stage=dev", code=Exit.USAGE).stderr


def test_a_role_that_only_reads_can_tell(yard: Yard, deployed_cloud: Cloud, deployment: Deployed) -> None:
    page = (ROOT / "docs/do/teams.md").read_text()
    words = page.partition("The reading role needs ")[2].partition(" to count the data")[0]
    named = [word.strip("`,\n ") for word in words.replace(" and ", " ").split()]
    service, actions = "", []
    for word in named:
        service = word.partition(":")[0] if ":" in word else service
        actions.append(word if ":" in word else f"{service}:{word}")
    assert len(actions) == 8
    iam = deployed_cloud.client("iam")
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
    documents = [json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (trust, statement)]
    arn = iam.create_role(RoleName="reads-for-diff", AssumeRolePolicyDocument=documents[0])["Role"]["Arn"]
    iam.put_role_policy(RoleName="reads-for-diff", PolicyName="read", PolicyDocument=documents[1])
    found = deployed_cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="ci")["Credentials"]
    keys = {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }
    reader = Yard(env={**deployed_cloud.env, **keys})
    assert "would change nothing" in reader("diff", "--app", str(deployment.assembly)).stderr
    reader("diff", "-c", "budget.monthly_usd=300", "--exit-code", code=Exit.DIFFERENT)
