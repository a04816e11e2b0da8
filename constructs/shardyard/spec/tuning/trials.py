"""The trials of a search: how many there are, and what each kind of them runs on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.compute import InstancePreference, Retry
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.tuning.ranges import Range
from shardyard.spec.jobs.tuning.search import Definition, Objective, TrialInstances, Tuning


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """The trials of one definition; a search without definitions has one kind."""

    where: str
    """Where the file names it: `tuning`, or `tuning.definitions[0]`."""
    name: str | None
    """The definition's name; None for a search without definitions."""
    spec: JobSpec
    """The job that a trial runs: what stays the same, without a search, fallbacks or warm instances."""
    ranges: dict[str, Range]
    objective: Objective
    instances: tuple[TrialInstances, ...]
    """The instance types in order; empty for those of [compute]."""

    @property
    def together(self) -> JobSpec:
        """The job on all of its instance types: a trial gets any of them, and the request has one image for all."""
        if not self.instances:
            return self.spec
        types = tuple(InstancePreference(instance_type=one.instance_type, count=one.count) for one in self.instances)
        compute = replace(
            self.spec.compute, instance_type=None, groups=(), preferences=types, placement=None, training_plan=None
        )
        return replace(self.spec, compute=compute)

    @property
    def combinations(self) -> int:
        """How many trials a grid of these ranges has."""
        return math.prod(len(one.values) for one in self.ranges.values())


def searched(spec: LaunchedSpec) -> JobSpec | None:
    """The job, where its launch is a search."""
    return spec if isinstance(spec, JobSpec) and spec.tuning is not None else None


def search_in(spec: LaunchedSpec) -> JobSpec:
    """The job with its search; SpecError for one without."""
    found = searched(spec)
    if found is None:
        raise SpecError([Problem("tuning", f"the job {spec.name} has no search ([tuning] in its file)")])
    return found


def without_search(spec: LaunchedSpec) -> LaunchedSpec:
    """The job alone."""
    return replace(spec, tuning=None) if isinstance(spec, JobSpec) else spec


def tuning_of(spec: JobSpec) -> Tuning:
    """The job's search; SpecError for a job without one."""
    tuning = search_in(spec).tuning
    assert tuning is not None, "a job with a search has one"
    return tuning


def kinds(spec: JobSpec) -> tuple[Kind, ...]:
    """Every kind of trial, in the order of the file; none of a job without a search."""
    tuning = spec.tuning
    if tuning is None:
        return ()
    base = replace(
        spec,
        tuning=None,
        compute=replace(spec.compute, fallback=(), keep_alive_seconds=None),
        checkpoints=spec.checkpoints if tuning.checkpoints else replace(spec.checkpoints, enabled=False),
    )
    if not tuning.definitions:
        return (
            Kind(
                where="tuning",
                name=None,
                spec=base,
                ranges=dict(tuning.ranges),
                objective=tuning.objective,
                instances=tuning.instances,
            ),
        )
    return tuple(_defined(base, tuning, number, one) for number, one in enumerate(tuning.definitions))


def _defined(base: JobSpec, tuning: Tuning, number: int, one: Definition) -> Kind:
    limits, retry, program = base.limits, base.retry, base.program
    if one.max_runtime_seconds is not None:
        limits = replace(limits, max_runtime_seconds=one.max_runtime_seconds)
    if one.retries is not None:
        retry = Retry(attempts=one.retries)
    if one.entry is not None and program is not None:
        program = replace(program, entry=one.entry)
    return Kind(
        where=f"tuning.definitions[{number}]",
        name=one.name,
        spec=replace(
            base,
            limits=limits,
            retry=retry,
            program=program,
            hyperparameters={**base.hyperparameters, **one.hyperparameters},
            environment={**base.environment, **one.environment},
        ),
        ranges={**tuning.ranges, **one.ranges},
        objective=tuning.objective if one.objective is None else one.objective,
        instances=one.instances if one.instances else tuning.instances,
    )


def trial_jobs(spec: JobSpec) -> Iterator[tuple[str, JobSpec]]:
    """Every job that a trial may be: each kind on each of its instance types, with where the file says so.

    What is searched has the first value of its range.

    With the job's own checkpoints: that a spot trial without any begins again is a note of the plan, no mistake.
    """
    for kind in kinds(spec):
        searched = {name: one.example for name, one in kind.ranges.items()}
        given = {**kind.spec.hyperparameters, **searched}
        trial = replace(kind.spec, checkpoints=spec.checkpoints, hyperparameters=given)
        if not kind.instances:
            yield kind.where, trial
        for number, one in enumerate(kind.instances):
            yield f"{kind.where}.instances[{number}]", _on(trial, one)


def _on(spec: JobSpec, one: TrialInstances) -> JobSpec:
    compute = replace(
        spec.compute,
        instance_type=one.instance_type,
        groups=(),
        preferences=(),
        placement=None,
        training_plan=None,
        count=spec.compute.most_instances if one.count is None else one.count,
        volume_gb=spec.compute.volume_gb if one.volume_gb is None else one.volume_gb,
    )
    return replace(spec, compute=compute)


def most_trials(spec: JobSpec) -> int | None:
    """How many trials a search has at most; None where the file leaves it open, or has no search."""
    tuning = spec.tuning
    if tuning is None:
        return None
    if tuning.max_jobs is None and tuning.strategy == "Grid":
        return sum(kind.combinations for kind in kinds(spec))
    return tuning.max_jobs
