"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("secretsmanager")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    name = params.get("SecretId", params.get("Name"))
    if name is None:
        return None
    return [name if name.startswith("arn:") else where.arn("secretsmanager", f"secret:{name}-??????")]
