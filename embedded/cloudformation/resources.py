"""One resource at a time: its events, its provider's call, and what a service's error becomes."""

import copy
import logging
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated, ResourceError
from embedded.cloudformation.history.events import now
from embedded.cloudformation.providers.base import CUSTOM_RESOURCE, Made, Provider, find
from embedded.cloudformation.stack import Deployed, Inputs, Stack
from embedded.cloudformation.templates import dynamic, schemas
from embedded.cloudformation.templates.template import Resource
from embedded.comparison import differences
from embedded.operations import ServiceError

log = logging.getLogger(__name__)

_INITIATED = "Resource creation Initiated"


def _forgotten(provider: Provider, physical_id: str, properties: dict[str, Any], ctx: Context) -> list[str]:
    """The properties that were given and that the service knows nothing of: its provider has passed over them."""
    return [path for path, found in _unlike(provider, physical_id, properties, properties, ctx) if found is None]


def _stale(provider: Provider, physical_id: str, old: dict[str, Any], new: dict[str, Any], ctx: Context) -> list[str]:
    """The properties that an update was to change and that its service does not answer as they should be now."""
    changed = {name: value for name, value in new.items() if old.get(name) != value}
    return [path for path, _ in _unlike(provider, physical_id, new, changed, ctx)]


def _unlike(
    provider: Provider, physical_id: str, properties: dict[str, Any], looked_at: dict[str, Any], ctx: Context
) -> list[tuple[str, Any]]:
    """Where the service's answer is not what was given: the path, and what it answers."""
    if provider.type == CUSTOM_RESOURCE:
        return []
    try:
        answered = provider.read(physical_id, properties, ctx)
    except ClientError:
        # the stack's role may create and not look
        return []
    wanted = {name: value for name, value in looked_at.items() if name not in provider.unread}
    return [] if answered is None else [(path, found) for path, _, found in differences(wanted, answered)]


class Operator:
    """Makes, changes and deletes the resources of one stack."""

    def __init__(self, stack: Stack, inputs: Inputs) -> None:
        self._stack, self._inputs = stack, inputs

    def create(
        self,
        resource: Resource,
        properties: dict[str, Any],
        *,
        replacing: Deployed | None = None,
        partly: Callable[[Deployed], None],
    ) -> Deployed:
        """Create a resource, with its events; `partly` is told of one that was begun and failed."""
        verb = "CREATE" if replacing is None else "UPDATE"
        if replacing is not None:
            reason = "Requested update requires the creation of a new physical resource; hence creating one."
            self._event(resource, replacing.physical_id, "UPDATE_IN_PROGRESS", reason, properties)
        else:
            self._event(resource, "", "CREATE_IN_PROGRESS", None, properties)
        ctx = self._context(resource.logical_id, resource.type, {})
        try:
            made: Made = self._call(
                resource,
                verb,
                "",
                properties,
                lambda: self._create(find(resource.type), properties, ctx),
                begun=ctx.begun,
            )
        except ResourceError:
            if ctx.begun:
                partly(self._deployed(resource, properties, Made(physical_id=ctx.begun[0]), ctx, "CREATE_FAILED"))
            raise
        self._event(resource, made.physical_id, f"{verb}_IN_PROGRESS", _INITIATED, properties)
        self._event(resource, made.physical_id, f"{verb}_COMPLETE", None, properties)
        return self._deployed(resource, properties, made, ctx, f"{verb}_COMPLETE")

    def adopt(self, resource: Resource, properties: dict[str, Any], physical_id: str) -> Deployed:
        """Take what exists into the stack, with its events, and leave it as it is; `verify` tells where it differs."""
        self._event(resource, physical_id, "IMPORT_IN_PROGRESS", None, properties)
        ctx = self._context(resource.logical_id, resource.type, {})

        def look() -> Made:
            provider = find(resource.type)
            if provider.read(physical_id, properties, ctx) is None:
                what = f"Resource of type '{resource.type}' with identifier '{physical_id}'"
                raise ResourceError(f"{what} was not found.")
            # an update from the same to the same changes nothing and answers the attributes
            return provider.update(physical_id, copy.deepcopy(properties), copy.deepcopy(properties), ctx)

        made: Made = self._call(resource, "IMPORT", physical_id, properties, look)
        self._event(resource, physical_id, "IMPORT_COMPLETE", None, properties)
        return self._deployed(resource, properties, made, ctx, "IMPORT_COMPLETE")

    @staticmethod
    def _create(provider: Provider, properties: dict[str, Any], ctx: Context) -> Made:
        missing = schemas.missing_properties(provider.type, properties)
        if missing:
            sentences = ", ".join(f"The property {{/{name}}} is required" for name in missing)
            raise ResourceError(f"Property validation failure: [{sentences}]")
        resolved = dynamic.resolve(properties, ctx)
        made = provider.create(copy.deepcopy(resolved), ctx)
        ctx.begin(made.physical_id)
        provider.mark(made.physical_id, ctx)
        forgotten = _forgotten(provider, made.physical_id, resolved, ctx)
        if forgotten:
            raise NotEmulated(f"the embedded cloud does not emulate {', '.join(forgotten)} of {ctx.type}")
        return made

    def update(self, resource: Resource, old: Deployed, properties: dict[str, Any]) -> Deployed:
        """Change a resource in place, with its events."""
        self._event(resource, old.physical_id, "UPDATE_IN_PROGRESS", None, properties)
        ctx = self._context(resource.logical_id, resource.type, dict(old.state))
        made = self._call(
            resource,
            "UPDATE",
            old.physical_id,
            properties,
            lambda: self._update(
                find(resource.type),
                old.physical_id,
                dynamic.resolve(copy.deepcopy(old.properties), ctx),
                dynamic.resolve(copy.deepcopy(properties), ctx),
                ctx,
            ),
        )
        self._event(resource, made.physical_id, "UPDATE_COMPLETE", None, properties)
        return self._deployed(resource, properties, made, ctx, "UPDATE_COMPLETE")

    @staticmethod
    def _update(provider: Provider, physical_id: str, old: dict[str, Any], new: dict[str, Any], ctx: Context) -> Made:
        made = provider.update(physical_id, copy.deepcopy(old), copy.deepcopy(new), ctx)
        stale = _stale(provider, made.physical_id, old, new, ctx)
        if stale:
            raise ResourceError(f"the embedded cloud does not change {', '.join(stale)} of {ctx.type} in place")
        return made

    def restore(self, old: Deployed, new: Deployed) -> Deployed:
        """Undo a change in place."""
        resource = Resource(
            logical_id=old.logical_id,
            type=old.type,
            properties={},
            metadata=old.metadata,
            deletion_policy=old.deletion_policy,
            update_replace_policy=old.update_replace_policy,
        )
        restored = self.update(resource, new, old.properties)
        restored.needs = old.needs
        return restored

    def delete(self, item: Deployed) -> bool:
        """Delete a resource, with its events; False if it could not be."""
        resource = Resource(logical_id=item.logical_id, type=item.type, properties={})
        self._event(resource, item.physical_id, "DELETE_IN_PROGRESS", None, item.properties)
        ctx = self._context(item.logical_id, item.type, dict(item.state))
        try:
            self._call(
                resource,
                "DELETE",
                item.physical_id,
                item.properties,
                lambda: find(item.type).delete(item.physical_id, copy.deepcopy(item.properties), ctx),
            )
        except ResourceError as error:
            item.status, item.reason = "DELETE_FAILED", str(error)
            return False
        self._event(resource, item.physical_id, "DELETE_COMPLETE", None, item.properties)
        return True

    def skip_deletion(self, item: Deployed) -> None:
        """Say that a resource is left where it is."""
        properties = item.properties
        self._stack.add_event(item.logical_id, item.physical_id, item.type, "DELETE_SKIPPED", properties=properties)

    def read(self, item: Deployed) -> dict[str, Any] | None:
        """A resource's properties as its service answers them."""
        ctx = self._context(item.logical_id, item.type, dict(item.state))
        return find(item.type).read(item.physical_id, item.properties, ctx)

    def wanted(self, item: Deployed, properties: dict[str, Any]) -> dict[str, Any]:
        """Properties as its service should answer them: with what dynamic references stand for."""
        found: dict[str, Any] = dynamic.resolve(properties, self._context(item.logical_id, item.type, {}))
        return found

    def _call(
        self,
        resource: Resource,
        verb: str,
        physical_id: str,
        properties: dict[str, Any],
        work: Any,
        begun: Sequence[str] = (),
    ) -> Any:
        """Do something with a resource; `begun` has the physical id of one that is there when its creation fails."""
        try:
            return work()
        except ClientError as error:
            detail = error.response["Error"]
            status = error.response["ResponseMetadata"].get("HTTPStatusCode")
            service, code = resource.type.split("::")[1], detail.get("Code")
            reason = f"{detail.get('Message', '')} (Service: {service}, Status Code: {status}, Error Code: {code})"
        except NotEmulated as error:
            self._failed(resource, verb, [physical_id, *begun], str(error), properties)
            raise
        except ServiceError as error:
            reason = f"{error.message} ({error.code})"
        except (ResourceError, BotoCoreError) as error:
            reason = str(error)
        except Exception as error:
            log.exception("%s of %s (%s) failed", verb, resource.logical_id, resource.type)
            reason = f"the embedded cloud failed at {resource.type}: {type(error).__name__}: {error}"
        self._failed(resource, verb, [physical_id, *begun], reason, properties)
        raise ResourceError(reason)

    def _failed(
        self, resource: Resource, verb: str, physical_ids: list[str], reason: str, properties: dict[str, Any]
    ) -> None:
        # a custom resource says only at its end that it is there
        if len(physical_ids) > 1 and find(resource.type).type != CUSTOM_RESOURCE:
            self._event(resource, physical_ids[-1], f"{verb}_IN_PROGRESS", _INITIATED, properties)
        self._event(resource, physical_ids[-1], f"{verb}_FAILED", reason, properties)

    def _context(self, logical_id: str, type_name: str, state: dict[str, Any]) -> Context:
        return Context(
            account=self._stack.account,
            region=self._stack.region,
            partition=self._stack.partition,
            stack_name=self._stack.name,
            stack_arn=self._stack.arn,
            logical_id=logical_id,
            type=type_name,
            role_arn=self._inputs.role_arn,
            state=state,
        )

    def _deployed(
        self, resource: Resource, properties: dict[str, Any], made: Made, ctx: Context, status: str
    ) -> Deployed:
        return Deployed(
            logical_id=resource.logical_id,
            type=resource.type,
            physical_id=made.physical_id,
            properties=properties,
            attributes=dict(made.attributes),
            metadata=resource.metadata,
            deletion_policy=resource.deletion_policy,
            update_replace_policy=resource.update_replace_policy,
            status=status,
            state=ctx.state,
            timestamp=now(),
        )

    def _event(
        self, resource: Resource, physical_id: str, status: str, reason: str | None, properties: dict[str, Any]
    ) -> None:
        self._stack.add_event(resource.logical_id, physical_id, resource.type, status, reason, properties)
