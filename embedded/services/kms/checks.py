"""What a request to KMS names must be there; moto takes it unseen."""

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, check


@check("kms", "CreateKey", "PutKeyPolicy")
def _key_policy(call: Call, params: Params) -> None:
    if any(references.missing_principals(params.get("Policy"), call.region)):
        message = "Policy contains a statement with one or more invalid principals."
        raise ServiceError("MalformedPolicyDocumentException", message)
