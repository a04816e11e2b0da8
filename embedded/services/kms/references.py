"""Whether a key is there, for the checks of the services that encrypt with it."""

from moto.kms.models import kms_backends

from embedded.access import references
from embedded.access.references import Missing
from embedded.operations import Call


@references.owner_of("key")
def _missing_key(call: Call, key: str) -> Missing | None:
    """By id, ARN or alias; the services' own keys are always there."""
    account, region = (key.split(":")[4], key.split(":")[3]) if key.startswith("arn:") else (call.account, call.region)
    if key.rpartition(":")[2].startswith("alias/aws/"):
        return None
    backend = kms_backends[account][region]
    try:
        if backend.any_id_to_key_id(key) in backend.keys:
            return None
    except Exception:  # moto's own error for an alias that is not there
        pass
    return Missing(operation="DescribeKey", code="NotFoundException", message=f"Key '{key}' does not exist")
