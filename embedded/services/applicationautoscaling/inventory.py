"""What the inventory lists of this service."""

from collections.abc import Iterator

from embedded import inventory
from embedded.services.applicationautoscaling.records import policies, targets


@inventory.kind("scalable targets")
def _targets(account: str, region: str) -> Iterator[str]:
    return (one.resource for one in targets.values() if (one.account, one.region) == (account, region))


@inventory.kind("scaling policies")
def _policies(account: str, region: str) -> Iterator[str]:
    return (one.name for one in policies.values() if (one.target.account, one.target.region) == (account, region))
