"""State machines, their versions and aliases, as this cloud keeps them in moto's backend."""

import datetime
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.stepfunctions.models import StateMachine, StateMachineAlias, StateMachineVersion
from moto.stepfunctions.parser.backend.activity import Activity
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends

from embedded.kept import parts
from embedded.operations import Call, ServiceError
from embedded.services.stepfunctions import arns

_activities: dict[tuple[str, str], dict[str, Activity]] = {}
parts.keep_contents("stepfunctions.activities", _activities)


class Machine(StateMachine):  # type: ignore[misc]
    """moto's record of a state machine, with the revisions that versions are published of."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.sm_type: str = self.type
        self.revision_id: str | None = None
        self.published: dict[str | None, StateMachineVersion] = {}

    def revise(self, changes: Mapping[str, Any]) -> None:
        """Change settings; a new revision begins unless all is as it was."""
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        self.update_date = datetime.datetime.now(tz=datetime.UTC)
        if not changed:
            return
        for name, value in changed.items():
            setattr(self, name, value)
        self.revision_id = str(uuid.uuid4())

    def version_of_revision(self, description: str | None) -> StateMachineVersion:
        """Publish the current revision; one that is published already keeps its version."""
        found = self.published.get(self.revision_id)
        if found is not None:
            return found
        self.publish(description)
        version = self.latest_version
        version.sm_type = self.sm_type
        version.revision_id = self.revision_id
        self.published[self.revision_id] = version
        return version

    def withdraw(self, version: StateMachineVersion) -> None:
        """Delete a version; its number is not given again."""
        del self.versions[version.version]
        self.published = {revision: one for revision, one in self.published.items() if one is not version}


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What an ARN names to be started or described: a machine, perhaps by a version or an alias."""

    machine: Machine
    version: StateMachineVersion | None = None
    alias: StateMachineAlias | None = None
    settings: Any = field(default=None)
    """The machine or its version: where definition, role and logging are read."""


def backend(account: str, region: str) -> StepFunctionsParserBackend:
    """moto's executing backend."""
    return stepfunctions_parser_backends[account][region]


def activities(account: str, region: str) -> dict[str, Activity]:
    """The account's activities by ARN."""
    return _activities.setdefault((account, region), {})


def machine(call: Call, arn: str) -> Machine:
    """The machine of an unqualified ARN."""
    arns.check(arn, "stateMachine")
    for one in backend(call.account, call.region).state_machines:
        if one.arn == arn:
            found: Machine = one
            return found
    raise does_not_exist(arn)


def does_not_exist(arn: str) -> ServiceError:
    """The error for an ARN that names nothing."""
    return ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def target(call: Call, arn: str) -> Target:
    """What an ARN names; an alias is resolved to one of its versions by their weights."""
    base, qualifier = arns.split_machine(arn)
    if qualifier is None:
        found = machine(call, base)
        return Target(machine=found, settings=found)
    try:
        found = machine(call, base)
    except ServiceError as error:
        raise does_not_exist(arn) from error
    alias = found.aliases.get(arn)
    if alias is not None:
        routes = alias.routing_configuration
        chosen = random.choices(routes, weights=[route["weight"] for route in routes])[0]["stateMachineVersionArn"]
        version = version_by_arn(found, chosen)
    else:
        version = version_by_arn(found, arn)
    if version is None:
        raise does_not_exist(arn)
    return Target(machine=found, version=version, alias=alias, settings=version)


def version_by_arn(found: Machine, arn: str) -> StateMachineVersion | None:
    """The machine's version of this ARN."""
    return next((one for one in found.versions.values() if one.arn == arn), None)
