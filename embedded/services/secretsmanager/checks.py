"""What a request to Secrets Manager names must be there; moto takes it unseen."""

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, check


@check("secretsmanager", "CreateSecret", "UpdateSecret")
def _secret(call: Call, params: Params) -> None:
    key = params.get("KmsKeyId")
    if key and not references.exists(call, "key", key):
        message = "Secrets Manager can't encrypt the protected secret text using the provided KMS key."
        raise ServiceError("EncryptionFailure", f"{message} Key '{key}' does not exist")
