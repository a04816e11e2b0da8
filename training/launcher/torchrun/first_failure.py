"""Which rank failed first in an attempt, as its nodes agree on it: the others fail only because of that one."""

from typing import Any, NamedTuple

_KEY = "shardyard/first_failure"


class FirstFailure(NamedTuple):
    """A failure of a rank; as it is made, none."""

    at: float = float("inf")
    """When, by its node's clock."""

    code: int = 1
    """The launcher's exit code because of it, on every node."""

    text: str = ""
    """What to say of it."""


def agree(store: Any, ours: FirstFailure) -> FirstFailure:
    """Say when something failed here and what, and hear what failed before that; without a text only hear.

    The store is the attempt's own. Which node speaks first is chance, so the time of the failure decides. The nodes'
    clocks have to agree to a few milliseconds, in which a rank notices a lost peer; else a later failure may count.
    """
    said = f"{ours.at:.6f} {ours.code} {ours.text}" if ours.text else ""
    known = _exchange(store, "", said)
    while known != said and ours.text and ours.at < _parsed(known).at:
        known = _exchange(store, known, said)
    return _parsed(known)


def _exchange(store: Any, expected: str, wanted: str) -> str:
    value: bytes = store.compare_set(_KEY, expected, wanted)
    return value.decode()


def _parsed(known: str) -> FirstFailure:
    if not known:
        return FirstFailure()
    at, code, text = known.split(" ", 2)
    return FirstFailure(float(at), int(code), text)
