"""The attempts of a launch that the quotas allow, and the first of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from shardyard.handlers.launch.preflight import quotas
from shardyard.handlers.launch.preflight.launch import Launch
from shardyard.handlers.launch.preflight.look import Seen
from shardyard.spec.catalogue.cost import attempts
from shardyard.spec.catalogue.quotas import needed
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.launched import LaunchedSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """The clusters that the launch may run on, in the order of the job's file."""

    specs: Sequence[LaunchedSpec]
    """Those that fit now or later; empty if there are problems."""
    first: int
    """The index of the first attempt."""
    problems: Sequence[Problem]
    """Why none fits."""
    notes: Sequence[str]
    """Notes about quotas for the plan."""


def find_candidates(launch: Launch, seen: Seen) -> Candidates:
    """Compare each attempt with the quotas and their current use."""
    fits_now: list[LaunchedSpec] = []
    fits_later: list[LaunchedSpec] = []
    for_ever, for_now, notes = [], [], []
    for spec in attempts(launch.spec):
        # With preferences, the service takes one that fits, so the best one counts.
        found = [quotas.lines(needed(spec, one), seen.quota_values, seen.usage) for one in spec.compute.alternatives]
        lines = min(found, key=lambda of: (len(quotas.blocked_for_ever(of)), len(quotas.blocked_now(of))))
        notes += quotas.unknown(lines)
        if quotas.blocked_for_ever(lines):
            for_ever += quotas.blocked_for_ever(lines)
        else:
            (fits_later if quotas.blocked_now(lines) else fits_now).append(spec)
            for_now += quotas.blocked_now(lines)
    usable = [spec for spec in attempts(launch.spec) if spec in fits_now or spec in fits_later]
    problems = []
    if not usable:
        problems = [Problem("quotas", text) for text in dict.fromkeys(for_ever)]
    elif not fits_now and launch.spec.queue.max_wait_seconds == 0:
        problems = [Problem("quotas", f"{text}; queue.max_wait is 0, so it does not wait") for text in for_now]
    return Candidates(
        specs=usable,
        first=usable.index(fits_now[0]) if fits_now else 0,
        problems=problems,
        notes=[*dict.fromkeys([*notes, *for_ever, *for_now])],
    )
