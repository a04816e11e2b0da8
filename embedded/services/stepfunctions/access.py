"""What IAM is asked for a request to this service."""

from collections.abc import Mapping

from botocore.exceptions import ClientError

from embedded.access import facts
from embedded.access.request_resources import Params, Where
from embedded.clients import client


@facts.resource_of("states")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    for name in ("stateMachineArn", "executionArn", "activityArn", "resourceArn"):
        if name in params:
            return [params[name]]
    return [where.arn("states", f"stateMachine:{params['name']}")] if "name" in params else None


@facts.tags_of("states")
def _tags(arn: str, where: Where) -> Mapping[str, str]:
    # for authorization an execution has the tags of its machine (developer guide, tag-based policies)
    machine = ":".join(arn.replace(":execution:", ":stateMachine:", 1).split(":")[:7])
    try:
        tags = client("stepfunctions", where.account, where.region).list_tags_for_resource(resourceArn=machine)["tags"]
    except ClientError:  # not there, or a pattern: then it has no tags either
        return {}
    return {tag["key"]: tag["value"] for tag in tags}


facts.actions_begin("stepfunctions", "states")
facts.tagged_by("states:CreateStateMachine", "states:TagResource")
facts.passes_role("states:CreateStateMachine", "roleArn", "states.amazonaws.com")
facts.passes_role("states:UpdateStateMachine", "roleArn", "states.amazonaws.com")
