"""Who asks, and sessions of roles."""

from typing import Any

from embedded.access import sessions
from embedded.operations import Call, Params, operation


@operation("sts", "AssumeRole")
def assume_role(call: Call, params: Params) -> dict[str, Any]:
    """Make a role session, if the role is there and trusts the caller."""
    optional = {"ExternalId": "external_id", "Policy": "policy"}
    extra = {name: params[key] for key, name in optional.items() if key in params}
    role = sessions.assume(
        params["RoleArn"],
        {"AWS": call.principal},
        params["RoleSessionName"],
        call.region,
        duration_seconds=params.get("DurationSeconds", 3600),
        **extra,
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


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: Call, params: Params) -> dict[str, Any]:
    """Say who asks."""
    return {"UserId": call.account, "Account": call.account, "Arn": call.principal}
