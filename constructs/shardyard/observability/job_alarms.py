"""Alarms over all training jobs of the project: a failure outside of launches, idle GPUs, silence.

They tell of trouble and not of its end: a first look at quiet metrics would be an "OK" that nobody asked for.
"""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core.arns import topic_arn
from shardyard.core.project import Project
from shardyard.observability.job_watch import EVERY_MINUTES, WatchLimits
from shardyard.spec import names


class JobAlarms(Construct):
    """Stands on metrics with fixed dimensions, because job names are unknown at deploy."""

    def __init__(
        self, scope: Construct, construct_id: str, *, project: Project, topic: ITopicRef, limits: WatchLimits
    ) -> None:
        super().__init__(scope, construct_id)
        self._project, self._topic_arn = project, topic_arn(topic)
        self._alarm(
            "Failed",
            "failed-jobs",
            "A training job failed that no state machine launched; a launch that fails rings its job's own alarm.",
            metric=names.OTHER_FAILURES_METRIC,
            statistic="Sum",
            threshold=1,
        )
        self._alarm(
            "LowGpu",
            "low-gpu",
            f"The GPUs of a running job have been below {limits.low_gpu_percent:g} percent for "
            f"{limits.low_gpu_minutes} minutes or longer.",
            metric="LowGpuMinutes",
            statistic="Maximum",
            threshold=limits.low_gpu_minutes,
        )
        self._alarm(
            "Silent",
            "silent-job",
            f"A running job has not printed a line for {limits.silent_minutes} minutes or longer.",
            metric="SilentMinutes",
            statistic="Maximum",
            threshold=limits.silent_minutes,
        )

    def _alarm(
        self,
        construct_id: str,
        name: str,
        description: str,
        *,
        metric: str,
        statistic: str,
        threshold: int,
    ) -> None:
        project = self._project
        dimensions = {"Project": project.name, "Stage": project.stage}
        cloudwatch.CfnAlarm(
            self,
            construct_id,
            alarm_name=f"{project.prefix}-{name}",
            alarm_description=description,
            namespace=names.METRICS_NAMESPACE,
            metric_name=metric,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value) for key, value in dimensions.items()
            ],
            statistic=statistic,
            period=EVERY_MINUTES * 60,
            evaluation_periods=1,
            threshold=threshold,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[self._topic_arn],
        )
