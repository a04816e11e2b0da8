"""Custom resource: each of some quotas has at least a given value, or a request for it is open.

Never lowers a quota, opens no second request, does nothing on delete: what AWS granted stays granted. One resource
for all quotas of a stack: their thousands are read once, in pages, and Service Quotas answers few calls a second.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws, service_quotas
from shardyard.handlers.cfn_response import Answer, Refused, Request, custom_resource
from shardyard.handlers.service_quotas import Quota

_MOST_LETTERS = 2500


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The state of a quota after the deploy."""

    status: str
    """SUFFICIENT: it was high enough. GRANTED: raised now. PENDING: AWS is deciding."""
    quota: Quota
    case_id: str
    message: str


def ensure(client: Any, quota: Quota, *, at_least: float) -> Outcome:
    """Request a quota if it is too low."""
    name = quota.name
    if quota.value >= at_least:
        return Outcome(
            status="SUFFICIENT",
            quota=quota,
            case_id="",
            message=f"{name} is {quota.value:g}; {at_least:g} or more is needed.",
        )
    if not quota.adjustable:
        raise Refused(
            f"{name!r} is {quota.value:g} and cannot be raised: AWS marks it as not adjustable. "
            f"Require {quota.value:g} or less, or use another instance type."
        )
    pending = service_quotas.open_request(client, quota)
    if pending is None:
        pending = _request(client, quota, at_least)
    return _outcome(quota, pending, at_least)


def _request(client: Any, quota: Quota, desired: float) -> dict[str, Any]:
    try:
        answer = client.request_service_quota_increase(
            ServiceCode=quota.service, QuotaCode=quota.code, DesiredValue=desired
        )
        return dict(answer["RequestedQuota"])
    except ClientError as error:
        # Another stack opened a request in between, which serves as well.
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
        other = service_quotas.open_request(client, quota)
        if other is None:
            raise
        return other


def _outcome(quota: Quota, request: dict[str, Any], at_least: float) -> Outcome:
    asked = float(request["DesiredValue"])
    case_id = str(request.get("CaseId") or "")
    if request["Status"] == "APPROVED":
        return Outcome(status="GRANTED", quota=quota, case_id=case_id, message=f"{quota.name} was raised to {asked:g}.")
    message = f"{quota.name} is {quota.value:g}; a request for {asked:g} is open"
    if asked < at_least:
        message += f", which is less than the {at_least:g} needed: deploy again when it is decided"
    return Outcome(status="PENDING", quota=quota, case_id=case_id, message=message + ".")


@custom_resource
def handler(request: Request) -> Answer:
    """Request on create and update; delete leaves what AWS granted, and what is asked for stays asked for."""
    if request.kind == "Delete":
        return Answer(physical_id=request.physical_id)
    return Answer(physical_id="service-quotas", data=answer(aws.clients("service-quotas"), request.properties))


def answer(client: Any, properties: Mapping[str, Any]) -> dict[str, str]:
    """The resource's attributes; raises Refused, with every reason at once, if the deploy must fail."""
    outcomes: list[Outcome] = []
    refusals: list[str] = []
    for service, wanted in _by_service(properties["Quotas"]):
        try:
            found = {quota.name: quota for quota in service_quotas.quotas(client, service)}
        except ClientError as error:
            refusals.append(f"{service}: {service_quotas.reason(error)}.")
            continue
        for one in wanted:
            try:
                quota = service_quotas.named(found, service, one["QuotaName"])
                outcomes.append(ensure(client, quota, at_least=float(one["AtLeast"])))
            except Refused as refused:
                refusals.append(str(refused))
            except ClientError as error:
                refusals.append(f"{one['QuotaName']!r}: {service_quotas.reason(error)}.")
    pending = [outcome for outcome in outcomes if outcome.status == "PENDING"]
    if pending and properties["FailWhenPending"] == "true":
        refusals += [f"{outcome.message}{_case(outcome)}" for outcome in pending]
        refusals.append("The setting quotas.fail_when_pending makes that fail the deploy.")
    if refusals:
        raise Refused(" ".join(refusals))
    counts = Counter(outcome.status for outcome in outcomes)
    return {
        "Summary": ", ".join(f"{counts[status]} {status}" for status in ("SUFFICIENT", "GRANTED", "PENDING")),
        "Pending": _cut("; ".join(f"{outcome.quota.name}{_case(outcome)}" for outcome in pending)) or "none",
    }


def _by_service(wanted: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    for service in sorted({one["ServiceCode"] for one in wanted}):
        yield service, [one for one in wanted if one["ServiceCode"] == service]


def _case(outcome: Outcome) -> str:
    return f" (case {outcome.case_id})" if outcome.case_id else ""


def _cut(text: str) -> str:
    """The whole answer of a custom resource holds 4,096 bytes."""
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}..."
