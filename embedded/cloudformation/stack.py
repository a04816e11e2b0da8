"""Stacks: what the engine knows of each, and where they are kept."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from embedded.cloudformation.history.events import Event, Undertaking, event_id, now
from embedded.cloudformation.templates.parameters import Parameter
from embedded.cloudformation.templates.template import Template
from embedded.kept import parts

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(kw_only=True, slots=True)
class Deployed:
    """A resource that exists."""

    logical_id: str
    type: str
    physical_id: str
    properties: dict[str, Any]
    """The properties it was made with, every function resolved."""

    attributes: dict[str, Any]
    """What GetAtt answers."""

    metadata: Any = None
    needs: tuple[str, ...] = ()
    """The logical ids that it depends on: it is deleted before they are."""

    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    timestamp: datetime = field(default_factory=now)
    state: dict[str, Any] = field(default_factory=dict)
    """What its provider remembers between its calls."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """An output of a stack, perhaps exported."""

    name: str
    value: str
    description: str | None = None
    export: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a stack is created or updated with: the template and everything given beside it."""

    template: Template
    parameters: Mapping[str, Parameter]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...] = ()
    role_arn: str | None = None
    notification_arns: tuple[str, ...] = ()
    token: str | None = None
    on_failure: str = "ROLLBACK"
    """What a failed creation does: ROLLBACK, DELETE or DO_NOTHING."""

    timeout_minutes: int | None = None
    rollback: Mapping[str, Any] = field(default_factory=dict)
    """The rollback configuration: kept and told, no alarm is watched."""

    failure: str | None = None
    """Why a transform failed: nothing of the template can be deployed."""


@dataclass(kw_only=True, slots=True)
class ChangeSet:
    """A change set: inputs waiting to be executed, and what they would change."""

    name: str
    arn: str
    kind: str
    """CREATE, UPDATE or IMPORT."""

    inputs: Inputs
    status: str
    execution_status: str
    imported: Mapping[str, str] = field(default_factory=dict)
    """The physical ids of what is imported, by logical id."""

    reason: str | None = None
    warning: str | None = None
    """What makes the property values incomplete."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    perhaps: list[dict[str, Any]] = field(default_factory=list)
    """What changes only if an attribute turns out to change."""

    description: str | None = None
    include_nested: bool = False
    """Whether it holds a change set for each stack that is nested in its own."""

    nested: dict[str, str] = field(default_factory=dict)
    """The ARNs of these stacks, by logical id."""

    parent: str | None = None
    """The ARN of the change set that this one was made with; None for the root."""

    root: str | None = None
    created: datetime = field(default_factory=now)


@dataclass(kw_only=True, slots=True)
class Stack:
    """A stack and all that it holds."""

    name: str
    arn: str
    account: str
    region: str
    partition: str
    status: str
    reason: str | None = None
    inputs: Inputs | None = None
    """What it was last deployed with; None while it is only under review."""

    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, Deployed] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    """The exports of other stacks that it uses."""

    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    """The change sets that can still be executed or deleted, by name."""

    past_change_sets: list[ChangeSet] = field(default_factory=list)
    """The change sets that were executed, and those that another one made obsolete."""

    parent: str | None = None
    """The ARN of the stack that this one is nested in."""

    root: str | None = None
    """The ARN of the outermost of the stacks that this one is nested in."""

    executing: ChangeSet | None = None
    """The change set that the running operation carries out."""

    change_set_id: str | None = None
    """The change set that was executed last."""

    termination_protection: bool = False
    policy: str | None = None
    """The stack policy, as it was given."""

    policy_for_update: str | None = None
    """The policy that stands in its place during one update."""

    operations: tuple[Undertaking, ...] = ()
    """The last operation, and after a rollback the one that it undid."""

    undo: "Callable[[Stack], None] | None" = None
    """What would roll back the operation that failed and was left as it was."""

    settled: threading.Condition = field(default_factory=threading.Condition)

    @property
    def operation_id(self) -> str:
        """The operation that the stack's events belong to; empty before the first."""
        return self.operations[0].operation_id if self.operations else ""

    def begin(self, kind: str) -> None:
        """Begin an operation; a rollback is one of its own, and is told with what it undoes."""
        undone = self.operations[:1] if kind == "ROLLBACK" else ()
        self.operations = (Undertaking(type=kind), *undone)

    @property
    def in_progress(self) -> bool:
        """Whether an operation runs."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def set_status(self, status: str, reason: str | None = None) -> None:
        """Change the status, with its event, and wake whoever waits for the end."""
        with self.settled:
            self.status, self.reason = status, reason
            if self.executing is not None and not status.endswith("_IN_PROGRESS"):
                self._executed(self.executing)
            self.add_event(self.name, self.arn, "AWS::CloudFormation::Stack", status, reason)
            self.settled.notify_all()
        parts.touch()

    def _executed(self, change_set: ChangeSet) -> None:
        succeeded = self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        change_set.execution_status = "EXECUTE_COMPLETE" if succeeded else "EXECUTE_FAILED"
        if succeeded:
            self.change_set_id = change_set.arn
        self.executing = None

    def retire_change_sets(self, executed: ChangeSet | None = None) -> None:
        """One operation ends the life of all change sets: the stack that they were made for is no more."""
        for item in self.change_sets.values():
            item.execution_status = "EXECUTE_IN_PROGRESS" if item is executed else "OBSOLETE"
        if executed is None:
            self.change_set_id = None
        else:
            self.updated = now()
        self.past_change_sets += self.change_sets.values()
        self.change_sets.clear()
        self.executing = executed

    def add_event(
        self,
        logical_id: str,
        physical_id: str,
        type_name: str,
        status: str,
        reason: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a line of history."""
        token = None if self.inputs is None else self.inputs.token
        moment = now()
        # no two events of a resource may have the same name
        if self.events:
            moment = max(moment, self.events[-1].timestamp + _MILLISECOND)
        own = logical_id == self.name and physical_id == self.arn
        cleaning = self.status.endswith("_CLEANUP_IN_PROGRESS")
        event = Event(
            event_id=event_id(logical_id, status, moment, stacks_own=own, cleaning=cleaning),
            timestamp=moment,
            logical_id=logical_id,
            physical_id=physical_id,
            type=type_name,
            status=status,
            reason=reason,
            token=token,
            operation_id=self.operation_id,
            properties=None if cleaning else properties,
        )
        self.events.append(event)
        for function in _listeners:
            function(self, event)

    def wait(self, seconds: float) -> None:
        """Wait until no operation runs, at most so long."""
        with self.settled:
            self.settled.wait_for(lambda: not self.in_progress, timeout=seconds)


Listener = Callable[[Stack, Event], None]
_listeners: list[Listener] = []


def listener(function: Listener) -> Listener:
    """Register who hears of every event of every stack."""
    _listeners.append(function)
    return function


class Store:
    """All stacks of all accounts and regions, the deleted ones too."""

    def __init__(self) -> None:
        self._stacks: dict[str, Stack] = {}
        self.lock = threading.RLock()

    def add(self, stack: Stack) -> None:
        """Keep a new stack."""
        with self.lock:
            self._stacks[stack.arn] = stack

    def everywhere(self) -> list[Stack]:
        """The stacks of all accounts and regions, newest first."""
        with self.lock:
            return list(reversed(self._stacks.values()))

    def all(self, account: str, region: str) -> Iterator[Stack]:
        """The stacks of an account and a region, newest first."""
        for stack in self.everywhere():
            if stack.account == account and stack.region == region:
                yield stack

    def find(self, account: str, region: str, name_or_arn: str) -> Stack | None:
        """A stack by name, unless it is deleted, or by ARN, even if it is."""
        for stack in self.all(account, region):
            if stack.arn == name_or_arn or (stack.name == name_or_arn and stack.status != "DELETE_COMPLETE"):
                return stack
        return None

    def exports(self, account: str, region: str) -> dict[str, tuple[Stack, Output]]:
        """Every exported output by its name."""
        return {
            output.export: (stack, output)
            for stack in self.all(account, region)
            if stack.status != "DELETE_COMPLETE"
            for output in stack.outputs.values()
            if output.export is not None
        }

    def importers(self, account: str, region: str, export: str) -> list[str]:
        """The names of the stacks that use an export."""
        return [
            stack.name
            for stack in self.all(account, region)
            if export in stack.imports and stack.status != "DELETE_COMPLETE"
        ]


STORE = Store()
parts.keep_contents("cloudformation.stacks", STORE._stacks)


@parts.afterwards
def _fail_what_ran() -> None:
    for stack in STORE._stacks.values():
        stack.undo = None
        if stack.in_progress:
            status = stack.status.removesuffix("_IN_PROGRESS")
            ended = status.removesuffix("_CLEANUP") if status.endswith("_CLEANUP") else f"{status}_FAILED"
            stack.set_status(ended, "Internal Failure: the embedded cloud ended during this operation")
