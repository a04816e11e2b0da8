"""Single resources of a training job: roles, log group, alarm, parameters. L1, in as few calls as they allow."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID
from shardyard.core.project import Project
from shardyard.spec.parameter import Parameter


def service_role(
    scope: Construct,
    prefix: str,
    *,
    service: str,
    description: str,
    statements: Sequence[policy.Statement],
    shared_policy_arn: str,
    project: Project,
    path: str | None = None,
) -> tuple[iam.CfnManagedPolicy, iam.CfnRole]:
    """A role that one service of this account assumes, with a policy of its own beside the shared one."""
    managed = iam.CfnManagedPolicy(
        scope, f"{prefix}Policy", description=description, policy_document=policy.document(statements)
    )
    role = iam.CfnRole(
        scope,
        f"{prefix}Role",
        path=path,
        description=description,
        # The account is a condition so that no other account can make the service act for it.
        assume_role_policy_document=policy.trust(service, when={"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}),
        managed_policy_arns=[shared_policy_arn, managed],
        permissions_boundary=project.permissions_boundary,
    )
    return managed, role


def execution_log_group(scope: Construct, machine: str, *, project: Project, key_arn: str | None) -> logs.CfnLogGroup:
    """Where a state machine writes what its executions do."""
    return logs.CfnLogGroup(
        scope,
        "Logs",
        # Under this prefix one policy of the account serves all groups; it has room for few otherwise.
        log_group_name=f"/aws/vendedlogs/states/{machine}",
        retention_in_days=project.log_days,
        kms_key_id=key_arn,
    )


def failed_alarm(scope: Construct, machine: str, machine_arn: str, *, topic_arn: str | None) -> cloudwatch.CfnAlarm:
    """Rings when an execution failed, also where it broke before it could send a message of its own."""
    return cloudwatch.CfnAlarm(
        scope,
        "Failed",
        alarm_name=f"{machine}-failed",
        alarm_description=f"A launch of {machine} failed.",
        namespace="AWS/States",
        metric_name="ExecutionsFailed",
        dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="StateMachineArn", value=machine_arn)],
        statistic="Sum",
        period=300,
        evaluation_periods=1,
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=None if topic_arn is None else [topic_arn],
    )


def add_parameter(stack: cdk.Stack, parameter: Parameter) -> cdk.CfnParameter:
    """A CloudFormation parameter under exactly its name, as a child of the stack itself has it; empty says nothing."""
    return cdk.CfnParameter(
        stack,
        parameter.name,
        type="String",
        default="",
        description=parameter.description,
        allowed_values=list(parameter.allowed_values) or None,
        allowed_pattern=None if parameter.allowed else parameter.allowed_pattern,
        constraint_description=parameter.constraint,
    )
