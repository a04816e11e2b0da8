"""The scheduled search for what bills and what nobody uses."""

from collections.abc import Sequence

from aws_cdk import aws_events as events
from aws_cdk.interfaces.aws_kms import IKeyRef
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import arn, key_arn, topic_arn
from shardyard.core.function import HandlerFunction
from shardyard.core.project import Project
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, TUNING


class Sweeper(Construct):
    """A function on a schedule that reports leftovers, and stops those kinds that it may."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        key: IKeyRef,
        topic: ITopicRef,
        stops: Sequence[str] = (),
        every_hours: int = 6,
        notebook_hours: int = 12,
        endpoint_idle_hours: int = 24,
        job_hours: int = 72,
        warm_pool_minutes: int = 60,
    ) -> None:
        """`stops` are those of `KINDS` that it may stop; the rest it reports.

        What has stood for longer than its hours or minutes is a leftover.
        """
        super().__init__(scope, construct_id)
        to = topic_arn(topic)
        self.function = HandlerFunction(
            self,
            "Function",
            project=project,
            handler="watching/sweep",
            description="Finds what bills and what nobody uses" + (", and stops it" if stops else ""),
            statements=[*_looks(), *_stops(project, stops), *_tells(key, to)],
            key=key,
            environment={
                "PROJECT": project.name,
                "STAGE": project.stage,
                "TOPIC_ARN": to,
                "MAY_STOP": ",".join(stops),
                "NOTEBOOK_HOURS": str(notebook_hours),
                "ENDPOINT_IDLE_HOURS": str(endpoint_idle_hours),
                "JOB_HOURS": str(job_hours),
                "WARM_POOL_MINUTES": str(warm_pool_minutes),
            },
            timeout_seconds=300,
        )
        rule = events.CfnRule(
            self,
            "Schedule",
            name=names.rule_name(project.name, project.stage, "sweep"),
            description="Wakes the sweeper",
            schedule_expression=f"rate({every_hours} hour{'' if every_hours == 1 else 's'})",
            targets=[events.CfnRule.TargetProperty(id="sweeper", arn=self.function.arn)],
        )
        self.function.allow_invoke("MayBeWoken", service="events.amazonaws.com", source_arn=rule.attr_arn)


def _looks() -> list[policy.Statement]:
    return [
        # Lists and metrics know no resources in IAM.
        policy.allow(
            [
                "cloudwatch:GetMetricStatistics",
                "ec2:DescribeAddresses",
                "ec2:DescribeNatGateways",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeVolumes",
                "sagemaker:ListEndpoints",
                "sagemaker:ListNotebookInstances",
                *(of.list_action for of in (AUTOML, PROCESSING, TRAINING, TRANSFORM, TUNING)),
                "tag:GetResources",
            ],
            ["*"],
        ),
        policy.allow(
            ["sagemaker:ListTags"],
            [
                arn("sagemaker", f"{kind}/*")
                for kind in (
                    *("endpoint", "notebook-instance"),
                    *(of.arn_part for of in (AUTOML, PROCESSING, TRAINING, TRANSFORM, TUNING)),
                )
            ],
        ),
        policy.allow(["sagemaker:DescribeEndpoint"], [arn("sagemaker", "endpoint/*")]),
    ]


_STOPPING = {
    "endpoint": ("sagemaker:DeleteEndpoint", "endpoint"),
    "notebook": ("sagemaker:StopNotebookInstance", "notebook-instance"),
    **{of.noun: (*of.actions("Stop"), of.arn_part) for of in (TRAINING, PROCESSING, TRANSFORM, TUNING, AUTOML)},
    "warm pool": ("sagemaker:UpdateTrainingJob", "training-job"),
}
"""What stopping a kind of leftover takes: the action, and the resource that it is for."""

KINDS = tuple(_STOPPING)
"""The kinds of leftovers that can be stopped."""


def _stops(project: Project, kinds: Sequence[str]) -> list[policy.Statement]:
    # Only what carries the project's and the stage's tags.
    ours = {
        "StringEquals": {
            "aws:ResourceTag/project": project.name,
            "aws:ResourceTag/stage": project.stage,
        }
    }
    return [
        policy.allow([action], [arn("sagemaker", f"{resource}/*")], when=ours)
        for action, resource in (_STOPPING[kind] for kind in kinds)
    ]


def _tells(key: IKeyRef, to: str) -> list[policy.Statement]:
    return [
        policy.allow(["sns:Publish"], [to]),
        policy.allow(["kms:Decrypt", "kms:GenerateDataKey"], [key_arn(key)]),
    ]
