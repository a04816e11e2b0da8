"""Search for training jobs: by tags and by the properties that a job is described with. Moto answers for all others."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from moto.sagemaker.models import sagemaker_backends

from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.sagemaker.training.store import store
from embedded.settings import current

_NOT_SEARCHED = frozenset(
    {"InfraCheckConfig", "MlflowConfig", "ProfilerRuleConfigurations", "ProfilingStatus", "RemoteDebugConfig"}
)
"""What DescribeTrainingJob answers and a search does not."""
_TESTS: Mapping[str, Callable[[str | None, str], bool]] = {
    "Equals": lambda found, wanted: found == wanted,
    "NotEquals": lambda found, wanted: found != wanted,
    "Contains": lambda found, wanted: found is not None and wanted in found,
    "In": lambda found, wanted: found in wanted.split(","),
    "Exists": lambda found, wanted: found is not None,
    "NotExists": lambda found, wanted: found is None,
}


@operation("sagemaker", "Search")
def search(call: Call, params: Params) -> Mapping[str, Any]:
    """The newest change first, unless the request asks for another order."""
    expression = params.get("SearchExpression", {})
    if params["Resource"] != "TrainingJob":
        found: Mapping[str, Any] = sagemaker_backends[call.account][call.region].search(params["Resource"], expression)
        return found
    _refuse_what_is_not_searched(expression)
    described = [
        {**job.describe(current.spot_billable_ratio), "Tags": job.tags} for job in store.jobs(call.account, call.region)
    ]
    either = any if expression.get("Operator") == "Or" else all
    filters = expression.get("Filters", [])
    jobs = [job for job in described if not filters or either(_holds(job, one) for one in filters)]
    key = params.get("SortBy", "LastModifiedTime")
    jobs.sort(key=lambda job: job[key], reverse=params.get("SortOrder", "Descending") == "Descending")
    start = _page_start(params.get("NextToken"))
    end = start + params.get("MaxResults", 10)
    records = [{name: value for name, value in job.items() if name not in _NOT_SEARCHED} for job in jobs[start:end]]
    answer: dict[str, Any] = {
        "Results": [{"TrainingJob": record} for record in records],
        "TotalHits": {"Value": len(jobs), "Relation": "EqualTo"},
    }
    if end < len(jobs):
        answer["NextToken"] = base64.b64encode(str(end).encode()).decode()
    return answer


def _refuse_what_is_not_searched(expression: Mapping[str, Any]) -> None:
    unknown = [name for name in ("NestedFilters", "SubExpressions") if expression.get(name)]
    unknown += [one["Operator"] for one in expression.get("Filters", ()) if one.get("Operator", "Equals") not in _TESTS]
    if unknown:
        raise ServiceError("ValidationException", f"the embedded cloud does not search by {', '.join(unknown)}")


def _holds(job: Mapping[str, Any], condition: Mapping[str, str]) -> bool:
    name = condition["Name"]
    if name.startswith("Tags."):
        tags = {tag["Key"]: tag["Value"] for tag in job["Tags"]}
        value = tags.get(name.removeprefix("Tags."))
    else:
        value = job.get(name)
    found = value if value is None else str(value)
    return _TESTS[condition.get("Operator", "Equals")](found, condition.get("Value", ""))


def _page_start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except ValueError:
        raise ServiceError("ValidationException", "The NextToken is invalid.") from None
