"""The policies that a caller brings along: identity, boundary, session."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from embedded.access.evaluation.decision import Document
from embedded.access.sessions import Caller


@lru_cache(maxsize=2048)
def _parsed(text: str) -> Document:
    document: Document = json.loads(text)
    return document


def document_of(policy: Any) -> Document:
    """A policy as its document; most are kept as texts."""
    return _parsed(policy) if isinstance(policy, str) else policy


def _managed(policy: Any) -> Document:
    return document_of(next(version.document for version in policy.versions if version.is_default))


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """What a caller brings along."""

    identity: list[Document]
    """The policies of the user, of the user's groups, or of the role."""

    boundary: list[Document] | None
    """The boundary's; None where there is none."""

    session: list[Document] | None = None
    """Those that a session was made with; None where it was made without."""


def own_policies(caller: Caller, region: str) -> Own:
    """The caller's own policies, its boundary's, and its session's."""
    backend = iam_backends[caller.account][get_partition(region)]
    if caller.user_name is not None:
        user = backend.get_user(caller.user_name)
        owners = (user, *backend.get_groups_for_user(caller.user_name))
        found = [document_of(text) for owner in owners for text in owner.policies.values()]
        found += [_managed(item) for owner in owners for item in owner.managed_policies.values()]
        return Own(identity=found, boundary=None)
    role = next((item for item in list(backend.roles.values()) if item.arn == caller.role_arn), None)
    if role is None:
        return Own(identity=[], boundary=None)
    found = [document_of(text) for text in role.policies.values()]
    found += [_managed(item) for item in role.managed_policies.values()]
    session = None if caller.session_policies is None else [document_of(text) for text in caller.session_policies]
    arn = role.permissions_boundary_arn
    if not arn:
        return Own(identity=found, boundary=None, session=session)
    boundary = backend.managed_policies.get(arn)
    # a boundary that does not exist allows nothing
    limits = [_managed(boundary) if boundary is not None else {"Statement": []}]
    return Own(identity=found, boundary=limits, session=session)
