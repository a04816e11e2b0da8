"""Service Quotas for SageMaker: what holds, and requests for more, which stay open until someone approves them."""

import base64
import datetime
import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from moto.servicequotas.models import servicequotas_backends

from embedded import limits
from embedded.clients import DEFAULT_ACCOUNT
from embedded.kept import parts
from embedded.moto_errors import as_service_errors
from embedded.operations import Call, Params, ServiceError, admin, amount, operation
from embedded.services.servicequotas.catalogue import SERVICE, SERVICE_NAME, Quota, by_name, quotas
from shardyard.spec.errors import nearest

OPEN = ("PENDING", "CASE_OPENED")
_MOST_OPEN = 20
_lock = threading.Lock()
_values: dict[tuple[str, str | None, str], float] = {}
_requests: list[dict[str, Any]] = []
parts.keep_contents("servicequotas.values", _values)
parts.keep_contents("servicequotas.requests", _requests)


@limits.keeper
def granted(account: str, region: str, quota_name: str) -> float | None:
    """What an account has of a quota; None for a name that SageMaker does not have."""
    for key in ((account, region, quota_name), (account, None, quota_name)):
        if key in _values:
            return _values[key]
    quota = by_name().get(quota_name)
    return None if quota is None else quota.default


def _found(params: Params) -> Quota:
    _check_service(params["ServiceCode"])
    quota = quotas().get(params["QuotaCode"])
    if quota is None:
        text = f"The request failed because the specified quota {params['QuotaCode']} does not exist."
        raise ServiceError("NoSuchResourceException", text)
    return quota


def _check_service(code: str) -> None:
    if code != SERVICE:
        text = f"The request failed because the specified service {code} does not exist."
        raise ServiceError("NoSuchResourceException", text)


def _arn(call: Call, code: str) -> str:
    return f"arn:aws:servicequotas:{call.region}:{call.account}:{SERVICE}/{code}"


def _shown(call: Call, quota: Quota, value: float) -> dict[str, Any]:
    return {
        "ServiceCode": SERVICE,
        "ServiceName": SERVICE_NAME,
        "QuotaArn": _arn(call, quota.code),
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _page(items: Sequence[Any], params: Params) -> tuple[list[Any], dict[str, str]]:
    begin = 0
    if params.get("NextToken"):
        try:
            begin = int(base64.b64decode(params["NextToken"]))
        except ValueError as error:
            raise ServiceError("InvalidPaginationTokenException", "Invalid NextToken.") from error
    end = begin + int(params.get("MaxResults") or 100)
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return list(items[begin:end]), more


@operation("service-quotas", "ListServices")
def list_services(call: Call, params: Params) -> dict[str, Any]:
    """The services whose quotas this cloud knows."""
    return {"Services": [{"ServiceCode": SERVICE, "ServiceName": SERVICE_NAME}]}


@operation("service-quotas", "ListServiceQuotas")
def list_service_quotas(call: Call, params: Params) -> dict[str, Any]:
    """The values that hold, page by page: there are well over a thousand."""
    _check_service(params["ServiceCode"])
    page, more = _page(list(quotas().values()), params)
    return {"Quotas": [_shown(call, one, _value(call, one)) for one in page], **more}


def _value(call: Call, quota: Quota) -> float:
    value = granted(call.account, call.region, quota.name)
    assert value is not None
    return value


@operation("service-quotas", "ListAWSDefaultServiceQuotas")
def list_default_quotas(call: Call, params: Params) -> dict[str, Any]:
    """AWS's defaults, page by page; those of VPC are moto's."""
    if params["ServiceCode"] == "vpc":
        with as_service_errors():
            return {"Quotas": servicequotas_backends[call.account][call.region].list_aws_default_service_quotas("vpc")}
    _check_service(params["ServiceCode"])
    page, more = _page(list(quotas().values()), params)
    return {"Quotas": [_shown(call, one, one.default) for one in page], **more}


@operation("service-quotas", "GetServiceQuota")
def get_service_quota(call: Call, params: Params) -> dict[str, Any]:
    """One value that holds."""
    if params["ServiceCode"] == "vpc":
        backend = servicequotas_backends[call.account][call.region]
        with as_service_errors():
            return {"Quota": backend.get_service_quota("vpc", params["QuotaCode"])}
    quota = _found(params)
    return {"Quota": _shown(call, quota, _value(call, quota))}


@operation("service-quotas", "GetAWSDefaultServiceQuota")
def get_default_quota(call: Call, params: Params) -> dict[str, Any]:
    """One of AWS's defaults."""
    quota = _found(params)
    return {"Quota": _shown(call, quota, quota.default)}


@operation("service-quotas", "RequestServiceQuotaIncrease")
def request_increase(call: Call, params: Params) -> dict[str, Any]:
    """Ask for more; the request stays open until it is approved by `approve-quota`."""
    quota = _found(params)
    desired = float(params["DesiredValue"])
    with _lock:
        if desired <= _value(call, quota):
            text = "You must provide a quota value greater than the current quota value."
            raise ServiceError("IllegalArgumentException", text)
        mine = [one for one in _requests if (one["account"], one["region"]) == (call.account, call.region)]
        opened = [one for one in mine if one["shown"]["Status"] in OPEN]
        if any(one["shown"]["QuotaCode"] == quota.code for one in opened):
            text = "Only one open service quota increase request is allowed per quota."
            raise ServiceError("ResourceAlreadyExistsException", text)
        if len(opened) >= _MOST_OPEN:
            raise ServiceError("QuotaExceededException", "You have exceeded the quota of open requests.")
        now = datetime.datetime.now(tz=datetime.UTC)
        shown = {
            "Id": uuid.uuid4().hex + uuid.uuid4().hex[:8],
            "ServiceCode": SERVICE,
            "ServiceName": SERVICE_NAME,
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "DesiredValue": desired,
            "Status": "PENDING",
            "Created": now,
            "LastUpdated": now,
            "Requester": json.dumps({"accountId": call.account, "callerArn": call.principal}),
            "QuotaArn": _arn(call, quota.code),
            "GlobalQuota": False,
            "Unit": "None",
            "QuotaRequestedAtLevel": "ACCOUNT",
        }
        _requests.append({"account": call.account, "region": call.region, "shown": shown})
    return {"RequestedQuota": shown}


def _history(call: Call, params: Params, code: str | None) -> dict[str, Any]:
    found = [
        one["shown"]
        for one in reversed(_requests)
        if (one["account"], one["region"]) == (call.account, call.region)
        and params.get("ServiceCode", SERVICE) == SERVICE
        and code in (None, one["shown"]["QuotaCode"])
        and params.get("Status") in (None, one["shown"]["Status"])
    ]
    page, more = _page(found, params)
    return {"RequestedQuotas": page, **more}


@operation("service-quotas", "ListRequestedServiceQuotaChangeHistory")
def list_history(call: Call, params: Params) -> dict[str, Any]:
    """All requests, the newest first."""
    return _history(call, params, None)


@operation("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota")
def list_history_by_quota(call: Call, params: Params) -> dict[str, Any]:
    """One quota's requests, the newest first."""
    return _history(call, params, _found(params).code)


@operation("service-quotas", "GetRequestedServiceQuotaChange")
def get_request(call: Call, params: Params) -> dict[str, Any]:
    """One request."""
    for one in _requests:
        if one["shown"]["Id"] == params["RequestId"] and one["account"] == call.account:
            return {"RequestedQuota": one["shown"]}
    raise ServiceError("NoSuchResourceException", f"No request {params['RequestId']} exists.")


@admin("quota")
def set_quota(params: Params) -> dict[str, Any]:
    """Set what an account has: {name, value, region?, account?}; without a region, in all of them."""
    name, account, region = params["name"], params.get("account") or DEFAULT_ACCOUNT, params.get("region")
    if name not in by_name():
        raise ServiceError("NoSuchResourceException", f"no quota {name!r}; {nearest(name, list(by_name()))}")
    value = amount("value", params["value"])
    _set(account, region, name, value)
    return {"name": name, "code": by_name()[name].code, "value": value, "region": region or "all"}


def _set(account: str, region: str | None, name: str, value: float) -> None:
    with _lock:
        if region is None:
            for key in [key for key in _values if (key[0], key[2]) == (account, name)]:
                del _values[key]
        _values[account, region, name] = value


@admin("approve-quota")
def approve_quota(params: Params) -> dict[str, Any]:
    """Decide open requests: {name?, id?, deny?}; without a name or an id, all of them."""
    decided: list[Mapping[str, Any]] = []
    for one in _requests:
        shown = one["shown"]
        if shown["Status"] not in OPEN:
            continue
        if params.get("name") not in (None, shown["QuotaName"]) or params.get("id") not in (None, shown["Id"]):
            continue
        shown["Status"] = "DENIED" if params.get("deny") else "APPROVED"
        shown["LastUpdated"] = datetime.datetime.now(tz=datetime.UTC)
        if not params.get("deny"):
            _set(one["account"], one["region"], shown["QuotaName"], shown["DesiredValue"])
        decided.append({"name": shown["QuotaName"], "value": shown["DesiredValue"], "status": shown["Status"]})
    if not decided and (params.get("name") or params.get("id")):
        waiting = ", ".join(one["shown"]["QuotaName"] for one in _requests if one["shown"]["Status"] in OPEN) or "none"
        text = f"no open request for {params.get('name') or params.get('id')!r}; open: {waiting}"
        raise ServiceError("NoSuchResourceException", text)
    return {"decided": decided}
