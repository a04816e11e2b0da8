"""Roles as CDK's own type: other constructs grant to them, and roles that a team has are given the same way."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from shardyard.core.arns import ACCOUNT_ID, PARTITION


def role_view(scope: Construct, construct_id: str, role: iam.CfnRole, *, path: str = "/") -> iam.IRole:
    """A role of ours as an `iam.IRole`; what is granted to it becomes a policy of its own in the scope's stack.

    Call it when somebody asks and not before: each view is several calls into another process. The ARN is spelled
    out because CDK cannot tell path and name apart in an ARN that is a token.
    """
    return iam.Role.from_role_arn(scope, construct_id, f"arn:{PARTITION}:iam::{ACCOUNT_ID}:role{path}{role.ref}")
