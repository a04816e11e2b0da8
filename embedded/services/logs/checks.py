"""What a request to CloudWatch Logs names must be there; moto takes it unseen."""

from moto.utilities.utils import get_partition

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, check


def unusable_log_key(call: Call, group: str) -> ServiceError:
    """The error of CloudWatch Logs for a key that is not there."""
    arn = f"arn:{get_partition(call.region)}:logs:{call.region}:{call.account}:log-group:{group}"
    message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
    return ServiceError("InvalidParameterException", message)


@check("logs", "CreateLogGroup")
def _log_group(call: Call, params: Params) -> None:
    key = params.get("kmsKeyId")
    if key and not references.exists(call, "key", key):
        raise unusable_log_key(call, params["logGroupName"])
