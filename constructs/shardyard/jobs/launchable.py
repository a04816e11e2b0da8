"""What others do with a job's launches: start them, measure them, react to how they end."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct


class Launchable(Construct):
    """Something that a state machine launches."""

    machine_name: str
    """The state machine's name."""
    machine_arn: str
    """Its ARN."""

    def grant_launch(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let someone start this job, follow it and stop it."""
        # By name: a role of a stack that this one stands on could not refer to the machine itself.
        stack, names = cdk.Stack.of(self), cdk.ArnFormat.COLON_RESOURCE_NAME
        machine = stack.format_arn(
            service="states", resource="stateMachine", resource_name=self.machine_name, arn_format=names
        )
        execution = stack.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.machine_name}:*",
            arn_format=names,
        )
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["states:DescribeExecution", "states:GetExecutionHistory", "states:StopExecution"],
            resource_arns=[execution],
        )
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["states:DescribeStateMachine", "states:ListExecutions", "states:StartExecution"],
            resource_arns=[machine],
        )

    def metric(self, name: str, *, statistic: str = "Sum") -> cloudwatch.Metric:
        """A metric of the launches: `ExecutionsFailed`, `ExecutionsSucceeded`, `ExecutionTime`, ..."""
        return cloudwatch.Metric(
            namespace="AWS/States",
            metric_name=name,
            dimensions_map={"StateMachineArn": self.machine_arn},
            statistic=statistic,
        )

    def metric_failed(self) -> cloudwatch.Metric:
        """How many launches failed."""
        return self.metric("ExecutionsFailed")

    def metric_succeeded(self) -> cloudwatch.Metric:
        """How many launches ended with a model."""
        return self.metric("ExecutionsSucceeded")

    def metric_duration(self) -> cloudwatch.Metric:
        """How long launches took, in milliseconds, queueing included."""
        return self.metric("ExecutionTime", statistic="Average")

    def on_success(self, construct_id: str, target: events.IRuleTarget) -> events.Rule:
        """Call a target when a launch ended with a model."""
        return self._on(construct_id, target, ["SUCCEEDED"])

    def on_failure(self, construct_id: str, target: events.IRuleTarget) -> events.Rule:
        """Call a target when a launch failed, was refused, or was stopped."""
        return self._on(construct_id, target, ["FAILED", "TIMED_OUT", "ABORTED"])

    def _on(self, construct_id: str, target: events.IRuleTarget, statuses: list[str]) -> events.Rule:
        pattern = events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={"stateMachineArn": [self.machine_arn], "status": statuses},
        )
        return events.Rule(self, construct_id, event_pattern=pattern, targets=[target])
