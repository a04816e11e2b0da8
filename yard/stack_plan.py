"""Which stack each job should belong to, where one has no room for all of its jobs.

Measured, not estimated: the app is synthesised with the jobs spread thin, and each job's part is what stands in the
templates. What comes out is synthesised again, so that no plan is proposed that a synth refuses.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.stack_parameters import job_parameters, pascal
from shardyard.spec.stack_limits import MOST, MOST_BYTES
from yard.account import cdk
from yard.difference import assembly
from yard.difference.sides import Side, Stack
from yard.errors import UserError
from yard.project import Project

BYTES = "bytes"
LIMITS: Mapping[str, int] = {**MOST, BYTES: MOST_BYTES}
Size = Mapping[str, int]
"""How much something takes of each limit."""

_SHARED = "training"
"""The stack that also holds what all jobs share."""
_PROBE, _PER_PROBE = "probe-", 8
_TOP_LEVEL_STACK = re.compile(r"""^stack[ \t]*=[ \t]*(?:"[^"\n]*"|'[^'\n]*')[ \t]*(?:#.*)?\n?""", re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What the jobs take, and what their stacks take besides."""

    jobs: Mapping[str, Size]
    shared: Size
    """The functions behind all jobs, in the stack `training`."""
    frame: Size
    """Any other stack without its jobs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Where each job goes."""

    stacks: Mapping[str, str]
    """The stack of every job."""
    moves: Mapping[str, str]
    """The new stack of each job that moves."""
    sizes: Mapping[str, Size]
    """How much of each limit every stack then takes."""


def plan(project: Project) -> Plan:
    """Measure the jobs, propose, and synthesise the proposal."""
    jobs = project.jobs()
    staged = [spec.name for spec in jobs if "stack" in spec.from_stage]
    if staged:
        raise UserError(
            f"[overrides.{project.settings.stage}] sets the stack of {', '.join(staged)}, so it cannot be planned.",
            "Write `stack` at the top of the job's file instead.",
        )
    probes = {spec.name: f"{_PROBE}{number // _PER_PROBE + 1}" for number, spec in enumerate(jobs)}
    with _synthesised(project, probes) as side:
        measured = measure(side, jobs, project)
    proposed = propose({spec.name: spec.stack for spec in jobs}, measured)
    with _synthesised(project, proposed.stacks):
        return proposed


def propose(now: Mapping[str, str], measured: Measured) -> Plan:
    """Leave every job where it is while its stack has room, and put the others into the next stack that has."""
    stacks: dict[str, str] = {}
    used: dict[str, dict[str, int]] = {}
    left: list[str] = []
    for job, stack in now.items():
        if _add(used, stack, measured, job):
            stacks[job] = stack
        else:
            left.append(job)
    for job in left:
        stack = next(one for one in _following(now[job]) if _add(used, one, measured, job))
        stacks[job] = stack
    moves = {job: stacks[job] for job in left}
    return Plan(stacks={job: stacks[job] for job in now}, moves=moves, sizes=used)


def _following(stack: str) -> Iterator[str]:
    """`training-2`, `training-3`, ... after `training`, and after any of them."""
    base = re.sub(r"-\d+$", "", stack)
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _add(used: dict[str, dict[str, int]], stack: str, measured: Measured, job: str) -> bool:
    """Put a job into a stack if it has room; a job that fits into no stack gets an empty one to itself."""
    frame = measured.shared if stack == _SHARED else measured.frame
    before = used.get(stack, dict(frame))
    after = {limit: before[limit] + measured.jobs[job][limit] for limit in LIMITS}
    if any(after[limit] > LIMITS[limit] for limit in LIMITS) and not (stack not in used and stack != _SHARED):
        return False
    used[stack] = after
    return True


def measure(side: Side, jobs: Sequence[LaunchedSpec], project: Project) -> Measured:
    """What each job takes in the templates of a synth."""
    found, rest = dict[str, Size](), dict[str, Size]()
    for stack in side.stacks:
        here = [spec for spec in jobs if any(_job_of(stack, name) == spec.name for name in stack.resources)]
        parts = {spec.name: _part(stack, spec) for spec in here}
        found |= parts
        whole = _size(stack.template)
        rest[stack.name] = {limit: whole[limit] - sum(part[limit] for part in parts.values()) for limit in LIMITS}
    missing = [spec.name for spec in jobs if spec.name not in found]
    if missing:
        raise UserError(
            f"The templates do not say which resources belong to {', '.join(missing)}.",
            'Take "pathMetadata": false out of cdk.json.',
        )
    probes = [size for name, size in rest.items() if f"-{_PROBE}" in name]
    frame = {limit: max(size[limit] for size in probes) for limit in LIMITS}
    return Measured(jobs=found, shared=rest[project.stack_name(_SHARED)], frame=frame)


def _job_of(stack: Stack, logical_id: str) -> str:
    return stack.label(logical_id).partition("/")[0]


def _part(stack: Stack, spec: LaunchedSpec) -> Size:
    template = stack.template
    declared = {parameter.name for parameter in job_parameters(spec, ()).values()}
    return _size(
        {
            "Resources": {name: one for name, one in stack.resources.items() if _job_of(stack, name) == spec.name},
            "Parameters": {name: one for name, one in template.get("Parameters", {}).items() if name in declared},
            "Outputs": {
                name: one for name, one in template.get("Outputs", {}).items() if name == f"{pascal(spec.name)}Launch"
            },
        }
    )


def _size(template: Mapping[str, Any]) -> Size:
    counted = {section: len(template.get(section, {})) for section in MOST}
    return {**counted, BYTES: len(json.dumps(template, indent=1))}


@contextmanager
def _synthesised(project: Project, stacks: Mapping[str, str]) -> Iterator[Side]:
    """The templates with the jobs in these stacks, from copies of their files."""
    folder = project.root / ".yard" / "stack-plan"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        for job, stack in stacks.items():
            text = _file(project, job).read_text(encoding="utf-8")
            (folder / f"{job}.toml").write_text(in_stack(text, stack), encoding="utf-8")
        with tempfile.TemporaryDirectory(prefix="yard-stacks-") as out:
            cdk.synthesise(project, Path(out), [f"training.jobs={folder.relative_to(project.root)}"])
            yield assembly.read(Path(out))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(project: Project, moves: Mapping[str, str]) -> None:
    """Write the new stacks into the jobs' files."""
    for job, stack in moves.items():
        path = _file(project, job)
        path.write_text(in_stack(path.read_text(encoding="utf-8"), stack), encoding="utf-8")


def _file(project: Project, job: str) -> Path:
    return project.root / project.settings.training.jobs / f"{job}.toml"


def in_stack(text: str, stack: str) -> str:
    """A job's file with another `stack`: the line that is there, or a new one where the top-level keys begin."""
    table = _TABLE.search(text)
    end = len(text) if table is None else table.start()
    top, rest = text[:end], text[end:]
    line = f'stack = "{stack}"\n'
    if _TOP_LEVEL_STACK.search(top):
        return _TOP_LEVEL_STACK.sub(lambda _: line, top, count=1) + rest
    lines = top.splitlines(keepends=True)
    comments = next((number for number, one in enumerate(lines) if not one.startswith("#")), len(lines))
    return "".join([*lines[:comments], line, *lines[comments:]]) + rest
