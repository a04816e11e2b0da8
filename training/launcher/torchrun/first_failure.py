"""Which rank failed first in an attempt, as its nodes agree on it: the others fail only because of that one."""

from typing import Any

_KEY = "shardyard/first_failure"


def agree(store: Any, at: float, text: str) -> tuple[float, str]:
    """Say when something failed here and what, and hear what failed before that; without a text only hear.

    The store is the attempt's own. Which node speaks first is chance, so the time of the failure decides. The nodes'
    clocks have to agree to a few milliseconds, in which a rank notices a lost peer; else a later failure may count.
    """
    ours = f"{at:.6f} {text}" if text else ""
    known = _exchange(store, "", ours)
    while known != ours and text and at < _parsed(known)[0]:
        known = _exchange(store, known, ours)
    return _parsed(known)


def _exchange(store: Any, expected: str, wanted: str) -> str:
    value: bytes = store.compare_set(_KEY, expected, wanted)
    return value.decode()


def _parsed(known: str) -> tuple[float, str]:
    at, _, text = known.partition(" ")
    return float(at or "inf"), text
