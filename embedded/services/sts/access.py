"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("sts")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    return [params["RoleArn"]] if "RoleArn" in params else None


# AssumeRole is decided by the role's trust policy
facts.needs_no_policy(
    "sts:AssumeRole", "sts:DecodeAuthorizationMessage", "sts:GetCallerIdentity", "sts:GetSessionToken"
)
