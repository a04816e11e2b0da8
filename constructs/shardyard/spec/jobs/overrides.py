"""What may change without editing a job's file: the stack's parameters, the execution's input, the fallbacks.

Precedence, low to high: the TOML file, its [overrides.<stage>], a stack parameter that is not empty, the execution's
input. Each step returns the changed job and, for every value that may change, who had the last word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeVar

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.compute import INSTANCE_TYPE, INSTANCE_TYPE_SAYS, MOST_SECONDS
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.program import Program
from shardyard.spec.tree import Scalar, build, dump, setting

_T = TypeVar("_T")
RUN_ID = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,30}"

_PLACES = {
    "instance_type": "compute.instance_type",
    "instance_count": "compute.count",
    "spot": "spot.enabled",
    "max_runtime_seconds": "limits.max_runtime",
    "max_cost_usd": "cost.cap_usd",
    "processes_per_node": "program.processes_per_node",
    "source_sha256": "source.sha256",
}
"""Where in the job each overridable value lies, as the file writes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchInput:
    """The input of one execution; `{}` launches the job as it is defined."""

    hyperparameters: dict[str, Scalar] = setting(doc="Laid over the job's own.", factory=dict)
    environment: dict[str, str] = setting(doc="Laid over the job's own.", factory=dict)
    instance_type: str | None = setting(None, "Another type.", pattern=INSTANCE_TYPE, says=INSTANCE_TYPE_SAYS)
    instance_count: int | None = setting(None, "Another number of instances.", least=1)
    spot: bool | None = setting(None, "Spot, or not.")
    max_runtime_seconds: int | None = setting(
        None, "Another longest runtime.", least=1, most=MOST_SECONDS, unit="seconds"
    )
    max_cost_usd: float | None = setting(None, "Another cap on the worst case.", least=0)
    processes_per_node: int | None = setting(None, "Another number of processes a node.", least=1)
    source_sha256: str | None = setting(None, "Another bundle of code.", pattern=r"[0-9a-f]{64}", says="64 hex digits")
    git_commit: str | None = setting(None, "The commit that is launched.", pattern=r"[0-9a-f]{7,64}", says="hex digits")
    run_id: str | None = setting(None, "Continue this run: its checkpoints are used.", pattern=RUN_ID)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read an execution's input, strictly."""
        return _strict(cls, raw, text=False)

    @classmethod
    def from_parameters(cls, raw: Mapping[str, str]) -> Self:
        """Read stack parameters: all are texts, and an empty one says nothing."""
        return _strict(cls, {name: value for name, value in raw.items() if value != ""}, text=True)

    def to_dict(self) -> dict[str, Any]:
        """The input as JSON; what is not given is left out."""
        tables: dict[str, Any] = dump(self)
        return tables


def apply_parameters(spec: JobSpec, parameters: Mapping[str, str]) -> tuple[JobSpec, dict[str, str]]:
    """Lay stack parameters over a job; the sources say toml, stage or parameter for each value."""
    return _apply(spec, LaunchInput.from_parameters(parameters), first_sources(spec), "parameter")


def apply_input(
    spec: JobSpec, launch: LaunchInput, sources: Mapping[str, str] | None = None
) -> tuple[JobSpec, dict[str, str]]:
    """Lay an execution's input over a job; `sources` are those that `apply_parameters` returned."""
    return _apply(spec, launch, first_sources(spec) if sources is None else sources, "input")


def first_sources(spec: JobSpec) -> dict[str, str]:
    """Who said each overridable value before parameters and input: the file, or its stage's overrides."""
    staged = set(spec.from_stage)
    names = {name: place for name, place in _PLACES.items() if name != "source_sha256" or spec.source is not None}
    for table in ("hyperparameters", "environment"):
        names.update({f"{table}.{key}": f"{table}.{key}" for key in getattr(spec, table)})
    return {name: "stage" if place in staged else "toml" for name, place in names.items()}


def apply_fallback(spec: JobSpec, number: int) -> JobSpec:
    """The job on the `number`-th entry of its fallback list, counted from 1; 0 is the job itself.

    Processes per node, hyperparameters and variables that belong to the other type come with it.
    """
    if number == 0:
        return spec
    fallback = spec.compute.fallback[number - 1]
    program = spec.program
    return replace(
        spec,
        compute=replace(
            spec.compute,
            instance_type=fallback.instance_type,
            groups=(),
            preferences=(),
            placement=None,
            training_plan=None,
            count=spec.compute.most_instances if fallback.count is None else fallback.count,
        ),
        program=None if program is None else replace(program, processes_per_node=fallback.processes_per_node),
        hyperparameters={**spec.hyperparameters, **fallback.hyperparameters},
        environment={**spec.environment, **fallback.environment},
    )


def _apply(
    spec: JobSpec, launch: LaunchInput, sources: Mapping[str, str], source: str
) -> tuple[JobSpec, dict[str, str]]:
    _refuse_what_cannot_apply(spec, launch)
    said = {
        field.name: source
        for field in fields(launch)
        if field.name in _PLACES and getattr(launch, field.name) is not None
    }
    said |= {f"hyperparameters.{key}": source for key in launch.hyperparameters}
    said |= {f"environment.{key}": source for key in launch.environment}
    changed = replace(
        spec,
        hyperparameters={**spec.hyperparameters, **launch.hyperparameters},
        environment={**spec.environment, **launch.environment},
        compute=_given(spec.compute, instance_type=launch.instance_type, count=launch.instance_count),
        spot=_given(spec.spot, enabled=launch.spot),
        limits=_given(spec.limits, max_runtime_seconds=launch.max_runtime_seconds),
        cost=_given(spec.cost, cap_usd=launch.max_cost_usd),
        program=_given(spec.program, processes_per_node=launch.processes_per_node),
        source=_given(spec.source, sha256=launch.source_sha256),
    )
    return changed, {**sources, **said}


def _given(part: Any, **values: Any) -> Any:
    changes = {name: value for name, value in values.items() if value is not None}
    return replace(part, **changes) if changes else part


def _refuse_what_cannot_apply(spec: JobSpec, launch: LaunchInput) -> None:
    problems = []
    for name in ("instance_type", "instance_count"):
        for table in ("groups", "preferences"):
            if getattr(launch, name) is not None and getattr(spec.compute, table):
                problems.append(Problem(name, f"the job has compute.{table}, which say their own; change them there"))
    if launch.processes_per_node is not None and not isinstance(spec.program, Program):
        problems.append(Problem("processes_per_node", "the job has no [program], so nothing would read it"))
    if launch.source_sha256 is not None and spec.source is None:
        problems.append(Problem("source_sha256", "the job has no [source] dir, so it cannot take a bundle of code"))
    if problems:
        raise SpecError(problems)


def _strict(cls: type[_T], raw: Mapping[str, Any], *, text: bool) -> _T:
    problems: list[Problem] = []
    built = build(cls, raw, where="", problems=problems, text=text)
    if built is None:
        raise SpecError(problems)
    return built
