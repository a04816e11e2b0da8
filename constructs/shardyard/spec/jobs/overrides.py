"""Overrides, which need no edit of a job's file: the stack's parameters, the execution's input, the fallbacks.

Precedence, low to high: the TOML file, its [overrides.<stage>], a stack parameter that is not empty, the execution's
input. Each step returns the changed job and the source of every overridable value, which overridable.py lists.
"""

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, make_dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from contract.hyperparameters import Scalar
from shardyard.spec.errors import Problem, SpecError, is_too_deep, nearest, too_deep
from shardyard.spec.jobs.overridable import FREE_TABLES, INPUTS, OVERRIDES, Override, free_tables_of
from shardyard.spec.run_ids import RUN_ID
from shardyard.spec.tree import build, field_at, has_field, setting, value_at, with_value

if TYPE_CHECKING:  # the command reads the table for its options, and --help should not load the job definition
    from shardyard.spec.jobs.compute import OtherType
    from shardyard.spec.jobs.job import JobSpec
    from shardyard.spec.jobs.launched import LaunchedSpec

L = TypeVar("L", bound="LaunchedSpec")


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchInput:
    """The input of one execution; `{}` launches the job as it is defined."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """The given values of `OVERRIDES`, by name."""
    hyperparameters: Mapping[str, Scalar] = field(default_factory=dict)
    """Laid over the job's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Laid over the job's own."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Addresses of inputs, in place of the job's own and below them."""
    git_commit: str | None = None
    """The commit that was launched."""
    git_dirty: bool | None = None
    """Whether files of the project differed from that commit."""
    run_id: str | None = None
    """The run to resume from its checkpoints."""
    launched_by: str | None = None
    """Who launched it, as the launching program says; nobody checks it."""

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read an execution's input; unknown keys and wrong types are errors."""
        return cls._strict(raw, text=False)

    @classmethod
    def from_parameters(cls, raw: Mapping[str, str]) -> Self:
        """Read stack parameters: all are texts, and an empty one overrides nothing."""
        return cls.from_texts({name: value for name, value in raw.items() if value != ""})

    @classmethod
    def from_texts(cls, raw: Mapping[str, Any]) -> Self:
        """Read values from a command line, where numbers, durations and sizes are texts."""
        return cls._strict(raw, text=True)

    def to_dict(self) -> dict[str, Any]:
        """The input as JSON, without values that were not given."""
        free = {table: dict(getattr(self, table)) for table in (*FREE_TABLES, INPUTS)}
        launch = {"git_commit": self.git_commit, "git_dirty": self.git_dirty, "run_id": self.run_id}
        launch["launched_by"] = self.launched_by
        return {name: value for name, value in {**free, **self.values, **launch}.items() if value not in (None, {})}

    @classmethod
    def _strict(cls, raw: Mapping[str, Any], *, text: bool) -> Self:
        if is_too_deep(raw):
            raise SpecError([too_deep("input")])
        problems: list[Problem] = []
        built = build(_input_keys(), raw, where="", problems=problems, text=text)
        if built is None:
            raise SpecError(problems)
        given = asdict(built)
        values = {one.name: given.pop(one.name) for one in OVERRIDES}
        return cls(values={name: value for name, value in values.items() if value is not None}, **given)


@functools.cache
def _input_keys() -> type[Any]:
    """A dataclass of the execution's input for `build`: each value has the type and limits of its field in the job."""
    from shardyard.spec.jobs.job import JobSpec

    keys: list[Any] = [
        ("hyperparameters", dict[str, Scalar], setting(factory=dict)),
        ("environment", dict[str, str], setting(factory=dict)),
        (INPUTS, dict[str, str], setting(factory=dict)),
    ]
    for one in OVERRIDES:
        found, hint = field_at(JobSpec, one.path)
        keys.append((one.name, hint | None, field(default=None, metadata={**found.metadata, "key": None})))
    keys += [
        ("git_commit", str | None, setting(None, pattern=r"[0-9a-f]{7,64}", says="hex digits")),
        ("git_dirty", bool | None, setting(None)),
        ("run_id", str | None, setting(None, pattern=RUN_ID)),
        ("launched_by", str | None, setting(None, pattern=r"[ -~]{1,256}", says="up to 256 plain characters")),
    ]
    return make_dataclass("LaunchInputKeys", keys, frozen=True, kw_only=True)


def apply_parameters(spec: L, parameters: Mapping[str, str]) -> "tuple[L, dict[str, str]]":
    """Apply stack parameters to a job; each value's source is toml, stage or parameter."""
    return _apply(spec, LaunchInput.from_parameters(parameters), first_sources(spec), "parameter")


def apply_input(spec: L, launch: LaunchInput, sources: Mapping[str, str] | None = None) -> "tuple[L, dict[str, str]]":
    """Apply an execution's input to a job; `sources` comes from `apply_parameters`."""
    return _apply(spec, launch, first_sources(spec) if sources is None else sources, "input")


def first_sources(spec: "LaunchedSpec") -> dict[str, str]:
    """Each value's source before parameters and input: the file, or its stage's overrides."""
    staged = set(spec.from_stage)
    paths = {one.name: one.path for one in OVERRIDES if _has_table(spec, one)}
    for table in free_tables_of(type(spec)):
        paths.update({f"{table}.{key}": f"{table}.{key}" for key in getattr(spec, table)})
    return {name: "stage" if path in staged else "toml" for name, path in paths.items()}


def value_of(spec: "LaunchedSpec", name: str) -> Any:
    """An overridable value by its name in the input; None if the job has none."""
    table, _, key = name.partition(".")
    if table == INPUTS:
        return getattr(spec, table)[key].s3
    if key:
        return getattr(spec, table).get(key)
    override = next(one for one in OVERRIDES if one.name == name)
    return value_at(spec, override.path) if _has_table(spec, override) else None


def apply_fallback(spec: L, number: int) -> L:
    """The job on the `number`-th entry of its fallback list, counted from 1; 0 is the job itself.

    The fallback also sets its type's processes per node, hyperparameters and variables, and may leave spot.
    """
    if number == 0:
        return spec
    if not has_field(type(spec), "hyperparameters"):
        return _on_other_type(spec, spec.compute.fallback[number - 1])
    return cast(L, _training_fallback(cast("JobSpec", spec), number))


def _on_other_type(spec: L, fallback: "OtherType") -> L:
    count = spec.compute.most_instances if fallback.count is None else fallback.count
    compute = replace(spec.compute, instance_type=fallback.instance_type, preferences=(), count=count)
    return replace(spec, compute=compute, environment={**spec.environment, **fallback.environment})


def _training_fallback(spec: "JobSpec", number: int) -> "JobSpec":
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
        spot=replace(spec.spot, enabled=False) if fallback.on_demand else spec.spot,
        program=None if program is None else replace(program, processes_per_node=fallback.processes_per_node),
        hyperparameters={**spec.hyperparameters, **fallback.hyperparameters},
        environment={**spec.environment, **fallback.environment},
    )


def _apply(spec: L, launch: LaunchInput, sources: Mapping[str, str], source: str) -> "tuple[L, dict[str, str]]":
    _refuse_what_cannot_apply(spec, launch)
    said = dict.fromkeys(launch.values, source)
    changed = spec
    for one in OVERRIDES:
        if one.name in launch.values:
            changed = with_value(changed, one.path, launch.values[one.name])
    for name, address in launch.inputs.items():
        table = getattr(changed, INPUTS)
        said[f"{INPUTS}.{name}"] = source
        changed = with_value(changed, INPUTS, {**table, name: replace(table[name], s3=address)})
    for table in free_tables_of(type(spec)):
        given = getattr(launch, table)
        said |= {f"{table}.{key}": source for key in given}
        changed = with_value(changed, table, {**getattr(changed, table), **given})
    return changed, {**sources, **said}


_NOTHING_READS_IT = {
    "program": "the job has no [program], so nothing would read it",
    "source": "the job has no [source] dir, so it cannot take a bundle of code",
}


def _has_table(spec: "LaunchedSpec", override: Override) -> bool:
    return has_field(type(spec), override.path) and getattr(spec, override.path.partition(".")[0]) is not None


def _refuse_what_cannot_apply(spec: "LaunchedSpec", launch: LaunchInput) -> None:
    problems = [
        Problem(one.name, f"{spec.name} is {spec.what}, which has no {one.path}")
        for one in OVERRIDES
        if one.name in launch.values and not has_field(type(spec), one.path)
    ]
    for table in (*FREE_TABLES, INPUTS):
        if getattr(launch, table) and not has_field(type(spec), table):
            problems.append(Problem(table, f"{spec.name} is {spec.what}, which has no {table}"))
    problems += _unknown_inputs(spec, launch)
    if problems:
        raise SpecError(problems)
    for name in ("instance_type", "instance_count"):
        for table in ("groups", "preferences"):
            if name in launch.values and getattr(spec.compute, table, None):
                problems.append(Problem(name, f"the job has compute.{table}, which set their own; change them there"))
    for one in OVERRIDES:
        if one.name in launch.values and not _has_table(spec, one):
            problems.append(Problem(one.name, _NOTHING_READS_IT[one.path.partition(".")[0]]))
    if problems:
        raise SpecError(problems)


def _unknown_inputs(spec: "LaunchedSpec", launch: LaunchInput) -> list[Problem]:
    own = getattr(spec, INPUTS, {})
    problems = []
    for name in launch.inputs if own else ():
        if name not in own:
            problems.append(Problem(f"{INPUTS}.{name}", f"the job has no such input; {nearest(name, tuple(own))}"))
        elif own[name].s3 is None:
            problems.append(Problem(f"{INPUTS}.{name}", "it is the result of a query, which has no address"))
    return problems
