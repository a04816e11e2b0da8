"""EventBridge: event buses, and who else may send to them."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import tag_changes, tag_list


@provider
class EventBus(Provider):
    """`AWS::Events::EventBus`."""

    type = "AWS::Events::EventBus"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it."""
        unknown = sorted(set(props) - {"Name", "Policy", "Tags"})
        if unknown:
            raise NotEmulated(f"the embedded cloud does not emulate {', '.join(unknown)} of {self.type}")
        events, name = ctx.client("events"), str(props["Name"])
        arn = events.create_event_bus(Name=name, Tags=tag_list(props.get("Tags")))["EventBusArn"]
        ctx.begin(name)
        if "Policy" in props:
            events.put_permission(EventBusName=name, Policy=_text(props["Policy"]))
        return self._made(name, arn)

    @staticmethod
    def _made(name: str, arn: str) -> Made:
        return Made(physical_id=name, attributes={"Arn": arn, "Name": name})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change its policy and its tags."""
        events = ctx.client("events")
        arn = events.describe_event_bus(Name=physical_id)["Arn"]
        if old.get("Policy") != new.get("Policy"):
            events.remove_permission(EventBusName=physical_id, RemoveAllPermissions=True)
            if "Policy" in new:
                events.put_permission(EventBusName=physical_id, Policy=_text(new["Policy"]))
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            events.tag_resource(ResourceARN=arn, Tags=tag_list(changed))
        if removed:
            events.untag_resource(ResourceARN=arn, TagKeys=removed)
        return self._made(physical_id, arn)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        try:
            ctx.client("events").delete_event_bus(Name=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The bus, its policy and its tags."""
        events = ctx.client("events")
        try:
            found: Props = dict(events.describe_event_bus(Name=physical_id))
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        found["Tags"] = tag_list(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"])
        return found


def _text(policy: Any) -> str:
    return policy if isinstance(policy, str) else json.dumps(policy)


@provider
class EventBusPolicy(Provider):
    """`AWS::Events::EventBusPolicy`: one statement of a bus's policy."""

    type = "AWS::Events::EventBusPolicy"

    def create(self, props: Props, ctx: Context) -> Made:
        """Add the statement."""
        self._put(props, ctx)
        return Made(physical_id=f"{_bus(props)}|{props['StatementId']}")

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put the statement in the place of the old one."""
        self._put(new, ctx)
        return Made(physical_id=physical_id)

    def _put(self, props: Props, ctx: Context) -> None:
        events, bus = ctx.client("events"), _bus(props)
        if "Statement" not in props:
            fields = {key: props[key] for key in ("Action", "Principal", "Condition") if key in props}
            events.put_permission(EventBusName=bus, StatementId=props["StatementId"], **fields)
            return
        statement = {**props["Statement"], "Sid": props["StatementId"]}
        others = [item for item in self._statements(bus, ctx) if item.get("Sid") != statement["Sid"]]
        policy = {"Version": "2012-10-17", "Statement": [*others, statement]}
        events.put_permission(EventBusName=bus, Policy=json.dumps(policy))

    @staticmethod
    def _statements(bus: str, ctx: Context) -> list[Props]:
        text = ctx.client("events").describe_event_bus(Name=bus).get("Policy")
        found: list[Props] = json.loads(text).get("Statement", []) if text else []
        return found

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take the statement out."""
        try:
            ctx.client("events").remove_permission(EventBusName=_bus(props), StatementId=props["StatementId"])
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The statement as the bus's policy has it."""
        try:
            statements = self._statements(_bus(props), ctx)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        found = next((item for item in statements if item.get("Sid") == props["StatementId"]), None)
        if found is None:
            return None
        return {**props, "Statement": found} if "Statement" in props else dict(props)


def _bus(props: Props) -> str:
    return str(props.get("EventBusName", "default")).rsplit("/", 1)[-1]
