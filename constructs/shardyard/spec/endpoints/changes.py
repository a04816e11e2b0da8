"""What may not change about an endpoint that stands: SageMaker refuses it in the middle of a deploy."""

from collections.abc import Iterator

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem

_WAY = "take [variants.{name}.scaling] out and deploy, then make this change and put it back"


def refused_changes(before: EndpointSpec, after: EndpointSpec) -> Iterator[Problem]:
    """A problem for each change of a deployed endpoint that its scaling forbids.

    A variant that is registered for scaling keeps its instance type and stays. Registration ends with the deploy that
    takes the scaling out: CloudFormation removes what is no longer in a template last.
    """
    for name in before.scaled:
        way, now = _WAY.format(name=name), after.variants.get(name)
        if now is None:
            yield Problem(f"variants.{name}", f"it is deployed, and scales, so it cannot go at once ({way})")
        elif now.instance_type != before.variants[name].instance_type:
            kind, other = before.variants[name].instance_type, now.instance_type
            said = f"{kind} is deployed, and scales, so it cannot become {other} at once ({way})"
            yield Problem(f"variants.{name}.instance_type", said)
    if (before.kind == "serverless") != (after.kind == "serverless"):
        said = f"{before.kind!r} is deployed and cannot become {after.kind!r} (write a file of another name)"
        yield Problem("kind", said)
