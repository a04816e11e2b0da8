"""Whether a response plan is there."""

from embedded.access import references
from embedded.access.references import Missing
from embedded.operations import Call

from .store import PLANS


@references.owner_of("response plan")
def _missing_plan(call: Call, arn: str) -> Missing | None:
    if arn in PLANS:
        return None
    message = f"Response plan {arn} does not exist"
    return Missing(operation="GetResponsePlan", code="ResourceNotFoundException", message=message)
