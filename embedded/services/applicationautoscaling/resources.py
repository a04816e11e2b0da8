"""Scalable targets and scaling policies in templates."""

from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import call, tag_changes, without

_SERVICE = "application-autoscaling"
_PLACE = ("ServiceNamespace", "ResourceId", "ScalableDimension")


@provider
class ScalableTarget(Provider):
    """`AWS::ApplicationAutoScaling::ScalableTarget`: its scheduled actions are the template's, all of them."""

    type = "AWS::ApplicationAutoScaling::ScalableTarget"

    def create(self, props: Props, ctx: Context) -> Made:
        """Register it."""
        tags = {one["Key"]: one["Value"] for one in props.get("Tags", ())}
        call(ctx.client(_SERVICE), "RegisterScalableTarget", {**_registered(props), **({"Tags": tags} if tags else {})})
        made = _made(props)
        ctx.begin(made.physical_id)
        self._schedule({}, props, ctx)
        return made

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Register it again, with other limits."""
        api = ctx.client(_SERVICE)
        call(api, "RegisterScalableTarget", _registered(new))
        self._schedule(old, new, ctx)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed or removed:
            arn = self._described(physical_id, ctx)["ScalableTargetARN"]
            if changed:
                api.tag_resource(ResourceARN=arn, Tags=changed)
            if removed:
                api.untag_resource(ResourceARN=arn, TagKeys=removed)
        return _made(new)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Deregister it, unless its endpoint has gone and taken it along."""
        try:
            call(ctx.client(_SERVICE), "DeregisterScalableTarget", _place_of(physical_id))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ObjectNotFoundException":
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """What the service says of it, its scheduled actions and tags."""
        try:
            found = self._described(physical_id, ctx)
        except LookupError:
            return None
        api = ctx.client(_SERVICE)
        if "Tags" in props:
            tags = api.list_tags_for_resource(ResourceARN=found["ScalableTargetARN"])["Tags"]
            found["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
        if "ScheduledActions" in props:
            listed = api.describe_scheduled_actions(**_place_of(physical_id))["ScheduledActions"]
            wanted = {one["ScheduledActionName"]: one for one in props["ScheduledActions"]}
            found["ScheduledActions"] = [
                {key: one[key] for key in wanted[one["ScheduledActionName"]] if key in one}
                for one in sorted(listed, key=lambda one: list(wanted).index(one["ScheduledActionName"]))
            ]
        return found

    def _described(self, physical_id: str, ctx: Context) -> Props:
        place = _place_of(physical_id)
        found = ctx.client(_SERVICE).describe_scalable_targets(
            ServiceNamespace=place["ServiceNamespace"],
            ResourceIds=[place["ResourceId"]],
            ScalableDimension=place["ScalableDimension"],
        )["ScalableTargets"]
        if not found:
            raise LookupError(physical_id)
        return dict(found[0])

    @staticmethod
    def _schedule(old: Props, new: Props, ctx: Context) -> None:
        api = ctx.client(_SERVICE)
        place = {name: new[name] for name in _PLACE}
        wanted = {one["ScheduledActionName"]: one for one in new.get("ScheduledActions", ())}
        for name in {one["ScheduledActionName"] for one in old.get("ScheduledActions", ())} - wanted.keys():
            call(api, "DeleteScheduledAction", {**place, "ScheduledActionName": name})
        for one in wanted.values():
            call(api, "PutScheduledAction", {**place, **one})


@provider
class ScalingPolicy(Provider):
    """`AWS::ApplicationAutoScaling::ScalingPolicy`."""

    type = "AWS::ApplicationAutoScaling::ScalingPolicy"
    unread = frozenset({"ScalingTargetId"})

    def create(self, props: Props, ctx: Context) -> Made:
        """Put it."""
        made = call(ctx.client(_SERVICE), "PutScalingPolicy", _policy(props))
        return Made(physical_id=made["PolicyARN"], attributes={"Arn": made["PolicyARN"]})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put it again."""
        return self.create(new, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it, unless it went with its target."""
        named = {key: value for key, value in _policy(props).items() if key in (*_PLACE, "PolicyName")}
        try:
            call(ctx.client(_SERVICE), "DeleteScalingPolicy", named)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ObjectNotFoundException" and not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """What the service says of it."""
        wanted = _policy(props)
        found = ctx.client(_SERVICE).describe_scaling_policies(
            ServiceNamespace=wanted["ServiceNamespace"],
            PolicyNames=[wanted["PolicyName"]],
            ResourceId=wanted["ResourceId"],
        )["ScalingPolicies"]
        return dict(found[0]) if found else None


def _registered(props: Props) -> dict[str, Any]:
    # the service uses its linked role whatever the template names
    return without(props, "ScheduledActions", "Tags", "RoleARN")


def _made(props: Props) -> Made:
    physical_id = "|".join(str(props[name]) for name in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
    return Made(physical_id=physical_id, attributes={"Id": physical_id})


def _place_of(physical_id: str) -> dict[str, str]:
    resource, dimension, namespace = physical_id.split("|")
    return {"ServiceNamespace": namespace, "ResourceId": resource, "ScalableDimension": dimension}


def _policy(props: Props) -> dict[str, Any]:
    """The API's parameters: a template may name the target by its id."""
    place = _place_of(str(props["ScalingTargetId"])) if "ScalingTargetId" in props else {}
    return {**without(props, "ScalingTargetId"), **place}
