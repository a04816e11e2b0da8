"""What follows a failed attempt: a retry at once, a retry after a wait, the next instance type, or the end."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shardyard.handlers.launch.classify.failures import Failure, Kind, in_minutes

THROTTLED_TRIES = 8
"""How many times in a row a throttled call is retried before the launch gives up."""
_LONGEST_PAUSE_SECONDS = 900


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What the launch does next."""

    again: bool
    """Whether to make another attempt."""
    wait_seconds: int = 1
    """How long to wait before it; Step Functions' Wait does not accept zero."""
    candidate: int = 0
    """The index into the plan's instance types."""
    why: str = ""
    """One sentence for the console and the receipt."""


def decide(failure: Failure, plan: Mapping[str, Any], counts: Mapping[str, int], waited_seconds: float) -> Step:
    """Decide what follows; `counts` is how often each kind has ended an attempt so far, including this one."""
    here = int(plan["candidate"])
    times = counts[failure.kind.name]
    if failure.kind in (Kind.CAPACITY, Kind.LIMIT):
        return _queue(failure, plan, counts, waited_seconds)
    if failure.kind is Kind.THROTTLED and times <= THROTTLED_TRIES:
        return Step(again=True, wait_seconds=_backoff(5, times), candidate=here, why="The call was throttled.")
    if failure.kind is Kind.INTERNAL and times <= plan["internal_retries"]:
        why = f"Internal error of the service, retry {times} of {plan['internal_retries']}."
        return Step(again=True, wait_seconds=_backoff(30, times), candidate=here, why=why)
    if failure.kind is Kind.INTERRUPTED and times <= plan["interruption_resumes"]:
        why = f"Interrupted after a save, resume {times} of {plan['interruption_resumes']}."
        return Step(again=True, wait_seconds=5, candidate=here, why=why)
    return Step(again=False, candidate=here, why=_final(failure, times - 1))


def _queue(failure: Failure, plan: Mapping[str, Any], counts: Mapping[str, int], waited_seconds: float) -> Step:
    """Try the next instance type at once; after the last one, wait and start again with the first."""
    candidates = plan["candidates"]
    following = int(plan["candidate"]) + 1
    if following < len(candidates):
        why = f"{_short(failure)} for {_type(plan, following - 1)}; trying {_type(plan, following)}."
        return Step(again=True, candidate=following, why=why)
    left = float(plan["queue_seconds"]) - waited_seconds
    if left < 1:
        return Step(again=False, candidate=following - 1, why=_gave_up(failure, plan, waited_seconds))
    rounds = math.ceil((counts.get(Kind.CAPACITY.name, 0) + counts.get(Kind.LIMIT.name, 0)) / len(candidates))
    wait = min(_backoff(plan["first_wait_seconds"], rounds, plan["longest_wait_seconds"]), math.ceil(left))
    why = f"{_short(failure)} for {_type(plan, following - 1)}; waiting {wait} s, at most {left:.0f} s in all."
    return Step(again=True, wait_seconds=wait, candidate=0, why=why)


def _backoff(first_seconds: int, times: int, longest_seconds: int = _LONGEST_PAUSE_SECONDS) -> int:
    doublings = min(times - 1, 16)
    return min(longest_seconds, first_seconds << doublings)


def _type(plan: Mapping[str, Any], candidate: int) -> str:
    return str(plan["candidates"][candidate]["instance_type"])


def _short(failure: Failure) -> str:
    if failure.waited_seconds:
        return f"No spot capacity within {in_minutes(failure.waited_seconds)}"
    return _scarce(failure)


def _scarce(failure: Failure) -> str:
    return "No capacity" if failure.kind is Kind.CAPACITY else "The quota is in use"


def _gave_up(failure: Failure, plan: Mapping[str, Any], waited_seconds: float) -> str:
    types = ", ".join(candidate["instance_type"] for candidate in plan["candidates"])
    return f"{_scarce(failure)} for {types} within {waited_seconds:.0f} s of queueing. {failure.message}"


def _final(failure: Failure, tries_before: int) -> str:
    if failure.kind in (Kind.INTERNAL, Kind.INTERRUPTED, Kind.THROTTLED) and tries_before:
        return f"{failure.message} (after {tries_before} tries more)"
    return failure.message
