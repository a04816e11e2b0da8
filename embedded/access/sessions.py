"""Who asks: access keys and role sessions. IAM and STS are what all access stands on, so moto's are asked directly."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends
from moto.utilities.utils import get_partition

from embedded.access import principal_tags
from embedded.access.evaluation import policies
from embedded.clients import DEFAULT_ACCOUNT, DEFAULT_REGION, owner_secret
from embedded.operations import ServiceError
from embedded.process.environment import DEFAULT_ACCESS_KEY

_ROLE_ARN = re.compile(r"^arn:(?P<partition>[a-z-]+):iam::(?P<account>\d{12}):role/(?P<path>.*/)?(?P<name>[^/]+)$")
_ANONYMOUS = "anonymous"
_LONGEST_JOB_SECONDS = 30 * 86400
"""A service renews its session while a job runs; here the one session lasts longer than any job may."""


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

    session_policies: tuple[str, ...] | None = None
    """The texts of the policies that a session was made with; None for one made without."""
    tags: tuple[tuple[str, str], ...] = ()
    """The tags of the role or the user, and over them those of the session."""

    @property
    def is_root(self) -> bool:
        """True for the account's root, whom no policy limits."""
        return self.principal.endswith(":root")

    @property
    def is_anonymous(self) -> bool:
        """True for a request without a signature."""
        return self.principal == _ANONYMOUS


NOBODY = Caller(account=DEFAULT_ACCOUNT, principal=_ANONYMOUS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """An access key that somebody holds."""

    caller: Caller
    secret: str
    token: str | None = None
    """What a session's requests must bring as well."""
    expires: datetime | None = None

    @property
    def has_expired(self) -> bool:
        """True for a session whose time is over."""
        return self.expires is not None and datetime.now(UTC) > self.expires


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


def find_key(access_key: str, region: str) -> Key | None:
    """What an access key opens, or None for one that nobody made or whose role is gone."""
    partition = get_partition(region)
    if access_key == DEFAULT_ACCESS_KEY or re.fullmatch(r"\d{12}", access_key):
        account = DEFAULT_ACCOUNT if access_key == DEFAULT_ACCESS_KEY else access_key
        root = Caller(account=account, principal=f"arn:{partition}:iam::{account}:root")
        return Key(caller=root, secret=owner_secret())
    for account, backends in list(sts_backends.items()):
        session = backends[partition].get_assumed_role_from_access_key(access_key)
        if session is not None:
            return _key_of_session(account, session)
    for account, backends in list(iam_backends.items()):
        user = backends[partition].get_user_from_access_key_id(access_key)
        if user is not None:
            keys = backends[partition].list_access_keys(user.name)
            secret = next(key.secret_access_key for key in keys if key.access_key_id == access_key)
            tags = backends[partition].tagger.list_tags_for_resource(user.arn)["Tags"]
            caller = Caller(
                account=account, principal=user.arn, user_name=user.name, tags=principal_tags.of_entity(tags)
            )
            return Key(caller=caller, secret=secret)
    return None


def _key_of_session(account: str, session: AssumedRole) -> Key | None:
    role = _role(session.role_arn)
    if role is None:
        return None
    return Key(
        caller=Caller(
            account=account,
            principal=session.arn,
            role_arn=session.role_arn,
            session_policies=None if session.policy is None else tuple(json.loads(session.policy)),
            tags=principal_tags.of_session(session.access_key_id, role.tags),
        ),
        secret=session.secret_access_key,
        token=session.session_token,
        expires=session.expiration.replace(tzinfo=UTC),
    )


def service_session(role_arn: str, *, service: str, session_name: str, region: str = DEFAULT_REGION) -> Session:
    """Assume a role as a service does (`lambda.amazonaws.com`); refused where the role does not trust that service."""
    role = assume(role_arn, {"Service": service}, session_name, region, duration_seconds=_LONGEST_JOB_SECONDS)
    return Session(
        access_key=role.access_key_id, secret_key=role.secret_access_key, token=role.session_token, principal=role.arn
    )


def assume(
    role_arn: str,
    principal: dict[str, str],
    session_name: str,
    region: str,
    *,
    duration_seconds: int,
    external_id: str | None = None,
    session_policies: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> AssumedRole:
    """A session of a role that is there and trusts the principal, both of which moto takes for granted."""
    given = {} if tags is None else tags
    refusal = _refused(principal, "sts:AssumeRole", role_arn)
    match = _ROLE_ARN.match(role_arn)
    if match is None:
        raise ServiceError("ValidationError", f"{role_arn} is invalid")
    role = _role(role_arn)
    if role is None:
        raise refusal
    document = role.assume_role_policy_document
    trust = json.loads(document) if isinstance(document, str) else document
    context = {} if external_id is None else {"sts:ExternalId": external_id}
    context |= {f"aws:RequestTag/{key}": value for key, value in given.items()}
    if not policies.trusts(trust, principal, context):
        raise refusal
    if given and not policies.trusts(trust, principal, context, action="sts:TagSession"):
        raise _refused(principal, "sts:TagSession", role_arn)
    assumed: AssumedRole = sts_backends[match["account"]][match["partition"]].assume_role(
        region_name=region,
        role_session_name=session_name,
        role_arn=role_arn,
        # moto keeps one text and reads it nowhere; there may be several
        policy=None if session_policies is None else json.dumps(list(session_policies)),
        duration=duration_seconds,
        external_id=external_id,
    )
    principal_tags.remember(assumed.access_key_id, given)
    return assumed


def _refused(principal: Mapping[str, str], action: str, role_arn: str) -> ServiceError:
    who = next(iter(principal.values()))
    message = f"User: {who} is not authorized to perform: {action} on resource: {role_arn}"
    return ServiceError("AccessDenied", message, 403)


def _role(arn: str) -> Any:
    match = _ROLE_ARN.match(arn)
    if match is None:
        return None
    backend = iam_backends[match["account"]][match["partition"]]
    return next((role for role in list(backend.roles.values()) if role.arn == arn), None)
