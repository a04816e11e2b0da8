"""A comparison as lines of text, for a terminal or a pipe."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from yard.difference.fields import Field
from yard.difference.jobs import says_job
from yard.difference.report import (
    Difference,
    JobChange,
    ParameterChange,
    ResourceChange,
    Right,
    RightsChange,
    StackChange,
)
from yard.difference.rights import says_rights
from yard.difference.words import setting_of

MARKS: Mapping[str, str] = {
    "added": "+",
    "removed": "-",
    "changed": "~",
    "moved": "~",
    "replaced": "!",
    "left over": "?",
}
_LONGEST = 60


def lines(found: Difference) -> Iterator[str]:
    """The whole comparison; a title for each part that has something."""
    for title, part in sections(found):
        yield title
        yield from (f"  {line}" for line in part)
        yield ""
    yield money(found)


def sections(found: Difference) -> Iterator[tuple[str, list[str]]]:
    """The parts that have something, each with its title."""
    new_stacks = {one.stack for one in found.stacks if one.action == "added"}
    touched = {one.stack for one in found.resources}
    parts = {
        "CloudFormation would refuse this": list(found.refusals),
        "Stacks": [_stack(one) for one in found.stacks if one.action != "changed" or one.stack not in touched],
        "Jobs": [line for one in found.jobs for line in _job(one)],
        "Parameters": list(_parameters(found.parameters)),
        "Rights": [line for one in found.rights for line in _rights(one, new_stacks)],
        "Resources": list(_resources([_without_said(one, found) for one in _in_old_stacks(found, new_stacks)])),
        "Not known": list(found.notes),
    }
    yield from ((title, part) for title, part in parts.items() if part)


def money(found: Difference) -> str:
    """What the stacks cost while nothing runs, before and after."""
    before, after = found.monthly_usd_before, found.monthly_usd_after
    same = "as before" if before == after else f"{before:,.2f} USD before"
    return f"While nothing runs: {after:,.2f} USD a month ({same}; before free tiers)."


def _stack(change: StackChange) -> str:
    if change.action == "changed":
        return f"~ {change.stack}: {', '.join(change.sections)}"
    number = f"{change.resources} resource{'' if change.resources == 1 else 's'}"
    counted = f"{number}, {change.monthly_usd:,.2f} USD a month while nothing runs"
    if change.action == "added":
        return f"+ {change.stack}: {counted}"
    return f"? {change.stack}: the app no longer has it, and no deploy removes it; {counted}"


def _job(change: JobChange) -> Iterator[str]:
    yield f"{MARKS[change.action]} {change.job}{_whereabouts(change)}{_launch(change)}"
    lost = ((change.running, "run", "runs", "yard stop"), (change.searching, "search", "searches", "yard tune --stop"))
    for number, one, several, stop in lost:
        if number:
            what = f"a {one} in progress loses" if number == 1 else f"{number} {several} in progress lose"
            yield f"    {what} the state machine: wait for the end, or stop it ({stop} {change.job})"
    for field in change.fields:
        yield f"    {_field(field)}"


def _whereabouts(change: JobChange) -> str:
    if change.action == "moved":
        return f": from {change.stack_before} to {change.stack_after}; its parameters are empty again"
    if change.action == "left over":
        return f": no longer in jobs/, and still deployed with {change.stack_before}"
    return {"added": ": new", "removed": ": no longer in jobs/"}.get(change.action, "")


def _launch(change: JobChange) -> str:
    before, after = change.launch_usd_before, change.launch_usd_after
    if after is None or change.action == "removed" or before == after:
        return ""
    was = "" if before is None else f", was {before:,.2f}"
    return f" (a launch costs at most {after:,.2f} USD{was})"


def _parameters(changes: Iterable[ParameterChange]) -> Iterator[str]:
    """Those with a value by themselves; of the others, those that come and go with jobs, on one line for each stack."""
    some = list(changes)
    for change in some:
        if change.value is not None:
            lost = "is lost" if change.action == "removed" else "stays, if its rules still take it"
            value = f"the value {change.value!r} that was given {lost}"
            yield f"{MARKS[change.action]} {change.parameter} of {change.stack}: {value}"
    key = lambda change: (change.action, change.stack)  # noqa: E731
    rest = [one for one in some if one.value is None and one.action != "changed"]
    for (action, stack), members in groupby(sorted(rest, key=key), key):
        yield f"{MARKS[action]} of {stack}: {', '.join(one.parameter for one in members)}"


def _rights(change: RightsChange, new_stacks: Container[str]) -> Iterator[str]:
    """Each right of what changes or comes; a number where all of it goes, or where a whole stack comes."""
    line = f"{MARKS[change.action]} {change.who} ({change.stack})"
    if change.action == "removed":
        yield f"{line}, with {len(change.lost)} rights"
    elif change.stack in new_stacks:
        yield f"{line}: {len(change.gained)} rights (--json lists them)"
    else:
        yield line
        for mark, rights in (("+", change.gained), ("-", change.lost)):
            yield from (f"    {mark} {said}" for said in grouped(rights))


def grouped(rights: Iterable[Right]) -> Iterator[str]:
    """Rights in words: the actions that share effect, resource and condition on one line."""
    key = lambda right: (right.effect, right.resource, right.condition)  # noqa: E731
    for (effect, resource, condition), some in groupby(sorted(rights, key=key), key):
        actions = ", ".join(sorted(right.action for right in some))
        refused = "" if effect == "Allow" else "never "
        yield f"{refused}{actions}{f' on {resource}' if resource else ''}{f' ({condition})' if condition else ''}"


def _resources(changes: Iterable[ResourceChange]) -> Iterator[str]:
    """What is replaced or takes data with it, one by one; then what goes and comes, by kind; then equal changes."""
    some = list(changes)
    for change in some:
        if change.action == "replaced" or (change.action == "removed" and (change.loses or change.keeps)):
            yield f"{MARKS[change.action]} {named(change)}: {_fate(change)}"
    for action in ("removed", "added"):
        some_like = [one for one in some if one.action == action and not (one.loses or one.keeps)]
        for kind, number in _counted(some_like):
            yield f"{MARKS[action]} {kind}{f' ({number})' if number > 1 else ''}"
    yield from (f"~ {line}" for line in equal_changes(some))


def _in_old_stacks(found: Difference, new_stacks: Container[str]) -> Iterator[ResourceChange]:
    """What a new stack brings is counted with the stack."""
    return (one for one in found.resources if one.stack not in new_stacks)


def _without_said(change: ResourceChange, found: Difference) -> ResourceChange:
    """A resource without the fields that show among the jobs or the rights."""
    said = [
        one
        for one in change.fields
        if (found.jobs and says_job(change.type, one.path)) or (found.rights and says_rights(change.type, one.path))
    ]
    return replace(change, fields=[one for one in change.fields if one not in said])


def named(change: ResourceChange) -> str:
    """A resource by its type, its name in the account and where the code makes it."""
    name = change.physical if change.physical is not None else change.resource
    return f"{change.type} {name} ({change.stack})"


def _fate(change: ResourceChange) -> str:
    if change.action == "replaced":
        said = f"{'replaced' if change.certain else 'may be replaced'}, as {', '.join(change.replacing)} changes"
    else:
        said = "removed"
    if change.keeps:
        return f"{said}; the old one stays in the account with its data, outside of the stack"
    return f"{said}; lost: {change.loses}" if change.loses else said


def _counted(changes: Iterable[ResourceChange]) -> Iterator[tuple[str, int]]:
    kinds = sorted(f"{one.type} in {one.stack}" for one in changes)
    yield from ((kind, len(list(some))) for kind, some in groupby(kinds))


def equal_changes(changes: Iterable[ResourceChange]) -> Iterator[str]:
    """Changes of fields in words; what changes alike on many resources is said once, with the setting behind it."""
    found: dict[tuple[str, str], list[ResourceChange]] = {}
    for change in changes:
        if change.action == "changed":
            for field in change.fields:
                setting = setting_of(change.type, field.path)
                where = setting if setting is not None else f"{change.type} {field.path}"
                shown = Field(path=where, before=field.before, after=field.after)
                found.setdefault((where, _field(shown)), []).append(change)
    for (_, line), some in found.items():
        some_names = [one.resource for one in some]
        where = f"{len(some_names)} resources" if len(some_names) > 1 else f"{some_names[0]}, {some[0].stack}"
        yield f"{line} ({where})"


def _field(field: Field) -> str:
    if field.before is None:
        return f"{field.path}: {_value(field.after)} (new)"
    if field.after is None:
        return f"{field.path}: no longer {_value(field.before)}"
    return f"{field.path}: {' -> '.join(_beside(_line(field.before), _line(field.after)))}"


def _value(value: Any) -> str:
    return _cut(_line(value))


def _line(value: Any) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return " ".join(text.split())


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _beside(before: str, after: str) -> tuple[str, str]:
    """Two long texts from shortly before the place where they part: their beginnings may be alike."""
    if max(len(before), len(after)) <= _LONGEST:
        return before, after
    alike = next((number for number, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    start = max(0, alike - _LONGEST // 3)
    lead = "..." if start else ""
    return _cut(lead + before[start:]), _cut(lead + after[start:])
