"""EC2: what its resources have in common, tags and waiting for nothing."""

from typing import Any

from botocore.exceptions import ClientError
from moto.ec2.models import ec2_backends

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider
from embedded.cloudformation.providers.shapes import call, tag_changes, tag_list, without


def quietly(work: Any, **params: Any) -> None:
    """Call, and take it for done if the thing is gone already."""
    try:
        work(**params)
    except ClientError as error:
        if ".NotFound" not in error.response["Error"]["Code"]:
            raise


def enabled(props: Props, name: str, default: str = "false") -> bool:
    """A switch of a template, which may be text."""
    return str(props.get(name, default)).lower() == "true"


class Ec2Resource(Provider):
    """A resource with an id that EC2 gives, found by one describe operation."""

    create_operation: str
    describe: str
    """The describe method of the client."""

    ids: str
    """The parameter of describe that takes a list of ids."""

    listed: str
    """Where in its answer the list is."""

    single: str | None
    """Where in create's answer the thing is; None where the answer is the thing."""

    id_field: str
    delete_method: str
    delete_parameter: str
    resource_type: str | None = None
    """The word in TagSpecifications; None for what has no tags."""

    omit: tuple[str, ...] = ()
    """Properties that the create operation does not take."""

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it, with its tags, and set what creation cannot set."""
        params = without(props, "Tags", *self.omit)
        if self.resource_type is not None and props.get("Tags"):
            params["TagSpecifications"] = [{"ResourceType": self.resource_type, "Tags": tag_list(props["Tags"])}]
        answer = call(ctx.client("ec2"), self.create_operation, params)
        made = answer if self.single is None else answer[self.single]
        physical_id = ctx.begin(made[self.id_field])
        self.finish(physical_id, {}, props, ctx)
        return self.made(physical_id, props, ctx)

    def mark(self, physical_id: str, ctx: Context) -> None:
        """Put the stack's tags on it."""
        if self.resource_type is not None:
            ec2_backends[ctx.account][ctx.region].create_tags([physical_id], ctx.stack_tags)

    def finish(self, physical_id: str, old: Props, new: Props, ctx: Context) -> None:
        """Set what creation cannot set; by default there is nothing."""

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Set what can be set later, and the tags."""
        self.finish(physical_id, old, new, ctx)
        self.retag(physical_id, old, new, ctx)
        return self.made(physical_id, new, ctx)

    @staticmethod
    def retag(physical_id: str, old: Props, new: Props, ctx: Context) -> None:
        """Set and remove tags."""
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            ctx.client("ec2").create_tags(Resources=[physical_id], Tags=tag_list(changed))
        if removed:
            ctx.client("ec2").delete_tags(Resources=[physical_id], Tags=[{"Key": key} for key in removed])

    def made(self, physical_id: str, props: Props, ctx: Context) -> Made:
        """Its attributes; by default none but its id."""
        return Made(physical_id=physical_id, attributes={self.id_field: physical_id})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        quietly(getattr(ctx.client("ec2"), self.delete_method), **{self.delete_parameter: physical_id})

    def find(self, physical_id: str, ctx: Context) -> Props | None:
        """What describe says of it."""
        try:
            answer = getattr(ctx.client("ec2"), self.describe)(**{self.ids: [physical_id]})
        except ClientError as error:
            if ".NotFound" in error.response["Error"]["Code"]:
                return None
            raise
        items = answer[self.listed]
        return dict(items[0]) if items else None

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Its properties by describe."""
        found = self.find(physical_id, ctx)
        return None if found is None else {**found, "Tags": tag_list(found.get("Tags"))}
