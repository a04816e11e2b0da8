"""What IAM is asked for a request to this service: targets are known by ids that nobody can guess."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("application-autoscaling")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if "ResourceARN" in params:
        return [params["ResourceARN"]]
    return (
        None
        if action.partition(":")[2].startswith("Describe")
        else [where.arn("application-autoscaling", "scalable-target/*")]
    )
