"""The stage prod destroyed and deployed again: with the data, the key and the repositories that were retained."""

from pathlib import Path

import pytest

from embedded.verify import verify
from shardyard.spec import names
from tests.cloud.conftest import Cloud
from tests.support.cloud.house import House
from tests.support.cloud.own_project import copy_app
from tests.support.cloud.yard_command import Yard
from yard.errors import Exit

pytestmark = pytest.mark.e2e
NAME = "kept"


@pytest.mark.slow
def test_prod_is_destroyed_and_deployed_again_with_what_it_retained(bootstrapped_cloud: Cloud, tmp_path: Path) -> None:
    cloud, folder = bootstrapped_cloud, tmp_path / NAME
    copy_app(folder, stage="prod", **{"network.kind": "none"})
    yard = Yard(env=cloud.env, folder=folder)
    done = cloud.cdk("deploy", "--all", "--require-approval", "never", root=folder)
    assert done.returncode == 0, done.stderr
    bucket = House.of(cloud, folder).aws.data_bucket()
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="digits/one", Body=b"data of a year")

    stacks = cloud.client("cloudformation")
    assert "Termination protection refuses to delete" in yard("destroy", "--yes-project", NAME, code=Exit.FIX).stderr
    for stack in stacks.describe_stacks()["Stacks"]:
        if stack["StackName"].startswith(f"{NAME}-"):
            stacks.update_termination_protection(StackName=stack["StackName"], EnableTerminationProtection=False)
    assert bucket in yard("destroy", "--yes-project", NAME).stderr.rpartition("These stay:")[2]

    repository = names.repository_name(NAME, "prod", "pytorch")
    assert {bucket, repository} <= {row["resource"] for row in yard.json("adopt", "--dry-run", "--json")}
    said = yard("adopt", "--yes").stderr
    assert f"{NAME}-prod-storage has what was retained of it." in said
    assert House.of(cloud, folder).aws.data_bucket() == bucket
    assert s3.get_object(Bucket=bucket, Key="digits/one")["Body"].read() == b"data of a year"
    own = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if bucket["Name"].startswith(f"{NAME}-prod")]
    assert len(own) == 3, "new buckets beside the retained ones"
    found = [one for one in verify(cloud.state) if one.stack.startswith(f"{NAME}-prod-")]
    assert len(found) > 50
    assert [f"{one.stack} {one.logical_id} {one.problem}" for one in found if not one.is_right] == []
    assert "Nothing is retained" in yard("adopt").stderr
