"""What IAM is asked for a request to this service."""

from collections.abc import Iterator

from embedded.access import facts
from embedded.access.request_resources import Ask, Params, Where, pass_role
from embedded.protocol import Parsed

_SERVICE = "scheduler.amazonaws.com"


@facts.resource_of("scheduler")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if "ResourceArn" in params:
        return [params["ResourceArn"]]
    if "Name" not in params:
        return None
    if action.endswith("ScheduleGroup"):
        return [where.arn("scheduler", f"schedule-group/{params['Name']}")]
    return [where.arn("scheduler", f"schedule/{params.get('GroupName', 'default')}/{params['Name']}")]


@facts.further("scheduler")
def _further(parsed: Parsed, own: Ask, where: Where) -> Iterator[Ask]:
    if parsed.operation in ("CreateSchedule", "UpdateSchedule"):
        yield pass_role(parsed.params["Target"]["RoleArn"], _SERVICE)
