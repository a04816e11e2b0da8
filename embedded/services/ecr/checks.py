"""What a request to ECR names must be there; moto takes it unseen."""

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, check


@check("ecr", "CreateRepository")
def _repository(call: Call, params: Params) -> None:
    key = params.get("encryptionConfiguration", {}).get("kmsKey")
    if key and not references.exists(call, "key", key):
        raise ServiceError("KmsException", f"Key '{key}' does not exist")
