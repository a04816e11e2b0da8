"""Whether the account's quotas allow as many trials at once as a search asks for."""

from collections.abc import Iterator

from shardyard.handlers.launch.preflight import quotas
from shardyard.handlers.launch.preflight.look import Seen
from shardyard.spec.catalogue.quotas import PER_JOB, needed
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.tuning.trials import most_trials, trial_jobs, tuning_of


def check_quotas(spec: JobSpec, seen: Seen) -> tuple[list[Problem], list[str]]:
    """The quotas that all trials at once can never fit into, and notes about those that are in use now.

    SageMaker starts trials as there is room for them, so a quota that is in use delays a search and refuses none.
    With several instance types one that fits is enough.
    """
    blocked, notes = [], []
    for lines in _lines(spec, seen):
        notes += [*quotas.unknown(lines), *quotas.blocked_now(lines)]
        blocked.append(quotas.blocked_for_ever(lines))
    if not all(blocked):
        return [], list(dict.fromkeys(notes))
    texts = dict.fromkeys(text for found in blocked for text in found)
    at_once = tuning_of(spec).max_parallel
    return [Problem("tuning.max_parallel", f"{text} (with {at_once} trials at once)") for text in texts], []


def _lines(spec: JobSpec, seen: Seen) -> Iterator[list[quotas.Line]]:
    at_once = min(tuning_of(spec).max_parallel, most_trials(spec) or 1)
    for _, trial in trial_jobs(spec):
        for cluster in trial.compute.alternatives:
            need = needed(trial, cluster)
            together = {name: amount if name in PER_JOB else amount * at_once for name, amount in need.items()}
            yield quotas.lines(together, seen.quota_values, seen.usage)
