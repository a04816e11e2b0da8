"""Resources by table with SageMaker's tags: AddTags, ListTags and DeleteTags, by ARN."""

from dataclasses import dataclass
from typing import Any

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.declared import Declared
from embedded.cloudformation.providers.shapes import tag_list


@dataclass(kw_only=True)
class Tagged(Declared):
    """A provider by table."""

    arn: str
    """Where in describe's answer the ARN lies."""

    def tags(self, name: str, ctx: Context) -> Any:
        """Its tags."""
        return ctx.client(self.service).list_tags(ResourceArn=self._arn(name, ctx))["Tags"]

    def retag(self, name: str, changed: dict[str, str], removed: list[str], ctx: Context) -> None:
        """Set and remove tags."""
        client = ctx.client(self.service)
        if changed:
            client.add_tags(ResourceArn=self._arn(name, ctx), Tags=tag_list(changed))
        if removed:
            client.delete_tags(ResourceArn=self._arn(name, ctx), TagKeys=removed)

    def _arn(self, name: str, ctx: Context) -> str:
        return str(self.describe(name, ctx)[self.arn])
