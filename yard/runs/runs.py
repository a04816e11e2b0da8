"""Runs, found by the state machines' executions, or by their jobs' tags where a job or its machine is gone."""

import heapq
import itertools
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from shardyard.spec import names, receipts
from shardyard.spec.catalogue.service_jobs import (
    AUTOML,
    PROCESSING,
    SERVICE_JOBS,
    STATUSES_WHILE_RUNNING,
    TRAINING,
    TRANSFORM,
    ServiceJob,
)
from shardyard.spec.run_ids import given_run_id, run_id_of
from yard.aws import Aws
from yard.errors import NotDeployedError, UserError
from yard.runs import jobs

RUN_ID = r"\d{8}-\d{6}-[0-9a-z]{4}"
_ATTEMPT = re.compile(rf"(?P<job>.+)-{RUN_ID}-\d+")


def new_run_id(now: datetime | None = None) -> str:
    """A run id that sorts by time: 20261121-073000-a1b2."""
    moment = now if now is not None else datetime.now(UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One logical run: an execution of a job's state machine and all its attempts."""

    job: str
    run_id: str
    execution_arn: str
    """The newest execution; empty for a run whose state machine is gone."""
    status: str
    """The execution's: RUNNING, SUCCEEDED, FAILED, ABORTED, TIMED_OUT."""
    started: datetime
    stopped: datetime | None
    kind: str = TRAINING.kind
    """What its job is."""

    @property
    def of(self) -> ServiceJob:
        """The service's jobs behind it."""
        return SERVICE_JOBS.get(self.kind, TRAINING)


def start(aws: Aws, job: str, launch: dict[str, Any]) -> Run:
    """Start an execution named by the run id of the launch input; a resumed run gets a numbered name."""
    from botocore.exceptions import ClientError

    states, machine = aws.client("stepfunctions"), aws.state_machine_arn(job)
    run_id = str(launch["run_id"])
    earlier = sum(1 for run in executions(aws, job) if run.run_id == run_id)
    try:
        answer = states.start_execution(
            stateMachineArn=machine,
            name=run_id if not earlier else f"{run_id}-{earlier + 1}",
            input=json.dumps(launch),
        )
    except ClientError as error:
        raise not_deployed(aws, job, error) from None
    return Run(
        job=job,
        run_id=run_id,
        execution_arn=answer["executionArn"],
        status="RUNNING",
        started=answer["startDate"],
        stopped=None,
        kind=aws.project.kind(job),
    )


def executions(aws: Aws, job: str) -> Iterator[Run]:
    """A job's runs, the newest first."""
    from botocore.exceptions import ClientError

    pages, kind = aws.client("stepfunctions").get_paginator("list_executions"), aws.project.kind(job)
    try:
        for page in pages.paginate(stateMachineArn=aws.state_machine_arn(job)):
            for execution in page["executions"]:
                yield _run(aws, job, execution, kind)
    except ClientError as error:
        raise not_deployed(aws, job, error) from None


def all_runs(aws: Aws, jobs: Sequence[str], limit: int | None = None, *, others: Iterable[Run] = ()) -> Iterator[Run]:
    """The newest runs of several jobs, up to `limit` of each, then `others`. A job that is not deployed has none; an
    error if no job is deployed and there are no others."""
    missing: list[NotDeployedError] = []
    for job in jobs:
        try:
            yield from itertools.islice(_once(executions(aws, job)), limit)
        except NotDeployedError as error:
            missing.append(error)
    found = list(others)
    yield from found
    if missing and len(missing) == len(jobs) and not found:
        happened = missing[0].happened if len(jobs) == 1 else f"No job of jobs/ is deployed in {aws.region}."
        raise NotDeployedError(happened, missing[0].fix)


def _once(found: Iterator[Run]) -> Iterator[Run]:
    """Each run once, by its newest execution: a resumed run has several."""
    seen: set[str] = set()
    for run in found:
        if run.run_id not in seen:
            seen.add(run.run_id)
            yield run


def latest(aws: Aws, job: str) -> Run:
    """The job's newest run, or an error that says how to start one."""
    for run in executions(aws, job):
        return run
    command = SERVICE_JOBS.get(aws.project.kind(job), TRAINING).command
    raise UserError(f"The job {job!r} has not been launched yet.", f"Launch it: yard {command} {job}")


def find(aws: Aws, wanted: str) -> Run:
    """Find a run by its id, or by a job's name (its newest run)."""
    known = [job.name for job in aws.project.jobs()]
    if re.fullmatch(RUN_ID, wanted):
        for run in all_runs(aws, known, others=runs_of_others(aws, known)):
            if run.run_id == wanted:
                return run
        raise UserError(f"There is no run {wanted}.", "See the runs: yard history")
    if not aws.project.has_job(wanted):
        for run in runs_of_others(aws, known):
            if run.job == wanted:
                return run
    return latest(aws, aws.project.job(wanted).name)


_STATUSES = {"InProgress": "RUNNING", "Stopping": "RUNNING", "Completed": "SUCCEEDED", "Stopped": "ABORTED"}
"""What an execution would be said to be, by the status of the run's last job; else FAILED."""


def status_of(job_status: str) -> str:
    """What an execution would be said to be whose last job has this status."""
    return _STATUSES.get(job_status, "FAILED")


def runs_of_others(aws: Aws, jobs: Iterable[str], *, running: bool = False) -> Iterator[Run]:
    """The runs of the project and stage whose job is none of these, found by the tags of their training, processing
    and transform jobs.

    Newest first; `running` leaves out those that have ended. A run without such a job, because it was refused or still
    waits, is known to its state machine alone.
    """
    known = {aws.project.deployed_name(job) for job in jobs}
    found = [_training_runs(aws, running=running)]
    for status in STATUSES_WHILE_RUNNING if running else (None,):
        found += [_listed_runs(aws, known, status, of) for of in (PROCESSING, TRANSFORM, AUTOML)]
    for run in _once(heapq.merge(*found, key=lambda run: run.started, reverse=True)):
        if run.job not in known:
            yield run


def _training_runs(aws: Aws, *, running: bool) -> Iterator[Run]:
    settings = aws.project.settings
    tags = {"Tags.project": settings.project, "Tags.stage": settings.stage}
    filters = [{"Name": name, "Operator": "Equals", "Value": value} for name, value in tags.items()]
    if running:
        filters.append({"Name": "TrainingJobStatus", "Operator": "In", "Value": ",".join(STATUSES_WHILE_RUNNING)})
    pages = aws.client("sagemaker").get_paginator("search")
    query = {"SearchExpression": {"Filters": filters}, "SortBy": "CreationTime", "SortOrder": "Descending"}
    for page in pages.paginate(Resource="TrainingJob", **query):
        for result in page["Results"]:
            job = result["TrainingJob"]
            run = _tagged(job, job.get("Tags", ()), TRAINING)
            if run is not None:
                yield run


def _listed_runs(aws: Aws, known: Collection[str], status: str | None, of: ServiceJob) -> Iterator[Run]:
    """SageMaker's Search knows training jobs alone: each other is asked for its tags that may be of another's run."""
    client, settings = aws.client("sagemaker"), aws.project.settings
    query = {"SortBy": "CreationTime", "SortOrder": "Descending"} | ({"StatusEquals": status} if status else {})
    for page in client.get_paginator(f"list_{of.method}s").paginate(**query):
        for job in page[f"{of.resource}Summaries"]:
            named = _ATTEMPT.fullmatch(job[of.name_field])
            if named is None or named["job"] in known:
                continue
            tags = client.list_tags(ResourceArn=job[of.arn_field])["Tags"]
            ours = [{"Key": "project", "Value": settings.project}, {"Key": "stage", "Value": settings.stage}]
            run = _tagged(job, tags, of) if all(tag in tags for tag in ours) else None
            if run is not None:
                yield run


_ENDS = {TRAINING.kind: "TrainingEndTime", AUTOML.kind: "EndTime"}
"""The field of a summary with the end of its job, by kind."""


def _tagged(job: Mapping[str, Any], listed: Iterable[Mapping[str, str]], of: ServiceJob) -> Run | None:
    """The run of a job; None for one that no state machine launched, such as an exported script's."""
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    if "job" not in tags or "run" not in tags:
        return None
    return Run(
        job=tags["job"],
        run_id=tags["run"],
        execution_arn="",
        status=status_of(job[of.status_field]),
        started=job["CreationTime"],
        stopped=job.get(_ENDS.get(of.kind, "ProcessingEndTime")),
        kind=of.kind,
    )


def refresh(aws: Aws, run: Run) -> tuple[Run, dict[str, Any]]:
    """The run as it stands now, and the execution's whole description; nothing of one whose machine is gone."""
    if not run.execution_arn:
        made = attempts(aws, run)
        return (replace(run, status=status_of(made[-1]["TrainingJobStatus"])) if made else run), {}
    answer = aws.client("stepfunctions").describe_execution(executionArn=run.execution_arn)
    now = Run(
        job=run.job,
        run_id=run.run_id,
        execution_arn=run.execution_arn,
        status=answer["status"],
        started=answer["startDate"],
        stopped=answer.get("stopDate"),
        kind=run.kind,
    )
    return now, answer


def attempts(aws: Aws, run: Run) -> list[dict[str, Any]]:
    """The jobs of a run, oldest first, as the service lists them."""
    return jobs.attempts(aws, run)


def ended(run: Run) -> str:
    """What became of a run, in words."""
    return {"RUNNING": "is still running", "SUCCEEDED": "has succeeded", "ABORTED": "was stopped"}.get(
        run.status, f"has {run.status.lower().replace('_', ' ')}"
    )


def receipt(aws: Aws, run_id: str) -> dict[str, Any]:
    """The receipt of a run, or an error that says why there is none."""
    from botocore.exceptions import ClientError

    bucket, key = aws.artifact_bucket(), names.receipt_key(run_id)
    try:
        body = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(receipts.MOST_BYTES + 1)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            raise UserError(
                f"The run {run_id} has no receipt (s3://{bucket}/{key}).",
                "It is written when a run that was not refused ends by itself. Why this one has none: "
                f"yard status {run_id}; yard cost includes what it has billed.",
            ) from None
        raise
    found = receipts.read(body)
    if found is None:
        raise UserError(
            f"s3://{bucket}/{key} is no receipt: somebody has written something else there.",
            f"What the run did: yard status {run_id}; its earlier content: the object's older versions.",
        )
    return found


def _run(aws: Aws, job: str, execution: dict[str, Any], kind: str) -> Run:
    match = re.match(RUN_ID, execution["name"])
    return Run(
        job=job,
        run_id=match[0] if match else _run_id_of_a_foreign_execution(aws, execution),
        execution_arn=execution["executionArn"],
        status=execution["status"],
        started=execution["startDate"],
        stopped=execution.get("stopDate"),
        kind=kind,
    )


def _run_id_of_a_foreign_execution(aws: Aws, execution: dict[str, Any]) -> str:
    """The run id of an execution that the console or the AWS CLI started and named; preflight made the id."""
    states = aws.client("stepfunctions")
    described = states.describe_execution(executionArn=execution["executionArn"])
    return run_id_of(execution["executionArn"], execution["startDate"], given_run_id(described.get("input")))


def not_deployed(aws: Aws, job: str, error: Any) -> Exception:
    """The error to raise when a call on a job's state machine failed: not deployed, or the error itself."""
    if error.response["Error"]["Code"] in ("StateMachineDoesNotExist", "ResourceNotFound"):
        machine = aws.project.state_machine_name(job)
        return NotDeployedError(
            f"The job {job!r} is not deployed in {aws.region} (there is no state machine {machine}).",
            f"Deploy it: {aws.project.deploy}. Or choose the region where it is: AWS_REGION.",
        )
    return error  # type: ignore[no-any-return]
