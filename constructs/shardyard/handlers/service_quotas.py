"""Service Quotas for two handlers: find a quota by name, and explain errors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers.cfn_response import Refused
from shardyard.spec.errors import nearest

OPEN = ("PENDING", "CASE_OPENED")
"""The states of a request that AWS has not decided."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """One quota in this account and region."""

    service: str
    code: str
    name: str
    value: float
    adjustable: bool


def quotas(client: Any, service: str) -> Iterator[Quota]:
    """Every quota of a service: the applied values, then AWS's defaults for those that have none."""
    seen = set()
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode=service):
            for found in page["Quotas"]:
                # A quota whose value the service could not determine comes without it; AWS's default then counts.
                if found["QuotaCode"] not in seen and "Value" in found:
                    seen.add(found["QuotaCode"])
                    yield Quota(
                        service=service,
                        code=found["QuotaCode"],
                        name=found["QuotaName"],
                        value=float(found["Value"]),
                        adjustable=bool(found["Adjustable"]),
                    )


def named(found: Mapping[str, Quota], service: str, name: str) -> Quota:
    """The quota of that name among a service's; an unknown name is an error with the nearest ones."""
    if not found:
        raise Refused(f"Service Quotas lists nothing for the service {service!r} in this region.")
    if name not in found:
        raise Refused(f"There is no quota {name!r} for {service}; {nearest(name, list(found))}")
    return found[name]


def open_request(client: Any, quota: Quota) -> dict[str, Any] | None:
    """The undecided request for this quota, or None."""
    pages = client.get_paginator("list_requested_service_quota_change_history_by_quota")
    for page in pages.paginate(ServiceCode=quota.service, QuotaCode=quota.code):
        for request in page["RequestedQuotas"]:
            if request["Status"] in OPEN:
                return dict(request)
    return None


_REASONS = {
    "AccessDeniedException": "this role may not call {operation}; allow servicequotas:{operation} in its policy and "
    "in the organisation's service control policies",
    "TooManyRequestsException": "Service Quotas refused {operation} as too frequent, after all retries; deploy again",
    "ThrottlingException": "Service Quotas refused {operation} as too frequent, after all retries; deploy again",
    "QuotaExceededException": "this account has as many open quota requests as AWS allows; wait for one, deploy again",
    "DependencyAccessDeniedException": "the organisation does not let Service Quotas act here ({operation})",
    "NoSuchResourceException": "{operation} does not know this quota in this region",
}


def reason(error: ClientError) -> str:
    """What the service's error means, in one sentence."""
    answer = error.response["Error"]
    known = _REASONS.get(answer["Code"])
    if known is None:
        return f"{error.operation_name} answered {answer['Code']}: {answer.get('Message', '')}"
    return known.format(operation=error.operation_name)
