"""Strategies for what others may have written: any JSON, and what is nearly right."""

import copy
from typing import Any

from hypothesis import strategies as st

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**308, 10**320),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=8),
    st.sampled_from(
        ["", "..", "a/../../b", "\ud800", "\x1b[2J", "\n", "nan", "1e999", "0" * 40, "20261121-073000-ab12"]
    ),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6) | st.just("run_id"), inner, max_size=4)
    ),
    max_leaves=12,
)
"""Any JSON value, with numbers and texts that are unpleasant."""


@st.composite
def nearly(draw: st.DrawFn, right: dict[str, Any], most: int = 4) -> Any:
    """Something right with up to a few of its parts replaced by any JSON, or taken away."""
    found: Any = copy.deepcopy(right)
    for _ in range(draw(st.integers(1, most))):
        place, key = None, None
        at = found
        while isinstance(at, dict | list) and at:
            keys: list[Any] = sorted(at) if isinstance(at, dict) else list(range(len(at)))
            place, key = at, draw(st.sampled_from(keys))
            at = place[key]
            if draw(st.booleans()):
                break
        if place is None:
            return draw(JSON)
        if draw(st.booleans()) and isinstance(place, dict):
            del place[key]
        else:
            place[key] = draw(JSON)
    return found
