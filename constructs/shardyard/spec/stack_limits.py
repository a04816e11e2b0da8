"""Refuses a stack of jobs that has no room for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.stack_parameters import job_parameters
from shardyard.spec.tuning.trials import searched

MOST: Mapping[str, int] = {"Parameters": 180, "Outputs": 180, "Resources": 450}
"""Below CloudFormation's 200, 200 and 500: a stack at its limit can no longer be changed."""

MOST_BYTES = 900 * 1000
"""Below CloudFormation's 1 MB."""

_RUNTIME = {"Parameters": 1, "Outputs": 10, "Resources": 60}
"""Room for what the jobs of a stack share."""
_RUNTIME_BYTES = 30_000


_LEAST_BYTES_OF_A_JOB = 8_000
"""What a job takes: a machine, two roles, their policies, parameters, an alarm; many channels take a little more."""

_LEAST_BYTES_OF_A_SEARCH = 5_000
"""What its search takes besides: a second machine with its role, log group and alarm."""


class Sized(Protocol):
    """A job as far as its size goes."""

    @property
    def name(self) -> str:
        """The job's name, which is its file's."""

    @property
    def counts(self) -> Mapping[str, int]:
        """What it adds to each section of the template."""

    @property
    def template_bytes(self) -> int:
        """What it adds to the template's size."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job takes at least, known from its file: so that `yard check` need not wait for a synth."""

    spec: LaunchedSpec

    @property
    def name(self) -> str:
        """The job's name, which is its file's."""
        return self.spec.name

    @property
    def counts(self) -> Mapping[str, int]:
        """What it adds to each section of the template."""
        parameters = len(job_parameters(self.spec, ()))
        if searched(self.spec) is not None:
            return {"Parameters": parameters, "Outputs": 2, "Resources": 12}
        return {"Parameters": parameters, "Outputs": 1, "Resources": 7}

    @property
    def template_bytes(self) -> int:
        """What it adds to the template's size, or a little less."""
        return _LEAST_BYTES_OF_A_JOB + (0 if searched(self.spec) is None else _LEAST_BYTES_OF_A_SEARCH)


def check(part: str, jobs: Sequence[Sized]) -> None:
    """Refuse a stack with too many jobs, and say which to move: jobs never move by themselves."""
    problems = []
    for section, most in MOST.items():
        sizes = [job.counts[section] for job in jobs]
        problems += _too_many(part, jobs, sizes, most - _RUNTIME[section], section.lower())
    sizes = [job.template_bytes for job in jobs]
    problems += _too_many(part, jobs, sizes, MOST_BYTES - _RUNTIME_BYTES, "bytes of template")
    if problems:
        raise SpecError(problems[:1])


def _too_many(part: str, jobs: Sequence[Sized], sizes: Sequence[int], room: int, what: str) -> list[Problem]:
    if sum(sizes) <= room:
        return []
    used, fitting = 0, 0
    for size in sizes:
        if used + size > room:
            break
        used, fitting = used + size, fitting + 1
    moved = ", ".join(f"jobs/{job.name}.toml" for job in jobs[fitting:])
    return [
        Problem(
            f"stack {part!r}",
            f"{len(jobs)} jobs need {sum(sizes)} {what} and there is room for {room}; "
            f'write stack = "{part}-2" (or another name) into {moved}, or see: yard stacks plan',
        )
    ]
