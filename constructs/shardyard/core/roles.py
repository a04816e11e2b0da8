"""Roles: how each of ours is made, and as CDK's own type for other constructs to grant to."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID, arn
from shardyard.core.project import Project

THIS_ACCOUNT: Mapping[str, Any] = {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}
"""The condition that keeps other accounts from making a service act for them."""


def service_role(
    scope: Construct,
    prefix: str,
    *,
    project: Project,
    service: str,
    allows: str,
    description: str,
    statements: Sequence[policy.Statement],
    when: Mapping[str, Any] | None = None,
    shared_policy_arns: Sequence[str] = (),
    path: str | None = None,
) -> tuple[iam.CfnManagedPolicy, iam.CfnRole]:
    """A role that one service assumes, with a policy of its own beside those that it shares.

    `allows` describes the policy, `description` the role; both names begin with `prefix`.
    """
    managed = iam.CfnManagedPolicy(
        scope, f"{prefix}Policy", description=allows, policy_document=policy.document(statements)
    )
    role = iam.CfnRole(
        scope,
        f"{prefix}Role",
        path=path,
        description=description,
        assume_role_policy_document=policy.trust(service, when=when),
        managed_policy_arns=[*shared_policy_arns, managed],
        permissions_boundary=project.permissions_boundary,
    )
    return managed, role


def role_view(scope: Construct, construct_id: str, role: iam.CfnRole, *, path: str = "/") -> iam.IRole:
    """A role of ours as an `iam.IRole`; what is granted to it becomes a policy of its own in the scope's stack.

    Call it when somebody asks and not before: each view is several calls into another process. The ARN is spelled
    out because CDK cannot tell path and name apart in an ARN that is a token.
    """
    return iam.Role.from_role_arn(scope, construct_id, arn("iam", f"role{path}{role.ref}", region=""))
