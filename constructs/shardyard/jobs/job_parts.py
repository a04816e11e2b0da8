"""Single resources of a training job: log group, alarm. L1, in as few calls as they allow."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from shardyard.core.project import Project


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
