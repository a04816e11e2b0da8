"""One creation, update or deletion of a stack while it runs: what it did, so that it can be undone."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from embedded.cloudformation import policies
from embedded.cloudformation.errors import NotEmulated, ResourceError, TemplateError
from embedded.cloudformation.plan import Step, desired
from embedded.cloudformation.resources import Operator
from embedded.cloudformation.stack import STORE, Deployed, Inputs, Output, Stack
from embedded.cloudformation.templates import attributes, graph
from embedded.cloudformation.templates.template import Resource
from embedded.cloudformation.values import StackLookup, resolver_of

_POLICY_ACTIONS = {"update": "Update:Modify", "replace": "Update:Replace", "remove": "Update:Delete"}


def newest_first(resources: Iterable[Deployed]) -> list[Deployed]:
    """An order for deletion: each before what it needs."""
    items = {item.logical_id: item for item in resources}
    order: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen or name not in items:
            return
        seen.add(name)
        for need in items[name].needs:
            visit(need)
        order.append(name)

    for name in items:
        visit(name)
    return [items[name] for name in reversed(order)]


class Operation:
    """One creation, update or deletion while it runs."""

    def __init__(self, stack: Stack, inputs: Inputs) -> None:
        self.stack = stack
        self.inputs = inputs
        self.lookup = StackLookup(stack, inputs, STORE)
        self.resolver = resolver_of(stack, inputs, self.lookup)
        self.operator = Operator(stack, inputs)
        self.wanted: dict[str, Resource] = {}
        """What the template wants; known after `prepare`."""

        self.made: list[Deployed] = []
        """What this operation created, in order."""

        self.replaced: list[Deployed] = []
        """What this operation put something new in the place of."""

        self.changed: list[tuple[Deployed, Deployed]] = []
        """What this operation changed in place: before and after."""

        self._failed: list[str] = []

    def prepare(self) -> list[str]:
        """Work out what is wanted; the answer is the order in which it is to be made."""
        if self.inputs.failure is not None:
            raise TemplateError(self.inputs.failure)
        self.wanted = desired(self.inputs.template, self.resolver)
        lacking = attributes.unsupported(self.inputs.template, self.wanted, self.resolver)
        if lacking:
            raise TemplateError("; ".join(lacking))
        return graph.in_order(self.wanted)

    def create(self, name: str) -> None:
        """Create one resource."""
        resource = self.wanted[name]
        self._attempt(
            name,
            lambda: self._remember(
                self.operator.create(resource, self._properties(name), partly=self._remember_partly)
            ),
        )

    def adopt(self, name: str, physical_id: str) -> None:
        """Take an existing resource into the stack."""
        self._attempt(
            name, lambda: self._put(self.operator.adopt(self.wanted[name], self._properties(name), physical_id))
        )

    def create_or_update(self, name: str) -> None:
        """Create, update, replace or leave one resource."""
        resource = self.wanted[name]
        old = self.stack.resources.get(name)
        if old is not None and old.status == "CREATE_FAILED":
            # left by an operation that was not rolled back: half a resource is made anew, not changed
            self.operator.delete(old)
            del self.stack.resources[name]
            old = None
        if old is None:
            self.create(name)
            return

        def change() -> None:
            properties = self._properties(name)
            step = Step.of(resource, old, properties)
            self._check_policy(old, step.action)
            if step.action == "none":
                self._keep(old, name)
            elif step.action == "update":
                # said before it is done: an update that fails half-way must be undone too
                self.changed.append((old, replace(old, properties=properties)))
                new = self.operator.update(resource, old, properties)
                self.changed[-1] = (old, new)
                # a custom resource may answer an update with another physical id: that is a replacement
                if new.physical_id != old.physical_id:
                    self.replaced.append(old)
                self._put(new)
            else:
                made = self.operator.create(resource, properties, replacing=old, partly=self.made.append)
                self.replaced.append(old)
                self._remember(made)

        self._attempt(name, change)

    def check_removals(self) -> None:
        """Raise where the stack's policy forbids to remove what the template no longer has."""
        for name, item in self.stack.resources.items():
            if name not in self.wanted:
                self._check_policy(item, "remove")

    def _check_policy(self, item: Deployed, action: str) -> None:
        text = self.stack.policy if self.stack.policy_for_update is None else self.stack.policy_for_update
        if text is None or action not in _POLICY_ACTIONS:
            return
        denial = policies.read(text).denial(_POLICY_ACTIONS[action], item.logical_id, item.type)
        if denial is not None:
            self._failed.append(item.logical_id)
            self.stack.add_event(item.logical_id, item.physical_id, item.type, "UPDATE_FAILED", denial)
            raise ResourceError(denial)

    def _keep(self, old: Deployed, name: str) -> None:
        """Policies and dependencies are the stack's own: they change without a call to any service."""
        resource = self.wanted[name]
        kept = replace(
            old,
            deletion_policy=resource.deletion_policy,
            update_replace_policy=resource.update_replace_policy,
            metadata=resource.metadata,
        )
        self._put(kept)

    def _properties(self, name: str) -> dict[str, Any]:
        properties: dict[str, Any] = self.resolver.resolve(self.wanted[name].properties)
        return properties

    def _remember(self, made: Deployed) -> None:
        self.made.append(made)
        self._put(made)

    def _remember_partly(self, item: Deployed) -> None:
        """A creation failed after something was there already: the rollback takes it away."""
        self._remember(item)

    def _put(self, item: Deployed) -> None:
        resource = self.wanted.get(item.logical_id)
        if resource is not None:
            item.needs = tuple(sorted(graph.dependencies(resource, self.wanted)))
        self.stack.resources[item.logical_id] = item

    def _attempt(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except TemplateError as error:
            # no provider was asked, so nobody else writes this line
            verb = "UPDATE" if name in self.stack.resources else "CREATE"
            self.stack.add_event(name, "", self.wanted[name].type, f"{verb}_FAILED", str(error))
            self._failed.append(name)
            raise
        except ResourceError:
            if name not in self._failed:
                self._failed.append(name)
            raise

    def failure(self, error: Exception, verb: str) -> str:
        """The stack's own sentence about a failure; what is not emulated is named first."""
        if not self._failed:
            return str(error)
        sentence = f"The following resource(s) failed to {verb}: [{', '.join(self._failed)}]"
        return f"{error}. {sentence}" if isinstance(error, NotEmulated) else sentence

    def outputs(self) -> dict[str, Output]:
        """The outputs, resolved; an export's name must be free."""
        found: dict[str, Output] = {}
        for name, output in self.inputs.template.outputs.items():
            condition = output.get("Condition")
            if condition is not None and not self.resolver.holds(condition):
                continue
            export = output.get("Export")
            export_name = None if export is None else str(self.resolver.resolve(export["Name"]))
            if export_name is not None:
                owner = STORE.exports(self.stack.account, self.stack.region).get(export_name)
                if owner is not None and owner[0] is not self.stack:
                    raise ResourceError(
                        f"Export with name {export_name} is already exported by stack {owner[0].name}. Duplicate."
                    )
            value = self.resolver.resolve(output["Value"])
            if not isinstance(value, str | bool | int | float):
                raise TemplateError(
                    f"Template format error: Output {name} is malformed. The Value field of every Outputs member "
                    "must evaluate to a String."
                )
            text = str(value).lower() if isinstance(value, bool) else str(value)
            found[name] = Output(name=name, value=text, description=output.get("Description"), export=export_name)
        return found

    def delete_all(self, resources: Iterable[Deployed], keep: set[str], *, retained_by: str = "name") -> list[str]:
        """Delete in the given order; what cannot be deleted is named in the answer and stays."""
        failed = []
        for item in resources:
            retained = item.logical_id in keep if retained_by == "name" else item.deletion_policy == "Retain"
            current = self.stack.resources.get(item.logical_id) is item
            if retained:
                self.operator.skip_deletion(item)
            elif not self.operator.delete(item):
                failed.append(item.logical_id)
                continue
            if current:
                del self.stack.resources[item.logical_id]
        return failed

    def clean_up(self, before: dict[str, Deployed]) -> None:
        """After an update: delete what was replaced and what the template no longer has."""
        gone = [item for name, item in before.items() if name not in self.wanted]
        for item in newest_first([*self.replaced, *gone]):
            policy = item.update_replace_policy if item in self.replaced else item.deletion_policy
            if policy in ("Retain", "RetainExceptOnCreate"):
                self.operator.skip_deletion(item)
            else:
                self.operator.delete(item)
            if self.stack.resources.get(item.logical_id) is item:
                del self.stack.resources[item.logical_id]

    def roll_back(self, before: dict[str, Deployed]) -> str | None:
        """After a failed update: put back what was changed; the answer says what could not be."""
        problem = None
        for old, new in reversed(self.changed):
            try:
                self.stack.resources[old.logical_id] = self.operator.restore(old, new)
            except NotEmulated:
                # what cannot be changed here has not been changed either
                self.stack.resources[old.logical_id] = old
            except ResourceError as error:
                problem = f"The following resource(s) failed to update: [{old.logical_id}]. {error}"
        changed = {old.logical_id for old, _ in self.changed}
        for name in list(self.stack.resources):
            if name not in before:
                continue
            if name not in changed:
                self.stack.resources[name] = before[name]
        for item in self.made:
            if item.logical_id not in before:
                self.stack.resources[item.logical_id] = item
        return problem
