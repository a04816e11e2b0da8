"""The errors of sagemaker-runtime, in the service's words."""

from moto.utilities.utils import get_partition

from embedded.operations import ServiceError
from embedded.services.sagemaker.serving.fleets.member import Member

TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container {name}. Review the latency metrics for each "
    "container in Amazon CloudWatch, resolve the issue, and try again."
)
_ORIGINAL_MOST = 65536


class ModelError(ServiceError):
    """The container answered with an error, or not at all. Its attributes are the members of the service's shape."""

    def __init__(self, member: Member, container: str, status: int, said: str) -> None:
        plan = member.plan
        name = "primary" if len(plan.definitions) == 1 else container
        kind = "client" if 400 <= status < 500 else "server"
        where = f"{plan.log_group} in account {plan.account}"
        text = f'Received {kind} error ({status}) from {name} with message "{said}". See {where} for more information.'
        super().__init__("ModelError", text, 424)
        self.OriginalStatusCode = status
        self.OriginalMessage = said[:_ORIGINAL_MOST]
        self.LogStreamArn = (
            f"arn:{get_partition(plan.region)}:logs:{plan.region}:{plan.account}:log-group:{plan.log_group}"
        )


def invalid(message: str) -> ServiceError:
    """The request cannot be answered as it is."""
    return ServiceError("ValidationError", message, 400)


class Nobody(ServiceError):
    """No instance of the variant can answer now."""

    def __init__(self, variant: str) -> None:
        text = f"No instance of the variant {variant} is healthy. Try again later."
        super().__init__("ServiceUnavailable", text, 503)


def throttled() -> ServiceError:
    """A serverless variant has as many requests as it may have."""
    return ServiceError("ThrottlingException", "Rate exceeded", 429)
