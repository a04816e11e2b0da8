"""Checks each running training and processing job: how long its GPUs have idled, how long its logs have been silent.

The trials of a search are training jobs, and checked as such.

Alarms cannot use SEARCH expressions, and job names are unknown at deploy. So this function reads the jobs' metrics
and logs and publishes two numbers with fixed dimensions: the worst of all running jobs. It runs only while jobs run:
the event handler enables its schedule, and this function disables it when no job is left.
"""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contract import guards, variables
from shardyard.handlers import aws
from shardyard.spec import names
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.service_jobs import PROCESSING, TRAINING, ServiceJob

_WATCHED = (TRAINING, PROCESSING)
_LAUNCHER_FIRST_MINUTES = 10
_LOOK_BACK_MINUTES = 180
"""CloudWatch keeps one-minute values for longer, but three hours are enough."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """This deployment's limits and names, from the function's environment."""

    project: str
    stage: str
    topic_arn: str
    rule: str
    low_gpu_percent: float
    low_gpu_minutes: int
    silent_minutes: int
    every_minutes: int

    @classmethod
    def from_environment(cls) -> "Limits":
        """Read the environment that the stack set."""
        return cls(
            project=os.environ["PROJECT"],
            stage=os.environ["STAGE"],
            topic_arn=os.environ["TOPIC_ARN"],
            rule=os.environ["WATCHDOG_RULE"],
            low_gpu_percent=float(os.environ["LOW_GPU_PERCENT"]),
            low_gpu_minutes=int(os.environ["LOW_GPU_MINUTES"]),
            silent_minutes=int(os.environ["SILENT_MINUTES"]),
            every_minutes=int(os.environ["EVERY_MINUTES"]),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class JobHealth:
    """The state of one running job."""

    job: str
    low_gpu_minutes: int
    """Consecutive minutes up to now with the job's GPUs together below the limit."""
    silent_minutes: int
    """Minutes since any node printed a line."""
    stops_at_minutes: int | None = None
    """How long the job may be silent until it is stopped; None for ever, and for a job without guards."""


def handler(event: dict[str, Any], context: object) -> None:
    """Lambda's entry: check all jobs once."""
    watch(Limits.from_environment(), aws.clients, now=time.time())


def watch(limits: Limits, clients: aws.Clients, *, now: float) -> list[JobHealth]:
    """Check every running job of this project; publish the worst, and alert about limits that were just passed."""
    jobs = [(of, job) for of in _WATCHED for job in _running(clients("sagemaker"), of, limits)]
    found = list(aws.in_parallel(lambda one: look(*one, limits, clients, now=now), jobs))
    _publish(clients("cloudwatch"), limits, found)
    for health in found:
        if health.stops_at_minutes is not None and health.silent_minutes >= health.stops_at_minutes:
            _stop(health, limits, clients)
    for health in found:
        for text in _alerts(health, limits):
            subject = f"{health.job} looks wasted"[:100]
            clients("sns").publish(TopicArn=limits.topic_arn, Subject=subject, Message=text)
    if not jobs:
        _sleep(limits, clients)
    return found


def _sleep(limits: Limits, clients: aws.Clients) -> None:
    """Disable the schedule, unless a job began since we looked: its event enabled what we then switched off."""
    clients("events").disable_rule(Name=limits.rule)
    if any(_running(clients("sagemaker"), of, limits) for of in _WATCHED):
        clients("events").enable_rule(Name=limits.rule)


def _running(sagemaker: Any, of: ServiceJob, limits: Limits) -> list[dict[str, Any]]:
    """The descriptions of the jobs in progress with this project's tags."""
    pages = sagemaker.get_paginator(f"list_{of.method}s").paginate(StatusEquals="InProgress")
    summaries = [summary for page in pages for summary in page[f"{of.resource}Summaries"]]

    def described(summary: dict[str, Any]) -> dict[str, Any] | None:
        answer = sagemaker.list_tags(ResourceArn=summary[of.arn_field])
        tags = {tag["Key"]: tag["Value"] for tag in answer["Tags"]}
        if (tags.get("project"), tags.get("stage")) != (limits.project, limits.stage):
            return None
        return of.describe(sagemaker, summary[of.name_field])

    return [job for job in aws.in_parallel(described, summaries) if job is not None]


def look(of: ServiceJob, job: dict[str, Any], limits: Limits, clients: aws.Clients, *, now: float) -> JobHealth:
    """Read one job's metrics and logs. A job that does not run its program yet (no capacity) is not wasted."""
    name, started = job[of.name_field], job.get("TrainingStartTime" if of is TRAINING else "ProcessingStartTime")
    if started is None or (of is TRAINING and job.get("SecondaryStatus") != "Training"):
        return JobHealth(job=name, low_gpu_minutes=0, silent_minutes=0)
    gpus = _gpus_per_host(job["ResourceConfig"] if of is TRAINING else job["ProcessingResources"]["ClusterConfig"])
    low = _low_gpu_minutes(clients("cloudwatch"), of.log_group, name, gpus, limits, now) if gpus else 0
    stops_at = _stops_at_minutes(job.get("Environment", {})) if of is TRAINING else None
    newest = max(started.timestamp(), _newest_line(clients("logs"), of.log_group, name))
    silent = max(0, int((now - newest) / 60))
    return JobHealth(job=name, low_gpu_minutes=low, silent_minutes=silent, stops_at_minutes=stops_at)


def _stops_at_minutes(environment: Mapping[str, str]) -> int | None:
    """The job's `guards.longest_silence`, and a while: its launcher, which names the rank that hangs, comes first."""
    if variables.ENTRY not in environment:
        return None
    seconds = float(environment.get(variables.LONGEST_SILENCE, guards.LONGEST_SILENCE_SECONDS))
    return math.ceil(seconds / 60) + _LAUNCHER_FIRST_MINUTES if seconds else None


def _stop(health: JobHealth, limits: Limits, clients: aws.Clients) -> None:
    """Stop a job that is silent for too long: its program still gets SIGTERM, and may save."""
    try:
        clients("sagemaker").stop_training_job(TrainingJobName=health.job)
    except ClientError as error:
        if aws.error_code(error) != "ValidationException":  # it has ended meanwhile, or is stopping
            raise
        return
    text = (
        f"{health.job} has not printed a line for {health.silent_minutes} minutes, and was stopped: its "
        "guards.longest_silence is over. A longer one, or 0s for none, stands in [guards] of the job's file."
    )
    subject = f"{health.job} was silent and is stopped"[:100]
    clients("sns").publish(TopicArn=limits.topic_arn, Subject=subject, Message=text)


def _gpus_per_host(resources: dict[str, Any]) -> dict[str, int]:
    """The number of GPUs per host; hosts without GPUs are left out."""
    groups = resources.get("InstanceGroups") or [resources]
    kinds = [group["InstanceType"] for group in groups for _ in range(int(group["InstanceCount"]))]
    counts = {f"algo-{number + 1}": _gpus(kind) for number, kind in enumerate(kinds)}
    return {host: count for host, count in counts.items() if count}


def _gpus(instance_type: str) -> int:
    known = INSTANCES.get(instance_type)
    return known.gpus if known is not None else 0


def _low_gpu_minutes(
    cloudwatch: Any, namespace: str, job: str, gpus: dict[str, int], limits: Limits, now: float
) -> int:
    queries = [
        {
            "Id": f"h{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": "GPUUtilization",
                    "Dimensions": [{"Name": "Host", "Value": f"{job}/{host}"}],
                },
                "Period": 60,
                "Stat": "Average",
            },
        }
        for number, host in enumerate(gpus)
    ]
    use: dict[int, float] = {}
    for start in range(0, len(queries), 500):  # the most that one GetMetricData call takes
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries[start : start + 500],
            StartTime=now - _LOOK_BACK_MINUTES * 60,
            EndTime=now,
        )
        for result in (result for page in pages for result in page["MetricDataResults"]):
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                minute = int(at.timestamp() // 60)
                use[minute] = use.get(minute, 0.0) + value
    return trailing_low_minutes(use, limit=limits.low_gpu_percent * sum(gpus.values()))


def trailing_low_minutes(use: dict[int, float], *, limit: float) -> int:
    """How many of the newest minutes in a row stayed below the limit. The metric counts 100 per GPU in use."""
    count = 0
    for minute in sorted(use, reverse=True):
        if use[minute] >= limit:
            break
        count += 1
    return count


def _newest_line(logs: Any, group: str, job: str) -> float:
    """When any node last printed something, in seconds. A stream's `lastEventTimestamp` can be an hour late."""
    newest = 0.0
    for stream in _streams(logs, group, job):
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=1, startFromHead=False)["events"]
        newest = max(newest, *(event["timestamp"] / 1000 for event in events), 0.0)
    return newest


def _streams(logs: Any, group: str, job: str) -> list[str]:
    """The names of the job's log streams; none before the first job of an account and region has printed a line."""
    paginator = logs.get_paginator("describe_log_streams")
    try:
        pages = paginator.paginate(logGroupName=group, logStreamNamePrefix=f"{job}/")
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    except ClientError as error:
        if aws.error_code(error) != "ResourceNotFoundException":
            raise
        return []


def _publish(cloudwatch: Any, limits: Limits, found: list[JobHealth]) -> None:
    dimensions = [{"Name": "Project", "Value": limits.project}, {"Name": "Stage", "Value": limits.stage}]
    worst = {
        "LowGpuMinutes": max((health.low_gpu_minutes for health in found), default=0),
        "SilentMinutes": max((health.silent_minutes for health in found), default=0),
    }
    cloudwatch.put_metric_data(
        Namespace=names.METRICS_NAMESPACE,
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Value": value, "Unit": "Count"}
            for name, value in worst.items()
        ],
    )


def _alerts(health: JobHealth, limits: Limits) -> list[str]:
    """A sentence per limit that was passed since the last check; later checks stay silent."""
    texts = []
    if limits.low_gpu_minutes <= health.low_gpu_minutes < limits.low_gpu_minutes + limits.every_minutes:
        texts.append(
            f"The GPUs of {health.job} have been below {limits.low_gpu_percent:g} percent for "
            f"{health.low_gpu_minutes} minutes. It may wait for data, or for a rank that hangs."
        )
    if limits.silent_minutes <= health.silent_minutes < limits.silent_minutes + limits.every_minutes:
        texts.append(f"{health.job} has not printed a line for {health.silent_minutes} minutes. It may hang.")
    return texts
