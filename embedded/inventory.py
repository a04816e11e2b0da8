"""Everything in an account, listed by kind. Comparing two inventories shows what was left behind.

Each service registers its own kinds of things from its folder.
"""

from collections.abc import Callable, Iterator
from typing import Any

from embedded.clients import DEFAULT_ACCOUNT, DEFAULT_REGION, client
from embedded.operations import Params, admin

Lister = Callable[[str, str], Iterator[str]]

_kinds: dict[str, Lister] = {}


def kind(name: str) -> Callable[[Lister], Lister]:
    """Register what lists the things of one kind: called with the account and the region, yields their names."""

    def register(function: Lister) -> Lister:
        if name in _kinds:
            raise ValueError(f"the inventory has a kind {name!r} already, from {_kinds[name].__module__}")
        _kinds[name] = function
        return function

    return register


def listed(name: str, service: str, operation: str, items: str, field: str) -> None:
    """Register a kind that one operation of boto3 lists: where the answer has the things, and what names each."""

    @kind(name)
    def names(account: str, region: str) -> Iterator[str]:
        api = client(service, account, region)
        pages = api.get_paginator(operation).paginate() if api.can_paginate(operation) else [getattr(api, operation)()]
        for page in pages:
            yield from (item[field] for item in page.get(items, ()))


def kinds() -> list[str]:
    """Every registered kind, in order."""
    return sorted(_kinds)


def inventory(account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION) -> dict[str, list[str]]:
    """The names of everything, by kind; kinds of which there is nothing are left out."""
    found = {name: sorted(lister(account, region)) for name, lister in sorted(_kinds.items())}
    return {name: names for name, names in found.items() if names}


@admin("inventory")
def _inventory_verb(params: Params) -> dict[str, Any]:
    return {"inventory": inventory(params.get("account", DEFAULT_ACCOUNT), params.get("region", DEFAULT_REGION))}


def left_behind(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """What is in `after` and was not in `before`."""
    extra = {kind: sorted(set(names) - set(before.get(kind, ()))) for kind, names in after.items()}
    return {kind: names for kind, names in extra.items() if names}
