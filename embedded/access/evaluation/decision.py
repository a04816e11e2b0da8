"""What all policies together say to one request, combined as IAM combines them.

An explicit denial anywhere decides. Within an account, what the resource's own policy grants adds to what the
caller's policies grant; boundary and session policies cut the caller's grants, and those to the role behind a session,
but not those to the session, to the user or to everyone. Between accounts both sides must allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedded.access.evaluation import policies
from embedded.access.evaluation.conditions import as_list

Document = Mapping[str, Any]

_CURRENT = "2012-10-17"
"""Documents of another version, or of none, have no variables."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One action on one resource, and every policy that has a say."""

    action: str
    resource: str | None
    """None where the request does not tell: then a policy's Resource element is taken as matching."""

    context: Mapping[str, Any]
    principal: str
    """The ARN of a root, a user or a role session; any other text is nobody in particular."""

    account: str
    """The caller's."""

    owner: str
    """The account of the resource."""

    identity: Sequence[Document] = ()
    boundary: Sequence[Document] | None = None
    """None where the caller has none."""

    session: Sequence[Document] | None = None
    """The policies that a session was made with; None where it was made without."""

    resource_policy: Document | None = None
    policy_decides: bool = False
    """The caller's policies count only where the resource's policy names the caller's account."""

    is_anonymous: bool = field(default=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Whether a request may be made."""

    allowed: bool
    is_explicit: bool = False
    """A statement denies it; otherwise none allows it."""

    why: str = ""
    """The end of the service's sentence, for a denial."""


_ALLOWED = Decision(allowed=True)


def _denied(kind: str) -> Decision:
    return Decision(allowed=False, is_explicit=True, why=f"with an explicit deny in {kind}")


def _not_allowed(kind: str, action: str) -> Decision:
    return Decision(allowed=False, why=f"because no {kind} allows the {action} action")


def decide(question: Question) -> Decision:
    """Allow or deny, with the policy that did."""
    verdicts = {
        "a resource-based policy": _shared_denial(question),
        "an identity-based policy": verdict(question.identity, question),
        "a permissions boundary": _limit(question.boundary, question),
        "a session policy": _limit(question.session, question),
    }
    for kind, said in verdicts.items():
        if said == "deny":
            return _denied(kind)
    grant = granted_to(question)
    if question.is_anonymous:
        return _ALLOWED if grant == "everyone" else _not_allowed("resource-based policy", question.action)
    limits = {
        "permissions boundary": verdicts["a permissions boundary"],
        "session policy": verdicts["a session policy"],
    }
    unmet = next((kind for kind, said in limits.items() if said is None), None)
    own = verdicts["an identity-based policy"] == "allow"
    if question.account != question.owner:
        return _between_accounts(question, grant, own=own, unmet=unmet)
    if grant in ("everyone", "caller") or (grant == "role" and unmet is None):
        return _ALLOWED
    # a key's policy decides; the caller's policies count only where it hands the decision on to the account
    if question.policy_decides and question.resource_policy is not None and grant != "account":
        return _not_allowed("resource-based policy", question.action)
    if not own and grant != "role":
        return _not_allowed("identity-based policy", question.action)
    return _ALLOWED if unmet is None else _not_allowed(unmet, question.action)


def _between_accounts(question: Question, grant: str | None, *, own: bool, unmet: str | None) -> Decision:
    if grant is None:
        return _not_allowed("resource-based policy", question.action)
    if not own:
        return _not_allowed("identity-based policy", question.action)
    return _ALLOWED if unmet is None else _not_allowed(unmet, question.action)


def _shared_denial(question: Question) -> str | None:
    """Whether the resource's own policy denies: a denial for an account is one for everybody in it."""
    for statement, variables in _statements([question.resource_policy]):
        is_denial = statement["Effect"] == "Deny" and _is_denied_by(statement, question)
        if is_denial and speaks(statement, question, variables):
            return "deny"
    return None


def _is_denied_by(statement: Mapping[str, Any], question: Question) -> bool:
    """Whether a denial is about the caller; one of all but some is about everybody with a permissions boundary."""
    if "NotPrincipal" in statement and question.boundary is not None:
        return True
    return policies.names_principal(statement, _principal(question))


def granted_to(question: Question) -> str | None:
    """As whom the resource's own policy lets the caller in: `everyone`, `caller`, `role`, `account`, or not at all."""
    found = {
        kind
        for statement, variables in _statements([question.resource_policy])
        if statement["Effect"] == "Allow" and (kind := _named_as(statement, question)) is not None
        if speaks(statement, question, variables)
    }
    return next((kind for kind in ("everyone", "caller", "role", "account") if kind in found), None)


def _named_as(statement: Mapping[str, Any], question: Question) -> str | None:
    named = statement.get("Principal")
    items = as_list(named.get("AWS")) if isinstance(named, Mapping) else []
    if named == "*" or "*" in items:
        return "everyone"
    if question.is_anonymous or not policies.names_principal(statement, _principal(question)):
        return None
    if "NotPrincipal" in statement:
        return "everyone"
    if question.principal in items and not question.principal.endswith(":root"):
        return "caller"
    through_account = not policies.names_principal(statement, _principal(question), through_account=False)
    return "account" if through_account or question.principal.endswith(":root") else "role"


def _principal(question: Question) -> dict[str, str]:
    return {"AWS": question.principal}


def _limit(documents: Sequence[Document] | None, question: Question) -> str | None:
    return "allow" if documents is None else verdict(documents, question)


def verdict(documents: Sequence[Document], question: Question) -> str | None:
    """`deny` if any statement denies, `allow` if one allows, None if none speaks of it."""
    said = None
    for statement, variables in _statements(documents):
        if speaks(statement, question, variables):
            if statement["Effect"] == "Deny":
                return "deny"
            said = "allow"
    return said


def _statements(documents: Sequence[Document | None]) -> list[tuple[Mapping[str, Any], bool]]:
    """Every statement, with whether it may have variables."""
    return [
        (statement, document.get("Version") == _CURRENT)
        for document in documents
        if document is not None
        for statement in as_list(document.get("Statement"))
    ]


def speaks(statement: Mapping[str, Any], question: Question, variables: bool) -> bool:
    """Whether a statement is about this action on this resource under these conditions."""
    if question.resource is not None:
        resources = (question.resource,)
        return policies.speaks_of(statement, question.action, resources, question.context, variables=variables)
    if statement["Effect"] == "Deny" and "*" not in as_list(statement.get("Resource", "*")):
        return False
    unbound = {key: value for key, value in statement.items() if key not in ("Resource", "NotResource")}
    return policies.speaks_of(unbound, question.action, (), question.context, variables=variables)
