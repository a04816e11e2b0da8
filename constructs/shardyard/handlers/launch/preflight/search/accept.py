"""A search that may begin: its request, and how the launch goes on after it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from contract.hyperparameters import Scalar
from shardyard.handlers.launch.preflight.launch import Launch
from shardyard.handlers.launch.preflight.look import Seen
from shardyard.handlers.launch.preflight.plan import build_plan, machines
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import TUNING
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.compute import Fallback
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.tuning.search import Tuning
from shardyard.spec.requests.deployment import EXECUTION_TAG
from shardyard.spec.requests.sfn_tuning_fields import unknown_to_tuning_task
from shardyard.spec.requests.tuning import to_tuning_request, tuning_job_name
from shardyard.spec.tuning.trials import Kind, kinds, most_trials, trial_jobs, tuning_of

_MOST_POLLS = 1500
"""An execution's history holds 25,000 events, and a look at the search takes nine."""
_FEWEST_POLL_SECONDS = 10
_LONGEST_SECONDS = 30 * 86400
_NOT_FOR_THE_JOB = ("run_id", "cap_usd")
"""What a search was launched with and the training after it is not."""


def one_trial(spec: JobSpec) -> JobSpec:
    """A job that uses whatever a trial may use, its types as fallbacks: what preflight has to look up."""
    trials = [trial for _, trial in trial_jobs(spec)]
    others = tuple(
        Fallback(instance_type=kind, count=count)
        for trial in trials[1:]
        for cluster in trial.compute.alternatives
        for kind, count in cluster
    )
    return replace(trials[0], compute=replace(trials[0].compute, fallback=others))


def search_request(launch: Launch, spec: JobSpec) -> dict[str, Any]:
    """The whole request."""
    name = tuning_job_name(launch.spec.name, launch.run_id)
    request = to_tuning_request(spec, launch.deployment, tuning_job=name, run_id=launch.run_id)
    # A tag's value holds 256 characters; the end of an ARN identifies the execution.
    request["Tags"] = [*request["Tags"], {"Key": EXECUTION_TAG, "Value": launch.execution[-256:]}]
    return request


def resume_problems(launch: Launch) -> list[Problem]:
    """A launch cannot go on with a search of another."""
    if launch.given.run_id is None or launch.given.run_id == launch.execution.rpartition(":")[2]:
        return []
    return [Problem("run_id", "a search is not resumed (begin a new one with tuning.warm_start)")]


def unsent_problems(launch: Launch, request: Mapping[str, Any]) -> list[Problem]:
    """What the launch needs and its state machine, as deployed, cannot send."""
    unknown = unknown_to_tuning_task(request)
    if launch.second_path or not unknown:
        return []
    message = f"its state machine cannot send {', '.join(unknown)} (write it into the job's file, and deploy)"
    return [Problem("input", message)]


def accept(
    launch: Launch, spec: JobSpec, seen: Seen, request: dict[str, Any], *, cost: Mapping[str, Any], notes: Sequence[str]
) -> dict[str, Any]:
    """What Preflight returns for a search."""
    unnamed = sorted(set(request) ^ set(launch.fields))
    if unnamed:
        raise RuntimeError(f"the request and the state machine differ in {', '.join(unnamed)}: deploy again")
    balance = [text for text in (listing.balance() for listing in seen.listings) if text is not None]
    run = {**launch.run_record(1), "kind": TUNING.kind}
    return {"request": request, "run": run, "plan": _plan(launch, spec, seen, [*balance, *notes]), "cost": cost}


def _plan(launch: Launch, spec: JobSpec, seen: Seen, notes: list[str]) -> dict[str, Any]:
    tuning, images = tuning_of(spec), {kind.name: _image(launch, kind, seen) for kind in kinds(spec)}
    types = " or ".join(dict.fromkeys(machines(launch, trial) for _, trial in trial_jobs(spec)))
    plan = build_plan(spec, [{"instance_type": types, "fields": {}, "values": {}}], 0)
    if spec.spot.enabled and not tuning.checkpoints:
        notes.append("Trials keep no checkpoints: one whose spot capacity is taken back begins again.")
    plan |= {
        "interruption_resumes": 0,
        "give_up_seconds": None,
        "poll_seconds": max(_FEWEST_POLL_SECONDS, math.ceil(_longest_seconds(spec) / _MOST_POLLS)),
        "image": next(iter(images.values())),
        "images": {name: image for name, image in images.items() if name is not None},
        "data": [listing.to_dict() for listing in seen.listings],
        "notes": [*notes, *seen.images.notes],
        "machines": types,
        "search": {
            "strategy": tuning.strategy,
            "objective": {"metric": tuning.objective.metric, "goal": tuning.objective.goal},
            "max_jobs": most_trials(spec),
            "max_parallel": tuning.max_parallel,
        },
        "retrain": _retrain(launch, tuning),
    }
    if tuning.register:
        group = spec.registry.group
        project, stage = launch.deployment.project, launch.deployment.stage
        plan["register"] = {"group": names.model_package_group_name(project, stage, spec.name, group)}
    return plan


def _image(launch: Launch, kind: Kind, seen: Seen) -> dict[str, str | None]:
    uri = launch.deployment.image_for(kind.together)
    return {"uri": uri, "digest": None if uri is None else seen.images.digests.get(uri)}


def _longest_seconds(spec: JobSpec) -> int:
    tuning, count = tuning_of(spec), most_trials(spec) or 1
    jobs = [job for _, job in trial_jobs(spec)]
    # On spot a trial may wait too, and its time counts from its creation
    trial = max(
        job.limits.max_runtime_seconds if job.max_wait_seconds is None else job.max_wait_seconds for job in jobs
    )
    together = math.ceil(count / tuning.max_parallel) * trial
    limit = _LONGEST_SECONDS if tuning.max_runtime_seconds is None else tuning.max_runtime_seconds
    return min(together, limit)


def _retrain(launch: Launch, tuning: Tuning) -> dict[str, Any]:
    """What the job is launched with after its search, but for the values that the search finds."""
    given = {name: value for name, value in launch.given.to_dict().items() if name not in _NOT_FOR_THE_JOB}
    overlays: dict[str, dict[str, dict[str, Scalar]]] = {
        one.name: {"hyperparameters": dict(one.hyperparameters), "environment": dict(one.environment)}
        for one in tuning.definitions
    }
    return {
        "input": given,
        "definitions": overlays,
        "hyperparameters": dict(tuning.retrain.hyperparameters),
        "environment": dict(tuning.retrain.environment),
    }
