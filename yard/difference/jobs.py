"""The jobs of two sides: those that come, go, move to another stack or are defined otherwise."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shardyard.spec import names
from shardyard.spec.catalogue.cost import snapshot_prices
from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.kinds import KINDS, spec_of
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.tree import field_at
from shardyard.spec.tuning.cost import dearest_launch
from shardyard.spec.units import format_duration
from yard.difference.definitions import MACHINE
from yard.difference.fields import Field, differences
from yard.difference.report import JobChange
from yard.difference.sides import Side

_STEPS = ("States", "Preflight", "Parameters", "Payload", "definition")
_IN_MACHINE = ".".join(("DefinitionString", *_STEPS))


@dataclass(frozen=True, kw_only=True, slots=True)
class DefinedJob:
    """One job of one side."""

    stack: str
    definition: Mapping[str, Any]
    """Its file, checked and written out."""
    search_stack: str | None = None
    """The stack with the state machine of its search; None where it has none."""


def jobs_of(side: Side) -> dict[str, DefinedJob]:
    """The jobs by name, read from their state machines: one that launches it, and another that searches if it may."""
    found: dict[str, DefinedJob] = {}
    search_stacks: dict[str, str] = {}
    for stack in side.stacks:
        for resource in stack.resources.values():
            if resource["Type"] == MACHINE:
                properties = resource.get("Properties", {})
                definition = _definition(properties.get("DefinitionString"))
                if definition is not None and _searches(properties):
                    search_stacks[str(definition["name"])] = stack.name
                elif definition is not None:
                    found[str(definition["name"])] = DefinedJob(stack=stack.name, definition=definition)
    return {name: replace(job, search_stack=search_stacks.get(name)) for name, job in found.items()}


def losing_runs(before: Side, after: Side) -> tuple[list[str], list[str]]:
    """The deployed jobs that lose the state machine of their launches, and those that lose that of their searches."""
    there, wanted = jobs_of(before), jobs_of(after)
    launches, searches = [], []
    for name, job in there.items():
        now = wanted.get(name)
        if now is None or now.stack != job.stack:
            launches.append(name)
        if job.search_stack is not None and (now is None or now.search_stack != job.search_stack):
            searches.append(name)
    return launches, searches


def _searches(properties: Mapping[str, Any]) -> bool:
    name = properties.get("StateMachineName")
    return isinstance(name, str) and names.launched_by(name)[1]


def _definition(text: Any) -> Mapping[str, Any] | None:
    """The job that a state machine launches; None for a machine that launches none of ours."""
    try:
        found = json.loads(text)
        for step in _STEPS:
            found = found[step]
    except (KeyError, TypeError, ValueError):
        return None
    return found if isinstance(found, Mapping) and "name" in found else None


def says_job(kind: str, path: str) -> bool:
    """Whether a property of a type is part of a job's file: a change of it shows among the jobs, in better words."""
    return kind == MACHINE and (path == _IN_MACHINE or path.startswith(f"{_IN_MACHINE}."))


def changes(before: Side, after: Side, *, region: str) -> Iterator[JobChange]:
    """What becomes of each job."""
    then, now = jobs_of(before), jobs_of(after)
    for name in sorted({*then, *now}):
        old, new = then.get(name), now.get(name)
        change = JobChange(
            job=name,
            action="changed",
            stack_before=None if old is None else old.stack,
            stack_after=None if new is None else new.stack,
            launch_usd_before=None if old is None else _launch_usd(old, region),
            launch_usd_after=None if new is None else _launch_usd(new, region),
        )
        if old is None or new is None:
            yield replace(change, action="added" if old is None else "removed")
            continue
        fields = [_in_words(one) for one in differences(old.definition, new.definition)]
        if old.stack != new.stack:
            yield replace(change, action="moved", fields=fields)
        elif fields:
            yield replace(change, fields=fields)


def _launch_usd(job: DefinedJob, region: str) -> float | None:
    """The most that a launch can cost; None where it is unknown, as for a job that an older version wrote."""
    try:
        return dearest_launch(spec_of(job.definition), snapshot_prices(region))
    except SpecError:
        return None


def _in_words(field: Field) -> Field:
    """Durations and sizes as a job's file writes them; code by a few letters of its hash."""
    if field.path == "source.sha256":
        return Field(path="the code in source.dir", before=_short(field.before), after=_short(field.after))
    unit = next((found for cls in KINDS.values() if (found := _unit(cls, field.path)) is not None), None)
    if unit == "seconds":
        return Field(path=field.path, before=_duration(field.before), after=_duration(field.after))
    if unit == "gigabytes":
        return Field(path=field.path, before=_gigabytes(field.before), after=_gigabytes(field.after))
    return field


def _unit(cls: type[LaunchedSpec], path: str) -> str | None:
    """How a field is written; None for one that is as it is, and for a name that is free."""
    try:
        unit: str | None = field_at(cls, path)[0].metadata.get("unit")
    except (KeyError, StopIteration):
        return None
    return unit


def _short(sha256: Any) -> Any:
    return sha256[:8] if isinstance(sha256, str) else sha256


def _duration(seconds: Any) -> Any:
    return format_duration(seconds) if isinstance(seconds, int | float) else seconds


def _gigabytes(size: Any) -> Any:
    return f"{size:g}GB" if isinstance(size, int | float) else size
