"""A training, processing or tuning job changed its state: count the outcome, notify people, wake the watchdog.

EventBridge sends every change in the account; jobs of other projects are ignored. The receipt reports how a launch
ends, so for a launch this handler reports only interruptions, which it survives.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch.classify.failures import Kind, read_job
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import PROCESSING, SERVICE_JOBS, TRAINING, TRANSFORM, TUNING, ServiceJob
from shardyard.spec.console import job_url
from shardyard.spec.requests.deployment import EXECUTION_TAG
from shardyard.spec.units import format_duration

Change = tuple[Any, ...]
"""What two events of one change have in common, and no two changes do."""
_SAME = ("CreationTime", "SecondaryStatus", "LastModifiedTime")
_OUTCOMES = ("Completed", "Failed", "Stopped")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentNames:
    """This deployment's names, from the function's environment."""

    project: str
    stage: str
    topic_arn: str
    watchdog_rule: str

    @classmethod
    def from_environment(cls) -> "DeploymentNames":
        """The names that the stack gave to the function."""
        return cls(
            project=os.environ["PROJECT"],
            stage=os.environ["STAGE"],
            topic_arn=os.environ["TOPIC_ARN"],
            watchdog_rule=os.environ["WATCHDOG_RULE"],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A notification."""

    subject: str
    text: str


def handler(event: dict[str, Any], context: object) -> None:
    """Lambda's entry: one event."""
    react_once(event["detail"], DeploymentNames.from_environment(), aws.clients, _reacted)


_reacted: dict[Change, None] = {}
"""What this process has reacted to, oldest first: it lives as long as Lambda keeps it warm."""
_MOST_REMEMBERED = 10_000


def react_once(
    detail: dict[str, Any], deployment: DeploymentNames, clients: aws.Clients, reacted: dict[Change, None]
) -> None:
    """React to a change unless this process did: SageMaker may send several events for one, at about the same time.

    A copy that reaches another process of the function counts again; nothing is kept outside.
    """
    of = _kind(detail)
    change = tuple(detail.get(part) for part in (of.arn_field, of.status_field, *_SAME))
    if change in reacted:
        return
    react(detail, deployment, clients)
    # Afterwards: Lambda tries again what failed.
    reacted[change] = None
    if len(reacted) > _MOST_REMEMBERED:
        del reacted[next(iter(reacted))]


def react(detail: dict[str, Any], deployment: DeploymentNames, clients: aws.Clients) -> None:
    """React to one change."""
    tags = _tags(detail)
    if (tags.get("project"), tags.get("stage")) != (deployment.project, deployment.stage):
        return
    of = _kind(detail)
    status = detail[of.status_field]
    launched = EXECUTION_TAG in tags
    if status == "Failed" and launched and of is not TUNING and read_job(detail, of).kind is Kind.CAPACITY:
        return  # the launch retries, maybe for hours, and reports how that ended
    if status == "InProgress":
        clients("events").enable_rule(Name=deployment.watchdog_rule)
    if status in _OUTCOMES:
        _count(clients("cloudwatch"), deployment, "Jobs", Outcome=status)
    if status == "Failed" and not launched:
        _count(clients("cloudwatch"), deployment, names.OTHER_FAILURES_METRIC)
    message = compose(detail)
    if message is not None:
        clients("sns").publish(TopicArn=deployment.topic_arn, Subject=message.subject, Message=message.text)


def compose(detail: dict[str, Any]) -> Message | None:
    """The notification for a change; None if it needs none."""
    of = _kind(detail)
    name, status, secondary = detail[of.name_field], detail[of.status_field], detail.get("SecondaryStatus")
    if status == "InProgress" and secondary == "Interrupted":
        said, more = (
            "was interrupted",
            "Its spot capacity was taken back. SageMaker restarts it, from its checkpoints if it keeps any.",
        )
    elif EXECUTION_TAG in _tags(detail):
        return None
    elif status == "Failed":
        said = "failed"
        reasons = [detail.get(field) for field in ("FailureReason", "ExitMessage")]
        more = " ".join(text for text in reasons if text) or "SageMaker gave no reason."
    elif status == "Stopped":
        said, more = "was stopped", _stop_reason(of, secondary)
    elif status == "Completed":
        said, more = "completed", detail.get("ExitMessage") or ""
    else:
        return None
    url = job_url(detail[of.arn_field], of.console)
    lines = [f"The {of.noun} {name} {said}{_after(detail, of)}.", more, "", url]
    return Message(subject=f"{name} {said}"[:100], text="\n".join(line for line in lines if line is not None))


def _kind(detail: Mapping[str, Any]) -> ServiceJob:
    """What the event is about, by the field that holds its name."""
    return next(of for of in SERVICE_JOBS.values() if of.name_field in detail)


def _stop_reason(of: ServiceJob, secondary: str | None) -> str:
    if of is PROCESSING:  # which has no status that would tell one from the other
        return "A person or a program stopped it, or it reached its longest allowed runtime (limits.max_runtime)."
    reasons = {
        "MaxRuntimeExceeded": "It reached its longest allowed runtime (limits.max_runtime).",
        "MaxWaitTimeExceeded": "It waited for spot capacity for longer than allowed (spot.max_wait).",
    }
    return reasons.get(secondary or "", "A person or a program stopped it.")


def _tags(detail: dict[str, Any]) -> dict[str, str]:
    """The job's tags: a map in the guide's sample of the event, a list of keys and values in AWS's schema of it."""
    tags = detail.get("Tags") or {}
    return tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}


_TIMES = {
    TRAINING.kind: ("TrainingStartTime", "TrainingEndTime"),
    PROCESSING.kind: ("ProcessingStartTime", "ProcessingEndTime"),
    TRANSFORM.kind: ("TransformStartTime", "TransformEndTime"),
    TUNING.kind: ("CreationTime", "HyperParameterTuningEndTime"),
}


def _after(detail: dict[str, Any], of: ServiceJob) -> str:
    start, end = (_milliseconds(detail.get(name)) for name in _TIMES[of.kind])
    if start is None or end is None:
        return ""
    return f" after {format_duration((end - start) / 1000)}"


def _milliseconds(time: float | str | None) -> float | None:
    """A time of the event, which is a number or its text; None where it is neither: a message can do without it."""
    try:
        return None if time is None else float(time)
    except ValueError:
        return None


def _count(cloudwatch: Any, deployment: DeploymentNames, metric: str, **more: str) -> None:
    dimensions = {"Project": deployment.project, "Stage": deployment.stage, **more}
    cloudwatch.put_metric_data(
        Namespace=names.METRICS_NAMESPACE,
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                "Value": 1,
                "Unit": "Count",
            }
        ],
    )
