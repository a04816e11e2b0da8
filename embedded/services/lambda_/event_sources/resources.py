"""Lambda: event source mappings as resources of a stack."""

from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import call
from embedded.services.lambda_.event_sources.mappings import defaults


@provider
class EventSourceMapping(Provider):
    """`AWS::Lambda::EventSourceMapping`."""

    type = "AWS::Lambda::EventSourceMapping"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it."""
        return self._made(call(ctx.client("lambda"), "CreateEventSourceMapping", props))

    @staticmethod
    def _made(answer: dict[str, Any]) -> Made:
        arn = answer["EventSourceMappingArn"]
        return Made(physical_id=answer["UUID"], attributes={"Id": answer["UUID"], "EventSourceMappingArn": arn})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change it; what the template no longer says is as it is by default."""
        unset = {"Enabled": True, "FilterCriteria": {}, **defaults(new["EventSourceArn"])}
        wanted = {key: unset[key] for key in old if key not in new and key in unset}
        wanted |= {key: value for key, value in new.items() if key not in ("EventSourceArn", "StartingPosition")}
        return self._made(call(ctx.client("lambda"), "UpdateEventSourceMapping", {"UUID": physical_id, **wanted}))

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take it away."""
        try:
            ctx.client("lambda").delete_event_source_mapping(UUID=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The mapping as the service describes it."""
        try:
            found: Props = ctx.client("lambda").get_event_source_mapping(UUID=physical_id)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return {**found, "FunctionName": props["FunctionName"], "Enabled": found["State"] == "Enabled"}
