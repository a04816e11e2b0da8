"""Plans, and incidents that follow them."""

import datetime
from typing import Any

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, operation

from .store import INCIDENTS, PLANS

_SERVICE = "ssm-incidents"


def start(arn: str, title: str) -> str:
    """Begin an incident after a plan."""
    record = f"{arn.replace(':response-plan/', ':incident-record/')}/{len(INCIDENTS) + 1}"
    begun = datetime.datetime.now(datetime.UTC)
    source = {"createdBy": arn, "source": f"aws.{_SERVICE}"}
    fields = {"arn": record, "creationTime": begun, "impact": 1, "incidentRecordSource": source, "status": "OPEN"}
    INCIDENTS.append({**fields, "title": title})
    return record


@operation(_SERVICE, "CreateResponsePlan")
def create(call: Call, params: Params) -> dict[str, Any]:
    """Keep a plan."""
    arn = f"arn:aws:{_SERVICE}::{call.account}:response-plan/{params['name']}"
    PLANS[arn] = {"arn": arn, "name": params["name"], "incidentTemplate": params["incidentTemplate"]}
    return {"arn": arn}


@operation(_SERVICE, "GetResponsePlan")
def get(call: Call, params: Params) -> dict[str, Any]:
    """Describe a plan."""
    _require(call, params["arn"])
    return PLANS[params["arn"]]


@operation(_SERVICE, "ListResponsePlans")
def list_plans(call: Call, params: Params) -> dict[str, Any]:
    """List the account's plans."""
    return {
        "responsePlanSummaries": [
            {"arn": arn, "name": plan["name"]} for arn, plan in PLANS.items() if arn.split(":")[4] == call.account
        ]
    }


@operation(_SERVICE, "DeleteResponsePlan")
def delete(call: Call, params: Params) -> dict[str, Any]:
    """Forget a plan."""
    _require(call, params["arn"])
    del PLANS[params["arn"]]
    return {}


@operation(_SERVICE, "ListIncidentRecords")
def list_incidents(call: Call, params: Params) -> dict[str, Any]:
    """List the incidents of the account's plans."""
    return {"incidentRecordSummaries": [item for item in INCIDENTS if item["arn"].split(":")[4] == call.account]}


def _require(call: Call, arn: str) -> None:
    missing = references.first_missing(call, {"response plan": [arn]})
    if missing is not None:
        raise ServiceError(missing.code, missing.message, 404)
