"""The request of the first attempt, and what later attempts change in it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from shardyard.handlers.launch.preflight.launch import Launch
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import SERVICE_JOBS
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.overrides import value_of
from shardyard.spec.requests.any_kind import request_of
from shardyard.spec.requests.deployment import EXECUTION_TAG, Deployment

INTERNAL_RETRIES = 2
"""How many times a launch is retried after an internal error of the service."""
INTERRUPTION_RESUMES = 3
"""How many times a run resumes after an interruption with a saved checkpoint."""
_FEWEST_POLL_SECONDS = 10
# An execution's history holds 25,000 events: a poll takes nine, an attempt without an instance sixteen.
_MOST_POLLS = 1500
_MOST_QUEUED_ATTEMPTS = 1000


def build_request(
    spec: LaunchedSpec, deployment: Deployment, *, run_id: str, attempt: int, execution: str
) -> dict[str, Any]:
    """The whole request, with every field that the state machine names."""
    name = names.training_job_name(spec.name, run_id, attempt, SERVICE_JOBS[spec.kind].longest_name)
    request = request_of(spec, deployment, job_name=name, run_id=run_id)
    # A tag's value holds 256 characters; the end of an ARN identifies the execution.
    request["Tags"] = [*request.get("Tags", []), {"Key": EXECUTION_TAG, "Value": execution[-256:]}]
    return request


def build_candidates(
    launch: Launch, specs: Sequence[LaunchedSpec], requests: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What each attempt may run on, with the request fields that differ and its fallback's values."""
    fields = {field for request in requests for field in request if request[field] != requests[0].get(field)}
    return [
        {
            "instance_type": machines(launch, spec),
            "fields": {field: request[field] for field in sorted(fields - {launch.of.name_field})},
            "values": launch.values_on(spec),
        }
        for spec, request in zip(specs, requests, strict=True)
    ]


def replaced(launch: Launch, specs: Sequence[LaunchedSpec]) -> list[str]:
    """One sentence per value of the parameters or the input that a fallback replaces."""
    return [
        f"on {machines(launch, spec)}, {name} is {'its default' if changed['value'] is None else changed['value']}, "
        f"not {value_of(launch.spec, name)} ({launch.sources[name]}): the fallback for that type sets it"
        for spec in specs
        for name, changed in launch.values_on(spec).items()
        if name != "instance_type" and launch.sources.get(name) in ("parameter", "input")
    ]


def machines(launch: Launch, spec: LaunchedSpec) -> str:
    """The instances of one attempt, in words."""
    kinds = " or ".join(" + ".join(kind for kind, _ in cluster) for cluster in spec.compute.alternatives)
    return f"{kinds} on demand" if launch.spec.uses_spot and not spec.uses_spot else kinds


def build_plan(spec: LaunchedSpec, candidates: list[dict[str, Any]], first: int) -> dict[str, Any]:
    """How the launch continues when an attempt does not complete."""
    longest = spec.max_wait_seconds if spec.max_wait_seconds is not None else spec.limits.max_runtime_seconds
    give_up = spec.spot.give_up_seconds if isinstance(spec, JobSpec) and spec.spot.enabled else None
    resumes = isinstance(spec, JobSpec) and spec.checkpoints.enabled
    if give_up is not None:  # the waits of all attempts are looked at, not the last one's alone
        longest += spec.queue.max_wait_seconds + give_up * len(candidates)
    fewest_pause = math.ceil(spec.queue.max_wait_seconds * len(candidates) / _MOST_QUEUED_ATTEMPTS)
    return {
        "candidates": candidates,
        "candidate": first,
        "queue_seconds": spec.queue.max_wait_seconds,
        "first_wait_seconds": spec.queue.first_wait_seconds,
        "longest_wait_seconds": max(spec.queue.longest_wait_seconds, fewest_pause),
        "internal_retries": INTERNAL_RETRIES,
        "interruption_resumes": INTERRUPTION_RESUMES if resumes else 0,
        "max_runtime_seconds": spec.limits.max_runtime_seconds,
        "max_wait_seconds": spec.max_wait_seconds,
        "give_up_seconds": give_up,
        "poll_seconds": max(_FEWEST_POLL_SECONDS, math.ceil(longest / _MOST_POLLS)),
    }
