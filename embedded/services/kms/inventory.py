"""What the inventory lists of this service."""

from collections.abc import Iterator

from embedded import inventory
from embedded.clients import client


@inventory.kind("keys")
def _keys(account: str, region: str) -> Iterator[str]:
    """Keys that do not wait for their deletion, and are not AWS's own."""
    kms = client("kms", account, region)
    for item in kms.list_keys()["Keys"]:
        found = kms.describe_key(KeyId=item["KeyId"])["KeyMetadata"]
        if found["KeyState"] != "PendingDeletion" and found.get("KeyManager") != "AWS":
            yield item["KeyId"]


@inventory.kind("key aliases")
def _aliases(account: str, region: str) -> Iterator[str]:
    """Those that the account has made, without AWS's own."""
    for page in client("kms", account, region).get_paginator("list_aliases").paginate():
        yield from (item["AliasName"] for item in page["Aliases"] if not item["AliasName"].startswith("alias/aws/"))
