"""Watching all jobs: state changes become messages and counts, a watchdog looks while jobs run."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aws_cdk import aws_events as events
from aws_cdk.interfaces.aws_kms import IKeyRef
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import arn, key_arn, topic_arn
from shardyard.core.function import HandlerFunction
from shardyard.core.project import Project
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import PROCESSING, SERVICE_JOBS, TRAINING

EVERY_MINUTES = 5
_WATCHED = (TRAINING, PROCESSING)
"""The kinds whose nodes the watchdog looks at; the trials of a search are training jobs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchLimits:
    """When a running job counts as wasted."""

    low_gpu_percent: float = 10.0
    """GPU use below this is low."""
    low_gpu_minutes: int = 30
    """Minutes of low GPU use before an alarm."""
    silent_minutes: int = 30
    """Minutes without a line in the log before an alarm."""


class JobWatch(Construct):
    """The event handler and the watchdog, each with the rule that wakes it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        key: IKeyRef,
        topic: ITopicRef,
        limits: WatchLimits,
    ) -> None:
        super().__init__(scope, construct_id)
        self._project, self._key, self._topic_arn, self._limits = project, key, topic_arn(topic), limits
        self._watchdog_rule_name = names.rule_name(project.name, project.stage, "watchdog")
        self._state_changes()
        self._watchdog()

    def _state_changes(self) -> None:
        rule_arn = arn("events", f"rule/{self._watchdog_rule_name}")
        handler = self._function(
            "StateChanges",
            handler="watching/job_events",
            description="Tells people how jobs end, and wakes the watchdog when one starts",
            statements=[policy.allow(["events:EnableRule"], [rule_arn])],
        )
        pattern = {
            "source": ["aws.sagemaker"],
            "detail-type": [of.event for of in SERVICE_JOBS.values() if of.event is not None],
        }
        self._rule("job-events", "StateChangeRule", handler, event_pattern=pattern)

    def _watchdog(self) -> None:
        limits = self._limits
        handler = self._function(
            "Watchdog",
            handler="watching/watchdog",
            description="Publishes how long running jobs leave their GPUs idle and stay silent",
            statements=_reads_jobs(self._watchdog_rule_name),
            environment={
                "LOW_GPU_PERCENT": f"{limits.low_gpu_percent:g}",
                "LOW_GPU_MINUTES": str(limits.low_gpu_minutes),
                "SILENT_MINUTES": str(limits.silent_minutes),
                "EVERY_MINUTES": str(EVERY_MINUTES),
            },
        )
        # Without a state: a deploy would write it while jobs run. On after a deploy, the rule is switched off by the
        # first look that finds no job: a look at nothing, every five minutes for a month, helps nobody.
        schedule = f"rate({EVERY_MINUTES} minutes)"
        rule = self._rule("watchdog", "WatchdogRule", handler, schedule_expression=schedule, state=None)
        rule.add_metadata(names.RUN_TIME_CHANGES, ["State"])

    def _function(
        self,
        construct_id: str,
        *,
        handler: str,
        description: str,
        statements: list[policy.Statement],
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> HandlerFunction:
        project = self._project
        return HandlerFunction(
            self,
            construct_id,
            project=project,
            handler=handler,
            description=description,
            statements=[
                *statements,
                policy.allow(
                    ["cloudwatch:PutMetricData"],
                    ["*"],  # the action knows no resources; the namespace is its only bound
                    when={"StringEquals": {"cloudwatch:namespace": names.METRICS_NAMESPACE}},
                ),
                policy.allow(["sns:Publish"], [self._topic_arn]),
                policy.allow(["kms:Decrypt", "kms:GenerateDataKey"], [key_arn(self._key)]),
            ],
            key=self._key,
            environment={
                "PROJECT": project.name,
                "STAGE": project.stage,
                "TOPIC_ARN": self._topic_arn,
                "WATCHDOG_RULE": self._watchdog_rule_name,
                **environment,
            },
        )

    def _rule(
        self,
        name: str,
        construct_id: str,
        handler: HandlerFunction,
        *,
        event_pattern: dict[str, list[str]] | None = None,
        schedule_expression: str | None = None,
        state: str | None = "ENABLED",
    ) -> events.CfnRule:
        rule = events.CfnRule(
            self,
            construct_id,
            name=names.rule_name(self._project.name, self._project.stage, name),
            description=f"Wakes {name} of {self._project.name} ({self._project.stage})",
            event_pattern=event_pattern,
            schedule_expression=schedule_expression,
            state=state,
            targets=[events.CfnRule.TargetProperty(id="handler", arn=handler.arn)],
        )
        handler.allow_invoke("MayBeWoken", service="events.amazonaws.com", source_arn=rule.attr_arn)
        return rule


def _reads_jobs(rule_name: str) -> list[policy.Statement]:
    return [
        # Listing and metric data know no resources in IAM.
        policy.allow([*(of.list_action for of in _WATCHED), "cloudwatch:GetMetricData"], ["*"]),
        *(
            policy.allow([*of.actions("Describe"), "sagemaker:ListTags"], [arn("sagemaker", f"{of.arn_part}/*")])
            for of in _WATCHED
        ),
        # Only a training job has a launcher that is told how long silence may last.
        policy.allow([*TRAINING.actions("Stop")], [arn("sagemaker", f"{TRAINING.arn_part}/*")]),
        policy.allow(
            ["logs:DescribeLogStreams", "logs:GetLogEvents"],
            [arn("logs", f"log-group:{of.log_group}{streams}") for of in _WATCHED for streams in ("", ":*")],
        ),
        policy.allow(["events:DisableRule", "events:EnableRule"], [arn("events", f"rule/{rule_name}")]),
    ]
