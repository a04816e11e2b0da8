"""Rights of two sides: what roles may do, and what resources let others do, action by action."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yard.difference.expressions import readable
from yard.difference.report import Right, RightsChange
from yard.difference.sides import Side, Stack

ROLE = "AWS::IAM::Role"
_MANAGED = "AWS::IAM::ManagedPolicy"
_ADDED = "AWS::IAM::Policy"
_ON_RESOURCES: Mapping[str, tuple[str, str]] = {
    "AWS::ECR::Repository": ("RepositoryPolicyText", ""),
    "AWS::KMS::Key": ("KeyPolicy", ""),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "Topics"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "Queues"),
}
"""Where a resource's own policy stands, and the property that names the resource."""
_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    ROLE: ("AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies"),
    _MANAGED: ("PolicyDocument",),
    _ADDED: ("PolicyDocument",),
    **{kind: (document,) for kind, (document, _) in _ON_RESOURCES.items()},
}


def says_rights(kind: str, path: str) -> bool:
    """Whether a property of a type holds statements: a change of it shows as rights, in better words."""
    return path.partition(".")[0] in _STATEMENTS.get(kind, ())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Holder:
    who: str
    stack: str
    is_role: bool
    rights: frozenset[Right]


def changes(before: Side, after: Side) -> Iterator[RightsChange]:
    """What each role and each resource's policy gives and takes."""
    then, now = dict(_holders(before)), dict(_holders(after))
    for key in sorted({*then, *now}):
        old, new = then.get(key), now.get(key)
        had = frozenset[Right]() if old is None else old.rights
        has = frozenset[Right]() if new is None else new.rights
        shown = new if new is not None else old
        is_new_or_gone = old is None or new is None
        if shown is None or (had == has and not (is_new_or_gone and shown.is_role)):
            continue  # a resource without a policy of its own gives nobody anything
        yield RightsChange(
            who=shown.who,
            stack=shown.stack,
            action="added" if old is None else "removed" if new is None else "changed",
            gained=sorted(has - had),
            lost=sorted(had - has),
        )


def _holders(side: Side) -> Iterator[tuple[tuple[str, str], _Holder]]:
    for stack in side.stacks:
        for name, resource in stack.resources.items():
            kind, properties = resource["Type"], resource.get("Properties", {})
            if kind == ROLE:
                rights = frozenset(_of_role(name, properties, stack, side))
                yield (
                    (stack.name, name),
                    _Holder(who=f"role {stack.label(name)}", stack=stack.name, is_role=True, rights=rights),
                )
            elif kind in _ON_RESOURCES:
                document, on = _ON_RESOURCES[kind]
                which = readable(properties[on], stack, side) if on in properties else f"<{stack.label(name)}>"
                rights = frozenset(_statements(properties.get(document), stack, side))
                yield (
                    (stack.name, name),
                    _Holder(who=f"the policy of {which}", stack=stack.name, is_role=False, rights=rights),
                )


def _of_role(name: str, properties: Mapping[str, Any], stack: Stack, side: Side) -> Iterator[Right]:
    yield from _statements(properties.get("AssumeRolePolicyDocument"), stack, side)
    for own in _listed(properties.get("Policies")):
        yield from _statements(own.get("PolicyDocument"), stack, side)
    for attached in _listed(properties.get("ManagedPolicyArns")):
        yield from _of_managed(attached, stack, side)
    for resource in stack.resources.values():
        given = resource.get("Properties", {})
        if resource["Type"] in (_ADDED, _MANAGED) and {"Ref": name} in _listed(given.get("Roles")):
            yield from _statements(given.get("PolicyDocument"), stack, side)


def _of_managed(attached: Any, stack: Stack, side: Side) -> Iterator[Right]:
    """The rights of a managed policy, looked up through exports; one of others is named."""
    if isinstance(attached, Mapping) and "Fn::ImportValue" in attached:
        found = side.exports.get(str(attached["Fn::ImportValue"]))
        if found is not None:
            stack, attached = found
    policy = stack.resources.get(str(attached.get("Ref"))) if isinstance(attached, Mapping) else None
    if policy is not None and policy["Type"] == _MANAGED:
        yield from _statements(policy["Properties"].get("PolicyDocument"), stack, side)
    else:
        named = readable(attached, stack, side)
        yield Right(effect="Allow", action=f"all that {named} allows", resource="", condition="")


def _statements(document: Any, stack: Stack, side: Side) -> Iterator[Right]:
    if not isinstance(document, Mapping):
        return
    for statement in _listed(document.get("Statement")):
        condition = _condition(statement, stack, side)
        for word in ("Action", "NotAction"):
            for action in _listed(statement.get(word)):
                for resource in _resources(statement, stack, side):
                    yield Right(
                        effect=str(statement["Effect"]),
                        action=str(action) if word == "Action" else f"all but {action}",
                        resource=resource,
                        condition=condition,
                    )


def _resources(statement: Mapping[str, Any], stack: Stack, side: Side) -> Sequence[str]:
    if "NotResource" in statement:
        return [f"all but {readable(one, stack, side)}" for one in _listed(statement["NotResource"])]
    return [readable(one, stack, side) for one in _listed(statement.get("Resource", ""))]


def _condition(statement: Mapping[str, Any], stack: Stack, side: Side) -> str:
    said = [
        f"{operator} {key} {readable(value, stack, side)}"
        for operator, tests in statement.get("Condition", {}).items()
        for key, value in tests.items()
    ]
    for word in ("Principal", "NotPrincipal"):
        if word in statement:
            who = statement[word]
            named = [f"{kind} {readable(one, stack, side)}" for kind, one in _principals(who)]
            said.insert(0, f"{'for' if word == 'Principal' else 'for all but'} {' and '.join(named)}")
    return "; ".join(said)


def _principals(who: Any) -> list[tuple[str, Any]]:
    return list(who.items()) if isinstance(who, Mapping) else [("anyone", who)]


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
