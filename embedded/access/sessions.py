"""Who asks: access keys and role sessions. IAM and STS are what all access stands on, so moto's are asked directly."""

import json
import re
from dataclasses import dataclass

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends
from moto.utilities.utils import get_partition

from embedded.access import policies
from embedded.clients import DEFAULT_ACCESS_KEY, DEFAULT_ACCOUNT, DEFAULT_REGION
from embedded.operations import ServiceError

_ROLE_ARN = re.compile(r"^arn:(?P<partition>[a-z-]+):iam::(?P<account>\d{12}):role/(?P<path>.*/)?(?P<name>[^/]+)$")
ANONYMOUS = "anonymous"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Whom an access key stands for."""

    account: str
    """The twelve digits of the account."""

    principal: str
    """The ARN of the root, the user or the role session; `anonymous` for a request without a signature."""

    role_arn: str | None = None
    """The role behind a session; None for the account's root, a user or nobody."""

    user_name: str | None = None
    """The IAM user behind the key; None for all others."""

    @property
    def is_root(self) -> bool:
        """True for the account's root, whom no policy limits."""
        return self.principal.endswith(":root")


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Temporary credentials of a role."""

    access_key: str
    secret_key: str
    token: str
    principal: str

    def environment(self) -> dict[str, str]:
        """The variables that make an SDK use these credentials."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
        }


def caller_of(access_key: str | None, region: str) -> Caller:
    """Find out whom an access key stands for; a key that nobody made is refused, as AWS refuses it."""
    partition = get_partition(region)
    if access_key is None:
        return Caller(account=DEFAULT_ACCOUNT, principal=ANONYMOUS)
    if access_key == DEFAULT_ACCESS_KEY or re.fullmatch(r"\d{12}", access_key):
        account = DEFAULT_ACCOUNT if access_key == DEFAULT_ACCESS_KEY else access_key
        return Caller(account=account, principal=f"arn:{partition}:iam::{account}:root")
    for account, backends in list(sts_backends.items()):
        role = backends[partition].get_assumed_role_from_access_key(access_key)
        if role is not None:
            return Caller(account=account, principal=role.arn, role_arn=role.role_arn)
    for account, backends in list(iam_backends.items()):
        user = backends[partition].get_user_from_access_key_id(access_key)
        if user is not None:
            return Caller(account=account, principal=user.arn, user_name=user.name)
    raise ServiceError(
        "InvalidClientTokenId",
        f"The security token included in the request is invalid: the embedded cloud does not know access key "
        f"{access_key!r}. Use 'test', an account's twelve digits, or a role session's key.",
        403,
    )


def service_session(role_arn: str, *, service: str, session_name: str, region: str = DEFAULT_REGION) -> Session:
    """Assume a role as a service does (`lambda.amazonaws.com`); refused where the role does not trust that service."""
    role = assume(role_arn, {"Service": service}, session_name, region, duration_seconds=43200)
    return Session(
        access_key=role.access_key_id, secret_key=role.secret_access_key, token=role.session_token, principal=role.arn
    )


def assume(
    role_arn: str, principal: dict[str, str], session_name: str, region: str, *, duration_seconds: int, **extra: str
) -> AssumedRole:
    """A session of a role that is there and trusts the principal, both of which moto takes for granted."""
    who = next(iter(principal.values()))
    refusal = ServiceError(
        "AccessDenied", f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {role_arn}", 403
    )
    match = _ROLE_ARN.match(role_arn)
    if match is None:
        raise ServiceError("ValidationError", f"{role_arn} is invalid")
    backend = iam_backends[match["account"]][match["partition"]]
    role = next((role for role in list(backend.roles.values()) if role.arn == role_arn), None)
    if role is None:
        raise refusal
    document = role.assume_role_policy_document
    trust = json.loads(document) if isinstance(document, str) else document
    context = {"sts:ExternalId": extra["external_id"]} if "external_id" in extra else {}
    if not policies.trusts(trust, principal, context):
        raise refusal
    assumed: AssumedRole = sts_backends[match["account"]][match["partition"]].assume_role(
        region_name=region,
        role_session_name=session_name,
        role_arn=role_arn,
        policy=extra.get("policy"),
        duration=duration_seconds,
        external_id=extra.get("external_id"),
    )
    return assumed
