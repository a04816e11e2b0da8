"""What a request to Lambda names must be there; moto takes it unseen."""

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, check


@check("lambda", "CreateFunction", "UpdateFunctionConfiguration")
def _function(call: Call, params: Params) -> None:
    network = params.get("VpcConfig") or {}
    named = {"subnet": network.get("SubnetIds", []), "security group": network.get("SecurityGroupIds", [])}
    error = references.first_missing(call, named)
    if error is not None:
        message = (
            f"Error occurred while {error.operation}. EC2 Error Code: {error.code}. EC2 Error Message: {error.message}"
        )
        raise ServiceError("InvalidParameterValueException", message)
