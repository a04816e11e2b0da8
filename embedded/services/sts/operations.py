"""Who asks, and sessions of roles."""

import json
from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from embedded.access import sessions
from embedded.operations import Call, Params, ServiceError, operation


@operation("sts", "AssumeRole")
def assume_role(call: Call, params: Params) -> dict[str, Any]:
    """Make a role session, if the role is there and trusts the caller."""
    if params.get("TransitiveTagKeys"):
        raise ServiceError("ValidationError", "TransitiveTagKeys is not emulated: no session hands its tags on.")
    role = sessions.assume(
        params["RoleArn"],
        {"AWS": call.principal},
        params["RoleSessionName"],
        call.region,
        duration_seconds=params.get("DurationSeconds", 3600),
        external_id=params.get("ExternalId"),
        session_policies=_session_policies(call, params),
        tags={tag["Key"]: tag["Value"] for tag in params.get("Tags", ())},
    )
    return {
        "Credentials": {
            "AccessKeyId": role.access_key_id,
            "SecretAccessKey": role.secret_access_key,
            "SessionToken": role.session_token,
            "Expiration": role.expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": role.user_id, "Arn": role.arn},
        "PackedPolicySize": 6,
    }


def _session_policies(call: Call, params: Params) -> list[str] | None:
    """The texts of the policies that cut the session; None where it is asked for without."""
    texts = [params["Policy"]] if "Policy" in params else []
    for text in texts:
        try:
            statements = json.loads(text)["Statement"]
        except (ValueError, KeyError, TypeError):
            raise ServiceError("MalformedPolicyDocument", "The policy is not in the valid JSON format.") from None
        if not statements:
            raise ServiceError("MalformedPolicyDocument", "Policy statement must contain resources.")
    arns = [item["arn"] for item in params.get("PolicyArns", ())]
    known = iam_backends[call.account][get_partition(call.region)].managed_policies
    for arn in arns:
        if arn not in known:
            raise ServiceError("InvalidParameterValue", f"Policy {arn} does not exist or is not attachable.")
        document = next(version.document for version in known[arn].versions if version.is_default)
        texts.append(document if isinstance(document, str) else json.dumps(document))
    return texts if texts else None


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: Call, params: Params) -> dict[str, Any]:
    """Say who asks."""
    return {"UserId": call.account, "Account": call.account, "Arn": call.principal}
