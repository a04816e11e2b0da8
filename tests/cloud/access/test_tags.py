"""Access by attributes: the tags of a role, of its session and of what it names."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import ACCOUNT, Cloud

OWN = {"StringEquals": {"aws:ResourceTag/owner": "${aws:PrincipalTag/team}"}}
DEFINITION = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 600, "End": True}}})


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Team:
    """A role that may start and stop what carries its own tag, and two machines of two owners."""

    def __init__(self, cloud: Cloud, *, may_tag: bool = True) -> None:
        self._cloud, iam = cloud, cloud.client("iam")
        name = f"team-{uuid.uuid4().hex[:8]}"
        actions = ["sts:AssumeRole", *(["sts:TagSession"] if may_tag else [])]
        trust = document({"Effect": "Allow", "Action": actions, "Principal": {"AWS": ACCOUNT}})
        tags = [{"Key": "team", "Value": "a"}]
        self.role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=tags)["Role"]["Arn"]
        may = {"Effect": "Allow", "Action": ["states:St*Execution"], "Resource": "*", "Condition": OWN}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(may))
        service = document(
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}
        )
        runs_as = iam.create_role(RoleName=f"{name}-machine", AssumeRolePolicyDocument=service)["Role"]["Arn"]
        self.machines = {owner: self._machine(f"{name}-{owner}", runs_as, owner) for owner in "ab"}

    def _machine(self, name: str, role: str, owner: str) -> str:
        tags = [{"key": "owner", "value": owner}]
        client = self._cloud.client("stepfunctions")
        made = client.create_state_machine(name=name, definition=DEFINITION, roleArn=role, tags=tags)
        return str(made["stateMachineArn"])

    def client(self, **session: str) -> Any:
        """Step Functions for a session with these tags."""
        tags = [{"Key": key, "Value": value} for key, value in session.items()]
        sts = self._cloud.client("sts")
        found = sts.assume_role(RoleArn=self.role, RoleSessionName="ann", Tags=tags)["Credentials"]
        return self._cloud.client(
            "stepfunctions",
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
        )


def denied(work: Any, **given: str) -> str:
    with pytest.raises(ClientError) as caught:
        work(**given)
    assert caught.value.response["Error"]["Code"].startswith("AccessDenied")
    return str(caught.value)


@pytest.mark.parametrize(("session", "own", "other"), [({}, "a", "b"), ({"team": "b"}, "b", "a")])
def test_the_sessions_tag_goes_over_the_roles_and_an_execution_has_its_machines(
    cloud: Cloud, session: dict[str, str], own: str, other: str
) -> None:
    team = Team(cloud)
    states, root = team.client(**session), cloud.client("stepfunctions")
    started = states.start_execution(stateMachineArn=team.machines[own])["executionArn"]
    assert "states:StartExecution" in denied(states.start_execution, stateMachineArn=team.machines[other])
    foreign = root.start_execution(stateMachineArn=team.machines[other])["executionArn"]
    assert "states:StopExecution" in denied(states.stop_execution, executionArn=foreign)
    states.stop_execution(executionArn=started)
    root.stop_execution(executionArn=foreign)


def test_a_role_without_the_tag_owns_nothing(cloud: Cloud) -> None:
    team = Team(cloud)
    cloud.client("iam").untag_role(RoleName=team.role.rpartition("/")[2], TagKeys=["team"])
    denied(team.client().start_execution, stateMachineArn=team.machines["a"])


def test_only_a_trust_policy_that_says_so_lets_a_session_be_tagged(cloud: Cloud) -> None:
    team = Team(cloud, may_tag=False)
    assert team.client().start_execution(stateMachineArn=team.machines["a"])
    assert "sts:TagSession" in denied(team.client, team="b")
