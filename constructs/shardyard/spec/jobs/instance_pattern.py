"""A list of instance types as one short pattern, for templates: forty jobs that list two hundred types fill a stack."""

import re
from collections import defaultdict
from collections.abc import Collection

_TYPE = re.compile(r"ml\.([a-z0-9-]+)\.([a-z0-9-]+)")


def instance_pattern(types: Collection[str]) -> str:
    """A pattern that matches these types and nothing else.

    Families with the same sizes share a branch: `ml\\.((c5|c5n)\\.(2|4|9|18)?xlarge|p3dn\\.24xlarge)`.
    """
    sizes: dict[str, set[str]] = defaultdict(set)
    for name in types:
        found = _TYPE.fullmatch(name)
        assert found is not None, name
        sizes[found[1]].add(found[2])
    families: dict[frozenset[str], list[str]] = defaultdict(list)
    for family in sorted(sizes):
        families[frozenset(sizes[family])].append(family)
    branches = [f"{_any(same)}\\.{_any(_sizes(of))}" for of, same in families.items()]
    return f"ml\\.{_any(branches)}"


def _sizes(sizes: Collection[str]) -> list[str]:
    """The sizes as branches, all those of `xlarge` in one of them."""
    numbers = sorted(int(size.removesuffix("xlarge") or 0) for size in sizes if re.fullmatch(r"\d*xlarge", size))
    others = sorted(size for size in sizes if not re.fullmatch(r"\d*xlarge", size))
    if not numbers:
        return others
    counted = [str(number) for number in numbers if number]
    group = f"({'|'.join(counted)})?" if counted and 0 in numbers else _any(counted) if counted else ""
    return [f"{group}xlarge", *others]


def _any(branches: list[str]) -> str:
    return branches[0] if len(branches) == 1 else f"({'|'.join(branches)})"
