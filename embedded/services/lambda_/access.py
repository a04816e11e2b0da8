"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.action_name("lambda")
def _action(operation: str, params: Params) -> str:
    return "InvokeFunction" if operation in ("Invoke", "InvokeAsync") else operation


@facts.resource_of("lambda")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if "UUID" in params:
        return [where.arn("lambda", f"event-source-mapping:{params['UUID']}")]
    if action == "lambda:CreateEventSourceMapping":
        return ["*"]
    name = params.get("FunctionName", params.get("Resource"))
    if name is None:
        return None
    if name.startswith("arn:"):
        return [name]
    return [where.arn("lambda", f"function:{name.rsplit(':', 1)[-1]}")]


facts.tagged_by("lambda:CreateFunction", "lambda:TagResource")
facts.passes_role("lambda:CreateFunction", "Role", "lambda.amazonaws.com")
facts.passes_role("lambda:UpdateFunctionConfiguration", "Role", "lambda.amazonaws.com")
