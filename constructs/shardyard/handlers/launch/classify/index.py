"""The Classify step: turns an attempt that did not complete into the next attempt, or into an end with its cause."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch.classify.failures import (
    Failure,
    Kind,
    job_in_cause,
    read_call,
    read_job,
    read_time_out,
    read_vain_wait,
)
from shardyard.handlers.launch.classify.next_step import Step, decide
from shardyard.handlers.launch.classify.search import classify_search
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import AUTOML, STATUSES_WHILE_RUNNING, TRAINING, TRANSFORM, TUNING, of_run

SHORTEST_ATTEMPT_SECONDS = 60
"""An attempt with less time than this would end before it could train."""

MOST_KEPT = 20
"""How many attempts without an instance to keep."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: the whole state in; `launch` and `next` (and `end`, if it ends) out."""
    return classify(event, aws.clients, time.time())


def classify(event: Mapping[str, Any], clients: aws.Clients, now: float) -> dict[str, Any]:
    """Read the failure, decide what follows, and build the next attempt's request."""
    if of_run(event["launch"]["run"]) is TUNING:
        return classify_search(event, clients, now)
    launch = dict(event["launch"])
    failure = _failure(event, clients, now)
    run = _note(launch["run"], launch, failure, now)
    waited = now - run["queued_since"] if failure.kind in (Kind.CAPACITY, Kind.LIMIT) else 0.0
    step = _within_time(decide(failure, launch["plan"], run["counts"], waited), launch["plan"], run)
    run["steps"] = [*run.get("steps", [])[-19:], {"attempt": run["attempt"], "why": step.why}]
    launch["run"] = run
    # The Model of a transform job is made once: the next attempt must know that it is there.
    kept = {"model": event["model"]} if "model" in event else {}
    if not step.again:
        return {
            **kept,
            "launch": launch,
            "next": {"action": "end", "wait_seconds": 1, "why": step.why},
            "failed": {"kind": failure.kind.name, "error": _error_name(failure, run), "cause": step.why},
        }
    return {
        **kept,
        "launch": _next_attempt(launch, step),
        "next": {"action": "again", "wait_seconds": step.wait_seconds, "why": step.why},
    }


def _failure(event: Mapping[str, Any], clients: aws.Clients, now: float) -> Failure:
    """Ask the service how the attempt's job ended; without a job, read the error's own words."""
    launch = event["launch"]
    of = of_run(launch["run"])
    name = launch["request"][of.name_field]
    error = str(event.get("failure", {}).get("Error", ""))
    cause = str(event.get("failure", {}).get("Cause", ""))
    job = job_in_cause(cause, of)
    # Why it was stopped is in its times, which a cause spells otherwise; of them alone a processing job has its seconds
    if job is None or job[of.status_field] == "Stopped" or of is not TRAINING:
        job = aws.describe_job(clients("sagemaker"), name, of)
    if job is None:
        return read_call(error, cause)
    if of in (AUTOML, TRANSFORM) and (error == "States.Timeout" or job[of.status_field] == "Stopped"):
        longest = launch["plan"]["max_runtime_seconds"] + of.grace_seconds
        late = read_time_out(job, error, now=now, longest_seconds=longest, of=of)
        if late is not None:
            if job[of.status_field] == "InProgress":
                of.stop(clients("sagemaker"), name)
            return late
    if job[of.status_field] in STATUSES_WHILE_RUNNING:
        # The call failed but the service created the job anyway. Two jobs must never write the same checkpoints.
        of.stop(clients("sagemaker"), name)
        message = f"{error}: the service reported an error but created the job {name}, which was stopped. Launch again."
        return Failure(kind=Kind.REJECTED, message=message, ran=True)
    # A launch from before the deploy that introduced `give_up_seconds` may still be running.
    give_up = launch["plan"].get("give_up_seconds")
    in_vain = read_vain_wait(job, now=now, give_up_seconds=give_up) if of is TRAINING else None
    return read_job(job, of) if in_vain is None else in_vain


def _note(run: Mapping[str, Any], launch: Mapping[str, Any], failure: Failure, now: float) -> dict[str, Any]:
    """Record the failed attempt in the run."""
    counts = dict(run.get("counts", {}))
    counts[failure.kind.name] = counts.get(failure.kind.name, 0) + 1
    noted = {**run, "counts": counts}
    if failure.kind in (Kind.CAPACITY, Kind.LIMIT):
        noted.setdefault("queued_since", now - failure.waited_seconds)
    else:
        noted.pop("queued_since", None)
        if failure.kind is Kind.INTERRUPTED:
            for kind in (Kind.CAPACITY, Kind.LIMIT, Kind.THROTTLED):
                counts.pop(kind.name, None)
    noted["used_seconds"] = run.get("used_seconds", 0) + failure.seconds
    if failure.ran:
        noted["attempts"] = _kept([*run["attempts"], _ended(launch, failure)])
    return noted


def _ended(launch: Mapping[str, Any], failure: Failure) -> dict[str, Any]:
    return {
        "name": launch["request"][of_run(launch["run"]).name_field],
        "kind": failure.kind.name,
        "seconds": failure.seconds,
    }


def _kept(attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every attempt that trained, and the latest that did not: an execution's state holds 256 KB."""
    recent = attempts[-MOST_KEPT:]
    return [attempt for attempt in attempts if attempt["seconds"] > 0 or attempt in recent]


def _within_time(step: Step, plan: Mapping[str, Any], run: Mapping[str, Any]) -> Step:
    """End a run that has used up its longest run time. All attempts share it, or the worst-case cost would grow."""
    left = plan["max_runtime_seconds"] - run["used_seconds"]
    if not step.again or left >= SHORTEST_ATTEMPT_SECONDS:
        return step
    why = f"{max(left, 0)} s are left of the run's longest run time, too few for another attempt. {step.why}"
    return replace(step, again=False, why=why)


def _next_attempt(launch: dict[str, Any], step: Step) -> dict[str, Any]:
    """The same run under a new job name, with the request fields of its next instance type."""
    run, plan = {**launch["run"], "attempt": launch["run"]["attempt"] + 1}, launch["plan"]
    request = {**launch["request"], **plan["candidates"][step.candidate]["fields"]}
    if "StoppingCondition" in request:  # the machine itself stops a job of a kind without one
        request["StoppingCondition"] = {
            **request["StoppingCondition"],
            "MaxRuntimeInSeconds": plan["max_runtime_seconds"] - run["used_seconds"],
        }
        if request.get("EnableManagedSpotTraining"):
            request["StoppingCondition"]["MaxWaitTimeInSeconds"] = plan["max_wait_seconds"] - run["used_seconds"]
    return {
        **launch,
        "run": run,
        "plan": {**plan, "candidate": step.candidate},
        "request": {
            **request,
            of_run(run).name_field: names.training_job_name(
                run["job"], run["id"], run["attempt"], of_run(run).longest_name
            ),
        },
    }


_ERROR_NAMES = {
    Kind.CAPACITY: "NoCapacity",
    Kind.LIMIT: "QuotaInUse",
    Kind.THROTTLED: "Throttled",
    Kind.INTERNAL: "ServiceInternalError",
    Kind.INTERRUPTED: "InterruptedTooOften",
    Kind.ALGORITHM: "ProgramFailed",
    Kind.REFUSED: "ProgramRefused",
    Kind.GUARDED: "GuardEndedRun",
    Kind.STOPPED: "Stopped",
    Kind.OUT_OF_TIME: "OutOfTime",
    Kind.REJECTED: "RejectedByService",
}


def _error_name(failure: Failure, run: Mapping[str, Any]) -> str:
    """The error name that the execution fails with."""
    if failure.kind is Kind.INTERRUPTED and run["counts"][failure.kind.name] == 1:
        return "Interrupted"
    return _ERROR_NAMES[failure.kind]
