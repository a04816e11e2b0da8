"""Compares the two sides. Nothing is called: whatever an account alone can tell is handed in."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from shardyard.spec.catalogue.idle_cost import idle_items
from yard.difference import jobs, parameters, refusals, resources, rights
from yard.difference.report import Difference, JobChange, ResourceChange, StackChange
from yard.difference.resources import Registry
from yard.difference.sides import Side, Stack

Contents = Callable[[ResourceChange], str]
"""Tells in words what data lies in a resource; the empty text for a kind that holds none."""
_NONE: Mapping[str, int] = MappingProxyType({})


def compare(
    before: Side,
    after: Side,
    *,
    registry: Registry,
    region: str,
    contents: Contents = lambda _: "",
    running: Mapping[str, int] = _NONE,
    searching: Mapping[str, int] = _NONE,
    left_over: Iterable[Stack] = (),
) -> Difference:
    """What a deploy of `after` would change in an account that has `before`.

    `running` and `searching` count by job the runs and searches in progress that lose their state machine. Stacks that
    are `left_over` are in `before`, and no deploy removes them.
    """
    gone = list(left_over)
    kept = Side([stack for stack in before.stacks if stack.name in after.by_name])
    found = [_with_losses(one, contents) for one in resources.changes(kept, after, registry)]
    return Difference(
        stacks=[*_new(before, after), *_changed(kept, after), *map(_left, gone)],
        jobs=[
            _with_fate(one, running.get(one.job, 0), searching.get(one.job, 0), {stack.name for stack in gone})
            for one in jobs.changes(before, after, region=region)
        ],
        parameters=list(parameters.changes(kept, after)),
        rights=list(rights.changes(kept, after)),
        resources=found,
        refusals=list(refusals.refusals(before, after, found, registry)),
        monthly_usd_before=_monthly(before.stacks),
        monthly_usd_after=_monthly([*after.stacks, *gone]),
    )


def _with_losses(change: ResourceChange, contents: Contents) -> ResourceChange:
    if change.action not in ("removed", "replaced") or change.keeps or change.physical is None:
        return change
    return replace(change, loses=contents(change))


def _with_fate(change: JobChange, running: int, searching: int, gone: Container[str]) -> JobChange:
    """A job of a stack that no deploy removes stays; one that goes or moves loses its state machines."""
    if change.action == "removed" and change.stack_before in gone:
        return replace(change, action="left over")
    # A search's machine alone goes with [tuning], from a job that stays
    loses = change.action in ("removed", "moved")
    return replace(change, running=running if loses else 0, searching=searching)


def _new(before: Side, after: Side) -> list[StackChange]:
    return [
        StackChange(stack=one.name, action="added", resources=len(one.resources), monthly_usd=_monthly([one]))
        for one in after.stacks
        if one.name not in before.by_name
    ]


_SECTIONS = ("Conditions", "Hooks", "Mappings", "Outputs", "Rules", "Transform")


def _changed(before: Side, after: Side) -> Iterator[StackChange]:
    for stack in after.stacks:
        old = before.by_name.get(stack.name)
        sections = [] if old is None else [one for one in _SECTIONS if old.template.get(one) != stack.template.get(one)]
        if sections:
            yield StackChange(
                stack=stack.name,
                action="changed",
                resources=len(stack.resources),
                monthly_usd=_monthly([stack]),
                sections=sections,
            )


def _left(stack: Stack) -> StackChange:
    return StackChange(
        stack=stack.name, action="left over", resources=len(stack.resources), monthly_usd=_monthly([stack])
    )


def _monthly(stacks: Iterable[Stack]) -> float:
    return round(sum(item.monthly_usd for stack in stacks for item in idle_items(stack.template)), 2)
