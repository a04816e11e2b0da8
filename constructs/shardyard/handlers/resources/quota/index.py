"""Custom resource: a quota has at least a given value, or a request for it is open.

Never lowers a quota, opens no second request, does nothing on delete: what AWS granted stays granted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws, service_quotas
from shardyard.handlers.cfn_response import Answer, Refused, Request, custom_resource
from shardyard.handlers.service_quotas import Quota


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The state of a quota after the deploy."""

    status: str
    """SUFFICIENT: it was high enough. GRANTED: raised now. PENDING: AWS is deciding."""
    quota: Quota
    case_id: str
    message: str


def ensure(client: Any, *, service: str, name: str, at_least: float) -> Outcome:
    """Request a quota if it is too low."""
    quota = service_quotas.find(client, service, name)
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
    """Request on create and update; delete leaves what AWS granted."""
    physical_id = f"{request.properties['ServiceCode']}/{request.properties['QuotaName']}"
    if request.kind == "Delete":
        return Answer(physical_id=request.physical_id)
    return Answer(physical_id=physical_id, data=answer(aws.clients("service-quotas"), request.properties))


def answer(client: Any, properties: Mapping[str, Any]) -> dict[str, str]:
    """The resource's attributes; raises Refused if the deploy must fail."""
    name = properties["QuotaName"]
    try:
        outcome = ensure(client, service=properties["ServiceCode"], name=name, at_least=float(properties["AtLeast"]))
    except ClientError as error:
        raise Refused(f"{name!r}: {service_quotas.reason(error)}.") from error
    if outcome.status == "PENDING" and properties.get("FailWhenPending") == "true":
        case = f" (case {outcome.case_id})" if outcome.case_id else ""
        raise Refused(f"{outcome.message}{case} The setting quotas.fail_when_pending makes that fail the deploy.")
    return {
        "Status": outcome.status,
        "QuotaCode": outcome.quota.code,
        "Value": f"{outcome.quota.value:g}",
        "CaseId": outcome.case_id,
        "Message": outcome.message,
    }
