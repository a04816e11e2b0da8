"""Whether the searches that a warm start begins with are there and have ended."""

from collections.abc import Iterator

from shardyard.handlers import aws
from shardyard.spec.catalogue.service_jobs import STATUSES_WHILE_RUNNING, TUNING
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.tuning.trials import kinds, tuning_of

_MOST_TRIALS = 500
"""Those of the parents count too, says automatic-model-tuning-warm-start."""


def parent_problems(spec: JobSpec, clients: aws.Clients) -> Iterator[Problem]:
    """What SageMaker would refuse the search for."""
    start = tuning_of(spec).warm_start
    if start is None:
        return
    where, sagemaker = "tuning.warm_start.parents", clients("sagemaker")
    trials = 0
    for name in start.parents:
        parent = aws.describe_job(sagemaker, name, TUNING)
        if parent is None:
            yield Problem(where, f"there is no tuning job {name} in this account and region")
            continue
        if parent[TUNING.status_field] in STATUSES_WHILE_RUNNING:
            yield Problem(where, f"{name} is still searching (wait for it, or stop it)")
        trials += sum(parent.get("ObjectiveStatusCounters", {}).values())
        objective = parent["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective", {})
        searched = {kind.objective.metric for kind in kinds(spec)}
        if objective.get("MetricName") not in (*searched, None):
            said = f"{name} has searched for {objective['MetricName']}, and this search is for"
            yield Problem(where, f"{said} {', '.join(sorted(searched))} (the objective must be the same)")
    own = tuning_of(spec).max_jobs or 0
    if trials + own > _MOST_TRIALS:
        message = f"the parents have {trials} trials and this search {own}: together {_MOST_TRIALS} or fewer"
        yield Problem(where, message)
