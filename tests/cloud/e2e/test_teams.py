"""The example of docs/do/teams.md: three teams in one account, and the same project in a second account."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cloud.conftest import ACCOUNT, Cloud
from tests.support.cloud.house import EMAIL, wait_until
from tests.support.cloud.own_project import JOB, OwnProject, make_project, write_settings
from tests.support.cloud.yard_command import Yard
from yard.errors import Exit

pytestmark = pytest.mark.e2e
PRODUCTION = "222222222222"
TEAMS = ("vision", "speech", "search")
SETTINGS: Mapping[str, Any] = {
    "owner": "platform",
    "identity.launch_tag": "team",
    "identity.permissions_boundary": "arn:aws:iam::{}:policy/ml-boundary",
    "budget.per_owner": {"vision": 0.7, "*": 50},
    "network.kind": "none",
}
"""Two instances for an hour cost 0.46 USD at most: vision may have one launch at a time."""


def settings(account: str, **changes: Any) -> dict[str, Any]:
    return {
        name: value.format(account) if isinstance(value, str) else value for name, value in SETTINGS.items()
    } | changes


def make_boundary(cloud: Cloud, account: str) -> None:
    """What the platform team lets any role of the account do: everything here, in real life less."""
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam = cloud.client("iam", account=account)
    iam.create_policy(PolicyName="ml-boundary", PolicyDocument=json.dumps(allowed))


@pytest.fixture(scope="module")
def platform(bootstrapped_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> OwnProject:
    """The project of all teams, with a job for each; vision's waits until it is stopped."""
    make_boundary(bootstrapped_cloud, ACCOUNT)
    folder = tmp_path_factory.mktemp("teams") / "platform"
    made = make_project(bootstrapped_cloud, folder, email=EMAIL, context=settings(ACCOUNT))
    text = (folder / f"jobs/{JOB}.toml").read_text()
    (folder / f"jobs/{JOB}.toml").unlink()
    for team in TEAMS:
        waits = '\n[environment]\nWAIT = "1"\n' if team == "vision" else ""
        (folder / f"jobs/{team}-words.toml").write_text(f'owner = "{team}"\n{text}{waits}')
    made.deployed()
    return made


class Member:
    """Somebody of a team: a role that the tag makes the team's, with the one policy that all teams have."""

    def __init__(self, platform: OwnProject, team: str) -> None:
        cloud = platform.cloud
        iam, sts = cloud.client("iam"), cloud.client("sts")
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        tags = [{"Key": "team", "Value": team}]
        role = iam.create_role(RoleName=f"people-{team}", AssumeRolePolicyDocument=document, Tags=tags)["Role"]
        policy = platform.aws.output("training", "LaunchPolicyArn")
        iam.attach_role_policy(RoleName=f"people-{team}", PolicyArn=policy)
        found = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="ann")["Credentials"]
        keys = {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }
        self.yard = Yard(env={**cloud.env, **keys}, folder=platform.root)


@pytest.fixture(scope="module")
def members(platform: OwnProject) -> Mapping[str, Member]:
    return {team: Member(platform, team) for team in TEAMS}


def owner_of(platform: OwnProject, run_id: str, job: str) -> str:
    client = platform.aws.client("sagemaker")
    names = client.list_training_jobs(NameContains=run_id)["TrainingJobSummaries"]
    tags = client.list_tags(ResourceArn=names[0]["TrainingJobArn"])["Tags"]
    assert {"Key": "job", "Value": job} in tags
    return next(tag["Value"] for tag in tags if tag["Key"] == "owner")


def test_a_team_launches_its_own_jobs_within_its_cap_and_nobody_elses(
    platform: OwnProject, members: Mapping[str, Member]
) -> None:
    vision, speech = members["vision"].yard, members["speech"].yard
    first = vision.json("train", "vision-words", "--yes", "--json")["run"]
    wait_until(
        lambda: bool(platform.aws.client("sagemaker").list_training_jobs(NameContains=first)["TrainingJobSummaries"]),
        "the first training job",
    )
    assert owner_of(platform, first, "vision-words") == "vision"

    done = vision("train", "vision-words", "--yes", "--follow", code=Exit.JOB_FAILED)
    said = "vision has 0.24 USD left of 0.70 USD"
    assert said in done.stdout + done.stderr
    assert "(0 launches), 0.46 USD held (1 launch in progress)" in done.stdout + done.stderr

    for command in (("train", "vision-words", "--yes"), ("stop", first, "--yes")):
        refused = speech(*command, code=Exit.FIX)
        assert "not authorized to perform: states:St" in refused.stderr

    run = speech.json("train", "speech-words", "--yes", "--follow", "--json")
    receipt = speech.json("receipt", run["run"], "--json")
    assert receipt["owner"] == "speech"
    assert receipt["launched_by"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/people-speech/ann"

    vision("stop", first, "--yes")
    wait_until(lambda: vision.json("status", first, "--json")["status"] != "running", "the end of the first run")


def test_the_month_is_told_by_owner_beside_the_caps(platform: OwnProject) -> None:
    root = Yard(env=platform.cloud.env, folder=platform.root)
    rows = {row["owner"]: row for row in root.json("cost", "--by", "owner", "--json")["owners"]}
    assert rows["speech"]["cap_usd"] == 50
    assert rows["speech"]["runs"] == 1
    assert (rows["vision"]["cap_usd"], rows["vision"]["without_receipt"]) == (0.7, 1)


def test_the_audit_says_who_launched_what(platform: OwnProject) -> None:
    root = Yard(env=platform.cloud.env, folder=platform.root)
    found = root.json("audit", "--since", "1d", "--json")
    told = {(one["job"], one["status"]): one for one in found["launches"]}
    assert set(told) == {("vision-words", "aborted"), ("vision-words", "refused"), ("speech-words", "succeeded")}
    speech = told["speech-words", "succeeded"]
    assert (speech["owner"], speech["known_by"]) == ("speech", "CloudTrail")
    assert speech["launched_by"].endswith(":assumed-role/people-speech/ann")
    assert len(speech["source_sha256"]) == 64


def test_everything_of_the_project_carries_the_tags_and_the_boundary(platform: OwnProject) -> None:
    iam = platform.aws.client("iam")
    roles = [role for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    ours = [role["RoleName"] for role in roles if role["RoleName"].startswith("platform-dev-")]
    assert len(ours) > 10
    owners = set()
    for name in ours:
        role = iam.get_role(RoleName=name)["Role"]
        tags = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
        assert (tags["project"], tags["stage"]) == ("platform", "dev")
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(":policy/ml-boundary")
        owners.add(tags["owner"])
    assert owners == {"platform", *TEAMS}


def test_the_same_project_in_an_account_of_its_own_is_what_the_code_says(
    platform: OwnProject, members: Mapping[str, Member]
) -> None:
    cloud: Cloud = platform.cloud
    cloud.bootstrap(PRODUCTION)
    make_boundary(cloud, PRODUCTION)
    keys = {"AWS_ACCESS_KEY_ID": PRODUCTION}
    write_settings(platform.root, **settings(PRODUCTION, stage="prod"))
    production = Yard(env={**cloud.env, **keys}, folder=platform.root)
    before = production.json("diff", "--json")
    assert {one["action"] for one in before["stacks"]} == {"added"}
    done = cloud.cdk("deploy", "--all", "--require-approval", "never", env=keys, root=platform.root)
    assert done.returncode == 0, done.stdout + done.stderr
    production("diff", "--exit-code")
    machine = f"arn:aws:states:us-east-1:{PRODUCTION}:stateMachine:platform-prod-vision-words"
    states = cloud.client("stepfunctions", account=PRODUCTION)
    assert states.describe_state_machine(stateMachineArn=machine)["status"] == "ACTIVE"
    refused = members["vision"].yard("train", "vision-words", "--yes", code=Exit.FIX)
    assert "platform-prod" in refused.stderr, "a role of the one account reaches nothing of the other"
