"""What tests of templates share."""

from collections.abc import Callable

from checks.rules.model import Assembly, Resource
from checks.scenarios import Synthesised

Scenario = Callable[[str], Synthesised]


def one(assembly: Assembly, type_: str, part: str) -> Resource:
    """The only resource of a type whose logical id begins like this."""
    found = [resource for resource in assembly.resources(type_) if resource.logical_id.startswith(part)]
    assert len(found) == 1, [resource.where for resource in assembly.resources(type_)]
    return found[0]
