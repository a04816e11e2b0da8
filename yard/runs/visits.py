"""A command, or a shell, in a running node: in its cell here, through Systems Manager on AWS."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from shardyard.spec.catalogue.service_jobs import AUTOML, TRAINING
from yard.aws import Aws
from yard.errors import UserError
from yard.runs import jobs, runs

_PLUGIN = "session-manager-plugin"
_PLUGIN_PAGE = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
)
_TRAINING = "Training"


def run_in(aws: Aws, run: runs.Run, node: int, command: Sequence[str], *, terminal: bool) -> int:
    """Run a command in a running node of a run; an empty one is a shell. Its exit code, as far as it is known."""
    if run.of is AUTOML:
        raise UserError(
            f"{run.job} is an AutoML job, which has no nodes of its own.",
            f"What the jobs behind its candidates print: yard logs {run.run_id}",
        )
    if aws.endpoint is None and run.of is not TRAINING:
        raise UserError(
            f"{run.job} is a {run.of.noun}, and SageMaker lets nobody into its nodes: Systems Manager reaches training "
            "jobs alone.",
            f"What it prints: yard logs {run.run_id}. In the embedded cloud its nodes can be entered: yard --embedded",
        )
    job, host = _running(aws, run), f"algo-{node}"
    _refuse_a_missing_node(job, node)
    if aws.endpoint is not None:
        return _in_cell(job["TrainingJobName"], host, run.kind, command, terminal=terminal)
    return _by_systems_manager(aws, job, host, command)


def session_request(job: str, host: str, command: Sequence[str]) -> dict[str, Any]:
    """The request that opens the way: a shell, or one command."""
    request: dict[str, Any] = {"Target": f"sagemaker-training-job:{job}_{host}", "Reason": "yard exec or yard shell"}
    if command:
        document = {"DocumentName": "AWS-StartNonInteractiveCommand", "Parameters": {"command": [shlex.join(command)]}}
        request |= document
    return request


def _running(aws: Aws, run: runs.Run) -> dict[str, Any]:
    """The job of the run whose program runs now, in the words of a training job."""
    attempts = runs.attempts(aws, run)
    if run.status != "RUNNING" or not attempts:
        happened = f"has no {run.of.noun} yet" if run.status == "RUNNING" else runs.ended(run)
        raise UserError(f"The run {run.run_id} of {run.job} {happened}: there is no node to enter.")
    name = attempts[-1]["TrainingJobName"]
    job = jobs.describe(aws, run, name)
    if job["SecondaryStatus"] != _TRAINING:
        runs_now = "it trains" if run.of is TRAINING else "its program runs"
        raise UserError(
            f"{name} is {job['SecondaryStatus'].lower()}, and its nodes can be entered while {runs_now}.",
            f"Try again; where it is: yard status {run.run_id}",
        )
    return job


def _refuse_a_missing_node(job: Mapping[str, Any], node: int) -> None:
    from yard.runs.view import instances

    count = instances(job)
    if node > count:
        raise UserError(f"{job['TrainingJobName']} has {count} node{'' if count == 1 else 's'}, and no node {node}.")


def _in_cell(job: str, host: str, of_kind: str, command: Sequence[str], *, terminal: bool) -> int:
    """The cloud says how a node is entered, to its owner alone; the kernel lets in nobody else either."""
    from yard.embedded import ask

    way = ask("visit", job=job, host=host, kind=of_kind)
    kind, words = "terminal" if terminal else "pipes", [*command] or ["/bin/sh", "-i"]
    environment = {**way["environment"], "TERM": os.environ.get("TERM", "dumb")}
    # From /: Python would look for modules in the folder where a person stands
    return subprocess.run([*way["command"], kind, *words], env=environment, cwd="/", check=False).returncode


def _by_systems_manager(aws: Aws, job: Mapping[str, Any], host: str, command: Sequence[str]) -> int:
    name = job["TrainingJobName"]
    if not job.get("RemoteDebugConfig", {}).get("EnableRemoteDebug"):
        raise UserError(
            f"{name} runs without remote debugging, and Systems Manager reaches no node of it.",
            "Write [debug] remote = true into the job's file, deploy, and launch again; its role and, in the project's "
            "VPC, the interface endpoints ssm and ssmmessages come with that.",
        )
    plugin = shutil.which(_PLUGIN)
    if plugin is None:
        raise UserError(f"{_PLUGIN} is not installed; AWS speaks to nodes through it.", f"Install it: {_PLUGIN_PAGE}")
    request = session_request(name, host, command)
    client = aws.client("ssm")
    answer = client.start_session(**request)
    session = {key: answer[key] for key in ("SessionId", "TokenValue", "StreamUrl")}
    # As AWS's own command calls it: the session, the region, the operation, the profile, the request, the endpoint
    words = [json.dumps(session), aws.region, "StartSession", "", json.dumps(request), client.meta.endpoint_url]
    sys.stdout.flush()
    return subprocess.run([plugin, *words], check=False).returncode
