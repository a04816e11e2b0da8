"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("ssm")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    names = params.get("Names", [params[key] for key in ("Name", "Path", "ResourceId") if key in params])
    return [where.arn("ssm", f"parameter/{name.lstrip('/')}") for name in names] or None
