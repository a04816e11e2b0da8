"""The scheduled search for what bills and what nobody uses."""

from collections.abc import Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import arn
from shardyard.core.function import HandlerFunction
from shardyard.spec import names
from shardyard.spec.settings.settings import Settings


class Sweeper(Construct):
    """A function on a schedule; in prod it reports, in dev it also stops, unless the settings say otherwise."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, key: kms.CfnKey, topic_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        sweeper = settings.sweeper
        stops = _kinds(settings)
        self.function = HandlerFunction(
            self,
            "Function",
            settings=settings,
            handler="watching/sweep",
            description="Finds what bills and what nobody uses" + (", and stops it" if stops else ""),
            statements=[*_looks(), *_stops(settings, stops), *_tells(key, topic_arn)],
            key=key,
            environment={
                "PROJECT": settings.project,
                "STAGE": settings.stage,
                "TOPIC_ARN": topic_arn,
                "MAY_STOP": ",".join(stops),
                "NOTEBOOK_HOURS": str(sweeper.notebook_hours),
                "ENDPOINT_IDLE_HOURS": str(sweeper.endpoint_idle_hours),
                "JOB_HOURS": str(sweeper.job_hours),
                "WARM_POOL_MINUTES": str(sweeper.warm_pool_minutes),
            },
            timeout_seconds=300,
        )
        hours = sweeper.every_hours
        rule = events.CfnRule(
            self,
            "Schedule",
            name=names.rule_name(settings.project, settings.stage, "sweep"),
            description="Wakes the sweeper",
            schedule_expression=f"rate({hours} hour{'' if hours == 1 else 's'})",
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
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeVolumes",
                "sagemaker:ListEndpoints",
                "sagemaker:ListNotebookInstances",
                "sagemaker:ListTrainingJobs",
                "tag:GetResources",
            ],
            ["*"],
        ),
        policy.allow(
            ["sagemaker:ListTags"],
            [arn("sagemaker", f"{kind}/*") for kind in ("endpoint", "notebook-instance", "training-job")],
        ),
        policy.allow(["sagemaker:DescribeEndpoint"], [arn("sagemaker", "endpoint/*")]),
    ]


_STOPPING = {
    "endpoint": ("sagemaker:DeleteEndpoint", "endpoint"),
    "notebook": ("sagemaker:StopNotebookInstance", "notebook-instance"),
    "training job": ("sagemaker:StopTrainingJob", "training-job"),
    "warm pool": ("sagemaker:UpdateTrainingJob", "training-job"),
}
"""What stopping a kind of leftover takes: the action, and the resource that it is for."""


def _kinds(settings: Settings) -> list[str]:
    """The kinds of leftovers that may be stopped."""
    sweeper = settings.sweeper
    if sweeper.stops == "never" or (sweeper.stops == "by-stage" and settings.stage != "dev"):
        return []
    asked = {"training job": sweeper.stops_jobs, "warm pool": sweeper.ends_warm_pools}
    return [kind for kind in _STOPPING if asked.get(kind, True)]


def _stops(settings: Settings, kinds: Sequence[str]) -> list[policy.Statement]:
    # Only what carries the project's and the stage's tags.
    ours = {
        "StringEquals": {
            "aws:ResourceTag/project": settings.project,
            "aws:ResourceTag/stage": settings.stage,
        }
    }
    return [
        policy.allow([action], [arn("sagemaker", f"{resource}/*")], when=ours)
        for action, resource in (_STOPPING[kind] for kind in kinds)
    ]


def _tells(key: kms.CfnKey, topic_arn: str) -> list[policy.Statement]:
    return [
        policy.allow(["sns:Publish"], [topic_arn]),
        policy.allow(["kms:Decrypt", "kms:GenerateDataKey"], [key.attr_arn]),
    ]
