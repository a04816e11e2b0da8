"""The order in which CloudFormation tells parameters and types: that of a hash map, not of the template.

Every list of parameters and of resource identifiers that was recorded from AWS, 2022 to 2025, has the order of Java's
HashMap (localstack/localstack, tests/aws/services/cloudformation/**/*.snapshot.json, read 1 December 2026).
"""

from collections.abc import Iterable

_LEAST_BUCKETS = 16
_LOAD = 0.75


def hashed(names: Iterable[str]) -> list[str]:
    """The names as a hash map of them would list them; those of one bucket stay in their order."""
    items = list(names)
    buckets = _LEAST_BUCKETS
    while len(items) > _LOAD * buckets:
        buckets *= 2
    return sorted(items, key=lambda name: _bucket(name, buckets))


def _bucket(name: str, buckets: int) -> int:
    code = 0
    for character in name:
        code = (31 * code + ord(character)) & 0xFFFFFFFF
    return (code ^ code >> 16) & buckets - 1
