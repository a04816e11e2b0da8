"""Scheduler: schedules and their groups, as resources of a stack."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import Declared, is_absent
from embedded.cloudformation.providers.shapes import call, tag_list


@provider
class Schedule(Provider):
    """`AWS::Scheduler::Schedule`."""

    type = "AWS::Scheduler::Schedule"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it."""
        name = str(props.get("Name", ctx.name(64)))
        made = call(ctx.client("scheduler"), "CreateSchedule", {**props, "Name": name})
        return Made(physical_id=name, attributes={"Arn": made["ScheduleArn"]})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change all of it: what the template does not say is as if it had never been said."""
        made = call(ctx.client("scheduler"), "UpdateSchedule", {**new, "Name": physical_id})
        return Made(physical_id=physical_id, attributes={"Arn": made["ScheduleArn"]})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it, unless it has deleted itself."""
        try:
            ctx.client("scheduler").delete_schedule(Name=physical_id, **_group(props))
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """What the service says of it."""
        try:
            found: Props = ctx.client("scheduler").get_schedule(Name=physical_id, **_group(props))
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        for date in ("StartDate", "EndDate"):
            if date in props and date in found:
                found[date] = props[date] if _same(found[date], props[date]) else found[date]
        wanted = props.get("Target", {}).get("Input")
        if isinstance(wanted, dict):
            found["Target"]["Input"] = json.loads(found["Target"]["Input"])
        return found


def _same(answered: Any, wanted: Any) -> bool:
    return bool(answered.strftime("%Y-%m-%dT%H:%M:%S") == str(wanted)[:19])


def _group(props: Props) -> dict[str, str]:
    return {"GroupName": str(props["GroupName"])} if "GroupName" in props else {}


class _Group(Declared):
    def tags(self, name: str, ctx: Context) -> Any:
        """Its tags."""
        arn = ctx.arn("scheduler", f"schedule-group/{name}")
        return ctx.client(self.service).list_tags_for_resource(ResourceArn=arn)["Tags"]

    def retag(self, name: str, changed: dict[str, str], removed: list[str], ctx: Context) -> None:
        """Set and remove tags."""
        arn = ctx.arn("scheduler", f"schedule-group/{name}")
        if changed:
            ctx.client(self.service).tag_resource(ResourceArn=arn, Tags=tag_list(changed))
        if removed:
            ctx.client(self.service).untag_resource(ResourceArn=arn, TagKeys=removed)


_Group(
    type="AWS::Scheduler::ScheduleGroup",
    service="scheduler",
    create_operation="CreateScheduleGroup",
    describe_operation="GetScheduleGroup",
    delete_operation="DeleteScheduleGroup",
    name="Name",
    attributes={"Arn": "Arn", "State": "State"},
)
