"""Searches of jobs, found by the executions of a job's second state machine."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from shardyard.spec.catalogue.service_jobs import TUNING
from shardyard.spec.requests.tuning import tuning_job_name
from shardyard.spec.tuning.trials import searched
from yard.aws import Aws
from yard.errors import NotDeployedError, UserError
from yard.output import say
from yard.runs import runs
from yard.runs.runs import Run

NEWEST = "latest"
"""What a person may write for the newest search."""


def told_name(job: str, kind: str) -> str:
    """A job's name in a list of runs, in which its searches stand too."""
    return f"{job} (search)" if kind == TUNING.kind else job


def tuning_job(aws: Aws, run: Run) -> str:
    """SageMaker's name of a search."""
    return tuning_job_name(aws.project.deployed_name(run.job), run.run_id)


def start(aws: Aws, job: str, launch: Mapping[str, Any]) -> Run:
    """Start an execution named by the run id of the launch input."""
    from botocore.exceptions import ClientError

    run_id = str(launch["run_id"])
    try:
        answer = aws.client("stepfunctions").start_execution(
            stateMachineArn=aws.search_machine_arn(job), name=run_id, input=json.dumps(launch)
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
        kind=TUNING.kind,
    )


def executions(aws: Aws, job: str) -> Iterator[Run]:
    """A job's searches, the newest first; those that other programs started and named are left out."""
    from botocore.exceptions import ClientError

    pages = aws.client("stepfunctions").get_paginator("list_executions")
    try:
        for page in pages.paginate(stateMachineArn=aws.search_machine_arn(job)):
            for one in page["executions"]:
                if re.fullmatch(runs.RUN_ID, one["name"]):
                    yield Run(
                        job=job,
                        run_id=one["name"],
                        execution_arn=one["executionArn"],
                        status=one["status"],
                        started=one["startDate"],
                        stopped=one.get("stopDate"),
                        kind=TUNING.kind,
                    )
    except ClientError as error:
        raise not_deployed(aws, job, error) from None


def find(aws: Aws, job: str, wanted: str) -> Run:
    """A search by its run id, or the newest."""
    for run in executions(aws, job):
        if wanted in (NEWEST, run.run_id):
            return run
    if wanted == NEWEST:
        raise UserError(f"The job {job!r} has not been searched yet.", f"Begin: yard tune {job}")
    raise UserError(f"There is no search {wanted} of {job}.", f"See its searches: yard tune {job} --history")


def of_project(aws: Aws, jobs: Iterable[str], limit: int | None = None) -> Iterator[Run]:
    """The searches of these jobs, the newest first and up to `limit` of each; of a job without a deployed one, none."""
    for job in jobs:
        if aws.project.has_job(job) and searched(aws.project.job(job)) is not None:
            with suppress(NotDeployedError):
                yield from itertools.islice(executions(aws, job), limit)


def find_any(aws: Aws, wanted: str) -> Run:
    """A run or a search by its id; by a job's name the newest of both."""
    found, missing = [], None
    try:
        found.append(runs.find(aws, wanted))
    except UserError as error:
        missing = error
    if re.fullmatch(runs.RUN_ID, wanted):
        if not found:
            known = [job.name for job in aws.project.jobs()]
            found += [run for run in of_project(aws, known) if run.run_id == wanted]
    else:
        found += of_project(aws, [wanted], 1)
    if missing is not None and not found:
        raise missing
    return max(found, key=lambda run: run.started)


def stop(aws: Aws, run: Run) -> None:
    """Stop the search, so that its launch ends with a receipt; without a search, or the right to, stop the launch."""
    from botocore.exceptions import ClientError

    if run.status != "RUNNING":
        raise UserError(f"The search {run.run_id} of {run.job} {runs.ended(run)}: there is nothing to stop.")
    try:
        aws.client("sagemaker").stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning_job(aws, run))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFound", "AccessDeniedException", "ValidationException"):
            raise
        aws.client("stepfunctions").stop_execution(
            executionArn=run.execution_arn, error="Stopped", cause="Stopped by a person with yard tune --stop"
        )
    say(f"Stopping the search {run.run_id} of {run.job}; its running trials have two minutes, which are billed.")


def not_deployed(aws: Aws, job: str, error: Any) -> Exception:
    """The error to raise when a call on a search's state machine failed: not deployed, or the error itself."""
    if error.response["Error"]["Code"] in ("StateMachineDoesNotExist", "ResourceNotFound"):
        machine = aws.search_machine_arn(job).rpartition(":")[2]
        return NotDeployedError(
            f"The search of {job!r} is not deployed in {aws.region} (there is no state machine {machine}).",
            f"Deploy it: {aws.project.deploy}. Or choose the region where it is: AWS_REGION.",
        )
    return error  # type: ignore[no-any-return]
