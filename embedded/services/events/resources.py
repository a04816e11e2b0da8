"""EventBridge: rules and their targets."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import fit, tag_changes, tag_list


@provider
class Rule(Provider):
    """`AWS::Events::Rule`."""

    type = "AWS::Events::Rule"

    def create(self, props: Props, ctx: Context) -> Made:
        """Put the rule and its targets."""
        name = str(props.get("Name", ctx.name(64)))
        bus = str(props.get("EventBusName", "default"))
        arn = self._put(name, props, ctx, tags=True)
        # as on AWS, Ref names the bus of a rule that is not on the default one
        physical_id = ctx.begin(name if bus == "default" else f"{bus.rsplit('/', 1)[-1]}|{name}")
        self._targets(name, bus, [], props.get("Targets", []), ctx)
        return Made(physical_id=physical_id, attributes={"Arn": arn})

    @staticmethod
    def _put(name: str, props: Props, ctx: Context, *, tags: bool = False) -> str:
        options: dict[str, Any] = {
            key: props[key]
            for key in ("ScheduleExpression", "State", "Description", "RoleArn", "EventBusName")
            if key in props
        }
        if "EventPattern" in props:
            options["EventPattern"] = json.dumps(props["EventPattern"])
        if tags and props.get("Tags"):
            options["Tags"] = tag_list(props["Tags"])
        answer = ctx.client("events").put_rule(Name=name, **options)
        arn: str = answer["RuleArn"]
        return arn

    @staticmethod
    def _targets(name: str, bus: str, old: list[Props], new: list[Props], ctx: Context) -> None:
        events = ctx.client("events")
        gone = sorted({item["Id"] for item in old} - {item["Id"] for item in new})
        if gone:
            events.remove_targets(Rule=name, EventBusName=bus, Ids=gone)
        if new:
            shape = events.meta.service_model.operation_model("PutTargets").input_shape.members["Targets"]
            events.put_targets(Rule=name, EventBusName=bus, Targets=fit(new, shape, "Targets"))

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put it again; targets that are gone are taken off."""
        name = _name(physical_id)
        arn = self._put(name, new, ctx)
        bus = str(new.get("EventBusName", "default"))
        self._targets(name, bus, old.get("Targets", []), new.get("Targets", []), ctx)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            ctx.client("events").tag_resource(ResourceARN=arn, Tags=tag_list(changed))
        if removed:
            ctx.client("events").untag_resource(ResourceARN=arn, TagKeys=removed)
        return Made(physical_id=physical_id, attributes={"Arn": arn})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take the targets off, then delete it."""
        events, bus, name = ctx.client("events"), str(props.get("EventBusName", "default")), _name(physical_id)
        try:
            targets = events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
            if targets:
                ids = [item["Id"] for item in targets]
                events.remove_targets(Rule=name, EventBusName=bus, Ids=ids)
            events.delete_rule(Name=name, EventBusName=bus)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The rule and its targets."""
        events, bus, name = ctx.client("events"), str(props.get("EventBusName", "default")), _name(physical_id)
        try:
            found: Props = events.describe_rule(Name=name, EventBusName=bus)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        if "EventPattern" in found:
            found["EventPattern"] = json.loads(found["EventPattern"])
        found["Targets"] = events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
        found["Tags"] = tag_list(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"])
        return found


def _name(physical_id: str) -> str:
    return physical_id.rsplit("|", 1)[-1]
