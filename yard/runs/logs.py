"""A run's log lines, from every node, while they are written and afterwards."""

import itertools
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shardyard.spec.jobs.log_metrics import LogMetrics
from shardyard.spec.jobs.metrics import own_metrics
from yard.aws import Aws

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_HOST = re.compile(r"/(algo-\d+)")
_OVERLAP_MILLISECONDS = 60_000
"""CloudWatch shows lines late and out of order, so each query goes back a minute and skips what was seen."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a node printed."""

    at_milliseconds: int
    host: str
    text: str
    job: str = ""
    """The service's job that it is of."""

    def metrics(self, reader: LogMetrics = LogMetrics()) -> dict[str, float]:  # noqa: B008
        """The numbers that it reports, as the program writes them; empty for other lines."""
        return reader.read(self.text)


@dataclass
class Tail:
    """Reads the lines of the training jobs of one run, each line once."""

    aws: Aws
    run_id: str
    node: int | None = None
    """Only this node: 2 is algo-2."""
    since_milliseconds: int = 0
    log_group: str = LOG_GROUP
    """Of the kind of job that the run is."""
    _seen: dict[str, int] = field(default_factory=dict)
    _newest: int = 0

    def lines(self, job_names: list[str]) -> Iterator[Line]:
        """The lines that arrived since the last call, in the order of their times."""
        events: list[dict[str, Any]] = []
        for job_name in job_names:
            events.extend(self._events(job_name))
        # Ids are numbers, which the service pads to one length and others need not
        for event in sorted(events, key=lambda event: (event["timestamp"], len(event["eventId"]), event["eventId"])):
            self._seen[event["eventId"]] = event["timestamp"]
            self._newest = max(self._newest, event["timestamp"])
            yield _line(event)
        self._forget()

    def head(self, job_name: str, most: int) -> Iterator[Line]:
        """The first lines of a training job, as the service gives them; no more is read than these take."""
        yield from map(_line, itertools.islice(self._events(job_name), most))

    def _events(self, job_name: str) -> Iterator[dict[str, Any]]:
        from botocore.exceptions import ClientError

        stream = f"{job_name}/" if self.node is None else f"{job_name}/algo-{self.node}-"
        pages = self.aws.client("logs").get_paginator("filter_log_events")
        start = max(self.since_milliseconds, self._newest - _OVERLAP_MILLISECONDS)
        try:
            for page in pages.paginate(logGroupName=self.log_group, logStreamNamePrefix=stream, startTime=start):
                yield from (event for event in page["events"] if event["eventId"] not in self._seen)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise  # the group does not exist before the account's first job

    def _forget(self) -> None:
        oldest = self._newest - 2 * _OVERLAP_MILLISECONDS
        self._seen = {event: at for event, at in self._seen.items() if at >= oldest}


def _line(event: Mapping[str, Any]) -> Line:
    stream = event["logStreamName"]
    host = _HOST.search(stream)
    text = _last_state(event["message"])
    return Line(event["timestamp"], host[1] if host else stream, text, stream.partition("/")[0])


def _last_state(message: str) -> str:
    """A line as a terminal would show it in the end: a progress bar draws itself again after each carriage return."""
    states = [state for state in message.rstrip("\n").split("\r") if state.strip()]
    return states[-1] if states else ""


def reader_of(training_job: Mapping[str, Any]) -> LogMetrics:
    """What reads the lines of a training job, its own metrics included, from its description."""
    return LogMetrics(own=own_metrics(training_job["AlgorithmSpecification"].get("MetricDefinitions", [])))


def now_milliseconds() -> int:
    """The current time in CloudWatch Logs' unit."""
    return int(time.time() * 1000)
