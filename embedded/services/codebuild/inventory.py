"""What the inventory lists of this service."""

from collections.abc import Iterator

from embedded import inventory
from embedded.services.codebuild.store import projects


@inventory.kind("build projects")
def _projects(account: str, region: str) -> Iterator[str]:
    yield from projects(account, region)
