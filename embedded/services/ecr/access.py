"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("ecr")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if "resourceArn" in params:
        return [params["resourceArn"]]
    names = params.get("repositoryNames", [params["repositoryName"]] if "repositoryName" in params else ["*"])
    return [where.arn("ecr", f"repository/{name}") for name in names]
