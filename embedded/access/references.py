"""Whether what a request names is there.

The service that has such things registers how to find out, and how it says that one is not there. Other services'
checks ask here, and refuse in their own words. The principals of policies are looked up here: access knows IAM itself.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from embedded.access.evaluation.conditions import as_list
from embedded.operations import Call


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """How a service says that something of its own is not there."""

    operation: str
    """The operation that says so."""

    code: str
    message: str


Finder = Callable[[Call, str], Missing | None]
_finders: dict[str, Finder] = {}


def owner_of(kind: str) -> Callable[[Finder], Finder]:
    """Register who has things of a kind: called with a name, answers None if the thing is there."""

    def register(function: Finder) -> Finder:
        _finders[kind] = function
        return function

    return register


def kinds() -> list[str]:
    """Every kind that has an owner, in order."""
    return sorted(_finders)


def first_missing(call: Call, names: Mapping[str, Iterable[str]]) -> Missing | None:
    """The first of the named things, by kind, that is not there; None if all are."""
    found = (_finders[kind](call, name) for kind, items in names.items() for name in items)
    return next((item for item in found if item is not None), None)


def exists(call: Call, kind: str, name: str) -> bool:
    """Whether one thing is there."""
    return first_missing(call, {kind: [name]}) is None


def missing_principals(text: Any, region: str) -> Iterator[str]:
    """The roles and users that a policy names and that are not there; what services make for themselves counts."""
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return  # whoever answers the request says what is wrong with its text
    for statement in as_list(document.get("Statement")):
        principal = statement.get("Principal")
        for arn in as_list(principal.get("AWS")) if isinstance(principal, Mapping) else ():
            kind = str(arn).partition(":iam::")[2].partition(":")[2].partition("/")[0]
            if kind in ("role", "user") and ":role/aws-service-role/" not in arn and not _entity_exists(arn, region):
                yield arn


def _entity_exists(arn: str, region: str) -> bool:
    backend = iam_backends[arn.split(":")[4]][get_partition(region)]
    return any(item.arn == arn for item in (*list(backend.roles.values()), *list(backend.users.values())))
