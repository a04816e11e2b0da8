"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("states")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    for name in ("stateMachineArn", "executionArn", "activityArn", "resourceArn"):
        if name in params:
            return [params[name]]
    return [where.arn("states", f"stateMachine:{params['name']}")] if "name" in params else None


facts.actions_begin("stepfunctions", "states")
facts.tagged_by("states:CreateStateMachine", "states:TagResource")
facts.passes_role("states:CreateStateMachine", "roleArn", "states.amazonaws.com")
facts.passes_role("states:UpdateStateMachine", "roleArn", "states.amazonaws.com")
