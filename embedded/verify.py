"""Verify: each logical id of a stack's template against what the services answer, property by property."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.errors import ResourceError
from embedded.cloudformation.plan import desired
from embedded.cloudformation.providers import find
from embedded.cloudformation.resources import Operator
from embedded.cloudformation.stack import STORE, Deployed, Stack
from embedded.cloudformation.templates.intrinsics import Resolver
from embedded.cloudformation.values import StackLookup, resolver_of
from embedded.comparison import differences
from embedded.operations import Params, ServiceError, admin
from embedded.process.running import CloudState
from embedded.process.running import admin as call_admin
from shardyard.spec import names

_SHOWN = 160
RUN_TIME = "changes at run time"
"""How a difference is called that the template itself speaks of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One property that is not as the template says."""

    property: str
    wanted: str
    answered: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """One resource, compared."""

    stack: str
    account: str
    region: str
    logical_id: str
    type: str
    physical_id: str
    compared: tuple[str, ...]
    """The properties that were compared."""

    unread: tuple[str, ...]
    """The properties that the service does not answer back."""

    problem: str | None
    """Why it could not be compared: it is missing, or its service fails."""

    differences: tuple[Difference, ...]

    at_run_time: tuple[Difference, ...] = ()
    """Differences of properties that the template itself says change at run time: told, and no fault."""

    @property
    def is_right(self) -> bool:
        """Whether it exists and is as the template says."""
        return self.problem is None and not self.differences


def verify(running: CloudState, *, stack: str | None = None, account: str = "", region: str = "") -> list[Verified]:
    """Ask a running cloud to compare one stack or all of them, of one account and region or of all."""
    params = {"stack": stack, "account": account, "region": region}
    answer = call_admin(running, "verify", {key: value for key, value in params.items() if value})
    return [_verified(item) for item in answer["resources"]]


def _verified(item: dict[str, Any]) -> Verified:
    item |= {name: tuple(item[name]) for name in ("compared", "unread")}
    item |= {name: tuple(Difference(**one) for one in item[name]) for name in ("differences", "at_run_time")}
    return Verified(**item)


@admin("verify")
def _verify_verb(params: Params) -> dict[str, Any]:
    account, region, name = params.get("account"), params.get("region"), params.get("stack")
    stacks = [
        item
        for item in STORE.everywhere()
        if account in (None, item.account) and region in (None, item.region) and _is_meant(item, name)
    ]
    if name is not None and not stacks:
        where = ", ".join(place for place in (account, region) if place is not None) or "any account and region"
        raise ServiceError("ValidationError", f"there is no stack {name!r} in {where}", 404)
    results = [result for stack in stacks for result in verify_stack(stack)]
    return {
        "resources": [asdict(result) for result in results],
        "rows": [row for result in results for row in _rows(result)],
        "right": all(item.is_right for item in results),
    }


def _is_meant(stack: Stack, name: str | None) -> bool:
    """By its ARN a deleted stack is meant too."""
    return stack.arn == name or (stack.status != "DELETE_COMPLETE" and name in (None, stack.name))


def _rows(result: Verified) -> Iterator[dict[str, str]]:
    """A line for each comparison: what `yard cloud verify` prints."""
    start = {"stack": result.stack, "logical_id": result.logical_id, "type": result.type}
    if result.problem is not None:
        yield start | {"property": "", "template": "exists", "service": result.problem, "result": "missing"}
    for item in result.differences:
        detail = {"property": item.property, "template": item.wanted, "service": item.answered}
        yield start | detail | {"result": "differs"}
    for item in result.at_run_time:
        detail = {"property": item.property, "template": item.wanted, "service": item.answered}
        yield start | detail | {"result": RUN_TIME}
    wrong = {_top(item.property) for item in (*result.differences, *result.at_run_time)}
    for name in result.compared:
        if name not in wrong:
            yield start | {"property": name, "template": "", "service": "", "result": "ok"}


def verify_stack(stack: Stack) -> list[Verified]:
    """Compare every logical id of the stack's template."""
    inputs = stack.inputs
    if inputs is None:
        return []
    if stack.status.endswith("ROLLBACK_COMPLETE") and not stack.resources:
        problem = f"its creation was rolled back: {stack.reason or 'see its events'}"
        return [_missing(stack, stack.name, "AWS::CloudFormation::Stack", problem, stack.arn)]
    resolver = resolver_of(stack, inputs, StackLookup(stack, inputs, STORE))
    operator = Operator(stack, inputs)
    results = []
    for name, resource in desired(inputs.template, resolver).items():
        deployed = stack.resources.get(name)
        if deployed is None:
            results.append(_missing(stack, name, resource.type, "the stack has no such resource"))
        else:
            results.append(_compare(stack, deployed, resource.properties, resolver, operator))
    return results


def _missing(stack: Stack, name: str, type_name: str, problem: str, physical_id: str = "") -> Verified:
    return Verified(
        stack=stack.name,
        account=stack.account,
        region=stack.region,
        logical_id=name,
        type=type_name,
        physical_id=physical_id,
        compared=(),
        unread=(),
        problem=problem,
        differences=(),
    )


def _compare(
    stack: Stack, deployed: Deployed, template: Mapping[str, Any], resolver: Resolver, operator: Operator
) -> Verified:
    name, type_name, physical_id = deployed.logical_id, deployed.type, deployed.physical_id
    try:
        answered = operator.read(deployed)
    except (ClientError, ResourceError, ServiceError) as error:
        return _missing(stack, name, type_name, f"its service fails: {error}", physical_id)
    if answered is None:
        return _missing(stack, name, type_name, "its service does not know it", physical_id)
    # resolved anew: what the engine remembers is not taken for the truth
    wanted = operator.wanted(deployed, resolver.resolve(dict(template)))
    hidden = find(type_name).unread
    unread = tuple(sorted(key for key in wanted if key in hidden))
    compared = {key: value for key, value in wanted.items() if key not in hidden}
    if type_name.startswith("Custom::") or type_name == "AWS::CloudFormation::CustomResource":
        # only its function knows the rest
        unread, compared = tuple(sorted(set(wanted) - {"ServiceToken"})), {"ServiceToken": wanted["ServiceToken"]}
    found = [
        Difference(property=path, wanted=_short(left), answered=_short(right))
        for path, left, right in differences(compared, answered)
    ]
    changing = _changing(deployed)
    return Verified(
        stack=stack.name,
        account=stack.account,
        region=stack.region,
        logical_id=name,
        type=type_name,
        physical_id=physical_id,
        compared=tuple(sorted(compared)),
        unread=unread,
        problem=None,
        differences=tuple(item for item in found if _top(item.property) not in changing),
        at_run_time=tuple(item for item in found if _top(item.property) in changing),
    )


def _changing(deployed: Deployed) -> frozenset[str]:
    """The properties that the template says change at run time."""
    metadata = deployed.metadata if isinstance(deployed.metadata, Mapping) else {}
    return frozenset(metadata.get(names.RUN_TIME_CHANGES, ()))


def _top(path: str) -> str:
    """The property that a path begins with."""
    return path.split(".")[0].split("[")[0]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def table(results: Iterable[Verified]) -> str:
    """The results as text, a line each, with the differences below theirs."""
    rows = []
    for item in results:
        state = "ok" if item.is_right else "DIFFERS" if item.problem is None else "MISSING"
        rows.append(f"{state:8}{item.stack:32}{item.type:44}{item.logical_id:48}{len(item.compared):3} compared")
        if item.unread:
            rows.append(f"{'':8}not answered by the service: {', '.join(item.unread)}")
        if item.problem is not None:
            rows.append(f"{'':8}{item.problem}")
        rows += [f"{'':8}{diff.property}: wanted {diff.wanted}, answered {diff.answered}" for diff in item.differences]
        rows += [
            f"{'':8}{diff.property} {RUN_TIME}: the template says {diff.wanted}, the service {diff.answered}"
            for diff in item.at_run_time
        ]
    return "\n".join(rows)
