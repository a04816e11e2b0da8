"""What the inventory lists of this service."""

from collections.abc import Iterator

from embedded import inventory
from embedded.clients import client

inventory.listed("roles", "iam", "list_roles", "Roles", "RoleName")


@inventory.kind("policies")
def _policies(account: str, region: str) -> Iterator[str]:
    """The account's own, without AWS's."""
    for page in client("iam", account, region).get_paginator("list_policies").paginate(Scope="Local"):
        yield from (item["Arn"] for item in page["Policies"])
