"""What IAM is asked for a request to CloudFormation."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("cloudformation")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    name = params.get("StackName")
    if name is None:
        return None
    return [name if name.startswith("arn:") else where.arn("cloudformation", f"stack/{name}/*")]


for _name in ("CreateChangeSet", "CreateStack", "DeleteStack", "UpdateStack"):
    facts.passes_role(f"cloudformation:{_name}", "RoleARN", "cloudformation.amazonaws.com")
