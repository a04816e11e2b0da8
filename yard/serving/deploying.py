"""A new model for an endpoint: one value of its stack's parameter, watched until it is in service or gone again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from yard.aws import Aws
from yard.errors import UserError
from yard.serving.endpoints import Standing, standing
from yard.serving.outcome import Outcome, conclude

_POLL_SECONDS = 2.0
_BROKEN = "UPDATE_ROLLBACK_FAILED"
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """How a deployment ended, and how the endpoint stands then."""

    outcome: Outcome
    standing: Standing


def deploy(aws: Aws, name: str, values: Mapping[str, str], say: Say, *, poll: float = _POLL_SECONDS) -> Deployed:
    """Give the endpoint's stack these values of its parameters, and wait for the end.

    A silent rollback is followed by a second update with the values from before, so that the stack asks for what
    serves, and the next deploy finds something to do.
    """
    before = ready(aws, name, say, poll=poll)
    _update(aws, before, values)
    after = _wait(aws, name, say, poll)
    ended = _conclude(aws, after)
    if not ended.put_back:
        return Deployed(outcome=ended, standing=after)
    say(f"{ended.says}; giving the stack back what it had")
    _update(aws, after, {key: before.parameters.get(key, "") for key in values})
    return Deployed(outcome=ended, standing=_wait(aws, name, say, poll))


def ready(aws: Aws, name: str, say: Say, *, poll: float = _POLL_SECONDS) -> Standing:
    """The endpoint's stack, ready for an update: one whose rollback failed is taken to the end of it first."""
    found = standing(aws, name)
    if found.stack_status == _BROKEN:
        say(f"{found.stack} is {_BROKEN}: going on with its rollback")
        aws.client("cloudformation").continue_update_rollback(StackName=found.stack)
        found = _wait(aws, name, say, poll)
    if found.stack_status.endswith("_IN_PROGRESS"):
        raise UserError(f"{found.stack} is {found.stack_status}: another deploy runs.", "Wait for its end.")
    if found.stack_status == _BROKEN or found.stack_status.endswith("_FAILED"):
        raise UserError(
            f"{found.stack} is {found.stack_status}, and an update is not possible.",
            f"See why: aws cloudformation describe-stack-events --stack-name {found.stack}",
        )
    return found


def _update(aws: Aws, before: Standing, values: Mapping[str, str]) -> None:
    from botocore.exceptions import ClientError

    unknown = sorted(set(values) - set(before.parameters))
    if unknown:
        raise UserError(
            f"The stack {before.stack} has no parameter {', '.join(unknown)}; an older version deployed it.",
            f"Deploy it again: npx cdk deploy {before.stack}",
        )
    kept = [{"ParameterKey": key, "UsePreviousValue": True} for key in before.parameters if key not in values]
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    try:
        aws.client("cloudformation").update_stack(
            StackName=before.stack,
            UsePreviousTemplate=True,
            Parameters=[*kept, *given],
            Capabilities=list(_CAPABILITIES),
        )
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise


def _wait(aws: Aws, name: str, say: Say, poll: float) -> Standing:
    """Until CloudFormation is through; each change of the endpoint is said once."""
    last = ""
    while True:
        found = standing(aws, name)
        told = _phase(found)
        if told != last:
            say(told)
            last = told
        if not found.stack_status.endswith("_IN_PROGRESS"):
            return found
        time.sleep(poll)


def _phase(found: Standing) -> str:
    """The stack's status, the endpoint's, and what its variants go through."""
    words = [found.stack_status, found.status]
    pending = (found.described or {}).get("PendingDeploymentSummary", {})
    for variant in pending.get("ProductionVariants", ()):
        phases = ", ".join(one["Status"] for one in variant.get("VariantStatus", ()))
        words.append(f"{variant['VariantName']} {phases}".strip())
    return " / ".join(words)


def _conclude(aws: Aws, found: Standing) -> Outcome:
    described = found.described or {}
    reason = str(described.get("FailureReason", "")) or _first_failure(aws, found)
    status = described.get("EndpointStatus")
    return conclude(found.stack_status, asked=found.asked, serving=found.serving, status=status, reason=reason)


def _first_failure(aws: Aws, found: Standing) -> str:
    """Why the newest update failed: the first resource that did, as CloudFormation tells it."""
    if "ROLLBACK" not in found.stack_status:
        return ""
    first = ""
    for event in aws.client("cloudformation").describe_stack_events(StackName=found.stack)["StackEvents"]:
        if event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] == "UPDATE_IN_PROGRESS":
            break
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in event.get("ResourceStatusReason", ""):
            first = str(event.get("ResourceStatusReason", ""))
    return first
