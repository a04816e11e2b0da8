"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("servicequotas")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if "ServiceCode" not in params or "QuotaCode" not in params:
        return None
    return [where.arn("servicequotas", f"{params['ServiceCode']}/{params['QuotaCode']}")]


facts.actions_begin("service-quotas", "servicequotas")
