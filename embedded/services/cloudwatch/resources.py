"""CloudWatch: alarms and dashboards."""

import json
from typing import Any

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import ResourceError
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.shapes import call, tag_changes, tag_list, without


class _AnyAlarm(Provider):
    """What metric and composite alarms have in common."""

    operation: str
    result: str

    def create(self, props: Props, ctx: Context) -> Made:
        """Put it."""
        name = str(props.get("AlarmName", ctx.name(255)))
        call(ctx.client("cloudwatch"), self.operation, {**props, "AlarmName": name})
        return self._made(name, ctx)

    @staticmethod
    def _made(name: str, ctx: Context) -> Made:
        return Made(physical_id=name, attributes={"Arn": ctx.arn("cloudwatch", f"alarm:{name}")})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put it again; tags go their own way."""
        cloudwatch = ctx.client("cloudwatch")
        call(cloudwatch, self.operation, {**without(new, "Tags"), "AlarmName": physical_id})
        made = self._made(physical_id, ctx)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            cloudwatch.tag_resource(ResourceARN=made.attributes["Arn"], Tags=tag_list(changed))
        if removed:
            cloudwatch.untag_resource(ResourceARN=made.attributes["Arn"], TagKeys=removed)
        return made

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        if self.read(physical_id, props, ctx) is not None:
            ctx.client("cloudwatch").delete_alarms(AlarmNames=[physical_id])

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The alarm as the service describes it."""
        cloudwatch = ctx.client("cloudwatch")
        kind = {"MetricAlarms": "MetricAlarm", "CompositeAlarms": "CompositeAlarm"}[self.result]
        alarms = cloudwatch.describe_alarms(AlarmNames=[physical_id], AlarmTypes=[kind]).get(self.result, [])
        if not alarms:
            return None
        found: Props = dict(alarms[0])
        if "Tags" in props:
            arn = ctx.arn("cloudwatch", f"alarm:{physical_id}")
            found["Tags"] = tag_list(cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])
        return found


@provider
class Alarm(_AnyAlarm):
    """`AWS::CloudWatch::Alarm`."""

    type = "AWS::CloudWatch::Alarm"
    operation = "PutMetricAlarm"
    result = "MetricAlarms"


@provider
class Dashboard(Provider):
    """`AWS::CloudWatch::Dashboard`."""

    type = "AWS::CloudWatch::Dashboard"
    unread = frozenset({"Tags"})

    def create(self, props: Props, ctx: Context) -> Made:
        """Put it."""
        name = str(props.get("DashboardName", ctx.name(255)))
        if self.read(name, props, ctx) is not None:
            raise ResourceError(f"Resource of type '{self.type}' with identifier '{name}' already exists.")
        self._put(name, props, ctx)
        return Made(physical_id=name)

    @staticmethod
    def _put(name: str, props: Props, ctx: Context) -> None:
        body: Any = props["DashboardBody"]
        text = body if isinstance(body, str) else json.dumps(body)
        ctx.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=text)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put it again."""
        self._put(physical_id, new, ctx)
        return Made(physical_id=physical_id)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        if self.read(physical_id, props, ctx) is not None:
            ctx.client("cloudwatch").delete_dashboards(DashboardNames=[physical_id])

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Its body."""
        cloudwatch = ctx.client("cloudwatch")
        names = [item["DashboardName"] for item in cloudwatch.list_dashboards()["DashboardEntries"]]
        if physical_id not in names:
            return None
        body = cloudwatch.get_dashboard(DashboardName=physical_id)["DashboardBody"]
        return {"DashboardName": physical_id, "DashboardBody": json.loads(body)}
