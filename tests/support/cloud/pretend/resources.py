"""The response plan of a template."""

from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import to_template


@provider
class ResponsePlan(Provider):
    """`AWS::SSMIncidents::ResponsePlan`."""

    type = "AWS::SSMIncidents::ResponsePlan"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it."""
        arn = ctx.client("ssm-incidents").create_response_plan(**_to_api(props))["arn"]
        return Made(physical_id=arn, attributes={"Arn": arn})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        try:
            ctx.client("ssm-incidents").delete_response_plan(arn=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Describe it."""
        try:
            found: Props = to_template(ctx.client("ssm-incidents").get_response_plan(arn=physical_id))
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return found


def _to_api(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _to_api(item) for name, item in value.items()}
    return value
