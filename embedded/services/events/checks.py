"""What a request to EventBridge names must be there; moto takes it unseen."""

from embedded.access import roles
from embedded.operations import Call, Params, ServiceError, check
from embedded.patterns import PatternError, compile_pattern
from embedded.services.events.schedules import expression


@check("events", "PutRule")
def _rule(call: Call, params: Params) -> None:
    try:
        if params.get("EventPattern"):
            compile_pattern(params["EventPattern"])
    except PatternError as error:
        raise ServiceError("InvalidEventPatternException", str(error)) from None
    if params.get("ScheduleExpression") and expression(params["ScheduleExpression"]) is None:
        raise ServiceError("ValidationException", "Parameter ScheduleExpression is not valid.")


@check("events", "PutTargets")
def _targets(call: Call, params: Params) -> None:
    for target in params.get("Targets", ()):
        role, service = target.get("RoleArn"), "events.amazonaws.com"
        try:
            if role:
                roles.assume(role, service=service, session="check", region=call.region)
        except ServiceError:
            message = f"Provided role '{role}' cannot be assumed by principal '{service}'."
            raise ServiceError("ValidationException", message) from None
