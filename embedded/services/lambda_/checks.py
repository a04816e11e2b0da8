"""What a request to Lambda names must be there; moto takes it unseen."""

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, check


@check("lambda", "CreateFunction", "UpdateFunctionConfiguration")
def _function(call: Call, params: Params) -> None:
    network = params.get("VpcConfig") or {}
    error = references.network_error(call, network.get("SubnetIds", []), network.get("SecurityGroupIds", []))
    if error is not None:
        message = f"Error occurred while {error[0]}. EC2 Error Code: {error[1]}. EC2 Error Message: {error[2]}"
        raise ServiceError("InvalidParameterValueException", message)
