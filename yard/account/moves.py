"""What CloudFormation refuses in one deploy, read from the templates: the steps in which it can be done."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yard.errors import UserError

Templates = Mapping[str, Mapping[str, Any]]
"""Templates by the names of their stacks."""

_NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::Events::Rule": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
"""Where the types that stand in more than one of the project's stacks have their names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step: a deploy, or the deletion of a stack that the app no longer has."""

    why: str
    deploys: tuple[str, ...] = ()
    """The stacks to deploy, alone; none for all."""
    context: tuple[str, ...] = ()
    """What `cdk -c` is given for this step alone."""
    deletes: str | None = None
    """The stack to delete."""

    @property
    def command(self) -> str:
        """What does the step."""
        if self.deletes is not None:
            return f"aws cloudformation delete-stack --stack-name {self.deletes}"
        return f"npx cdk {' '.join(self.arguments)}"

    @property
    def arguments(self) -> list[str]:
        """The CDK command's arguments."""
        which = [*self.deploys, "--exclusively"] if self.deploys else ["--all"]
        return ["deploy", *which, *(word for one in self.context for word in ("-c", one))]


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """A named resource that another stack is to have."""

    type: str
    name: str
    before: str
    after: str


def moved(deployed: Templates, wanted: Templates) -> list[Moved]:
    """The named resources that change their stack: the new one cannot make what the old one still has."""
    owners = {thing: stack for stack, template in deployed.items() for thing in _named(template)}
    return [
        Moved(type=type_, name=name, before=owners[type_, name], after=stack)
        for stack, template in wanted.items()
        for type_, name in _named(template)
        if owners.get((type_, name), stack) != stack
    ]


def _named(template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for resource in template.get("Resources", {}).values():
        name = resource.get("Properties", {}).get(_NAMES.get(resource["Type"], ""))
        if name is not None:
            yield resource["Type"], name if isinstance(name, str) else json.dumps(name, sort_keys=True)


def machines(things: list[Moved]) -> list[str]:
    """The state machines among what moves."""
    return sorted(one.name for one in things if one.type == "AWS::StepFunctions::StateMachine")


def steps_of_moves(things: list[Moved], wanted: Templates) -> list[Step]:
    """Each stack gives away before another one takes; empty where nothing moves."""
    edges = {(one.before, one.after) for one in things}
    left = sorted({before for before, _ in edges})
    steps: list[Step] = []
    while left:
        # a stack that also takes comes after those that it takes from
        first = next((stack for stack in left if not any(after == stack and one in left for one, after in edges)), None)
        if first is None:
            raise UserError(
                f"{' and '.join(left)} exchange jobs, and neither can take before the other has given away.",
                "Move the jobs of one of them first, then those of the other.",
            )
        left.remove(first)
        names = ", ".join(machines([one for one in things if one.before == first])) or "what moves"
        if first in wanted:
            steps.append(Step(why=f"{first} gives {names} away", deploys=(first,)))
        else:
            steps.append(Step(why=f"the app no longer has {first}, and it holds {names}", deletes=first))
    return steps


def steps_of_leftovers(deployed: Templates, wanted: Templates) -> list[Step]:
    """A stack that the app no longer has goes first where it uses an export that another is to lose."""
    in_the_way = exports_in_the_way(deployed, wanted)
    return [
        Step(why=f"the app no longer has {user}, and it uses what {stack} is to lose", deletes=user)
        for user, stack in sorted({user: stack for stack, users in in_the_way.items() for user in users}.items())
        if user not in wanted
    ]


def steps_of_users(deployed: Templates, wanted: Templates, *, network: str) -> list[Step]:
    """A stack that stops using an export goes before the stack that is to lose it; a deploy of all has it after.

    Whoever uses the network's needs steps of its own.
    """
    there = set[str]().union(*map(_exports, deployed.values()))
    steps = []
    for stack, users in sorted(exports_in_the_way(deployed, wanted).items()):
        if stack == network:
            continue
        lost = _exports(deployed[stack]) - _exports(wanted[stack])
        for user in users:
            needs = _imports(wanted.get(user, deployed[user]))
            if user in wanted and needs <= there - lost:
                steps.append(Step(why=f"{user} stops using what {stack} is to lose", deploys=(user,)))
    return steps


def exports_in_the_way(deployed: Templates, wanted: Templates) -> dict[str, list[str]]:
    """For each stack that is to lose an export: the deployed stacks that use one of those it would lose."""
    found: dict[str, list[str]] = {}
    for stack in deployed.keys() & wanted.keys():
        lost = _exports(deployed[stack]) - _exports(wanted[stack])
        users = [other for other, template in deployed.items() if other != stack and lost & _imports(template)]
        if users:
            found[stack] = sorted(users)
    return found


def _exports(template: Mapping[str, Any]) -> set[str]:
    outputs = template.get("Outputs", {}).values()
    return {json.dumps(output["Export"]["Name"]) for output in outputs if "Export" in output}


def _imports(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        own = {json.dumps(value["Fn::ImportValue"])} if "Fn::ImportValue" in value else set()
        return own.union(*map(_imports, value.values()))
    return set().union(*map(_imports, value)) if isinstance(value, list) else set()
