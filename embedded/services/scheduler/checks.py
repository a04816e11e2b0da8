"""What a request to Scheduler must say; moto takes it unseen."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from embedded.access import roles
from embedded.bus.deliveries import destinations
from embedded.operations import Call, Params, ServiceError, check
from embedded.schedules.expressions import ScheduleError, read
from embedded.services.scheduler.targets import SDK, SERVICE


@check("scheduler", "CreateSchedule", "UpdateSchedule")
def _schedule(call: Call, params: Params) -> None:
    name = params.get("ScheduleExpressionTimezone", "UTC")
    try:
        read(params["ScheduleExpression"], ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError) as error:
        if not isinstance(error, ScheduleError):
            text = f"The ScheduleExpressionTimezone {name} is not supported."
            raise ServiceError("ValidationException", text) from error
        text = f"Invalid Schedule Expression {params['ScheduleExpression']}."
        raise ServiceError("ValidationException", text) from error
    target = params["Target"]
    kind = target["Arn"].split(":")[2]
    if not target["Arn"].startswith(SDK) and kind not in destinations():
        text = f"the embedded cloud does not emulate schedules with the target {target['Arn']}"
        raise ServiceError("ValidationException", text)
    try:
        roles.assume(target["RoleArn"], service=SERVICE, session="check", region=call.region)
    except ServiceError as error:
        text = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        raise ServiceError("ValidationException", text) from error
