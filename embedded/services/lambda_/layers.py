"""Lambda: versions of layers. One that changes is replaced by the next version."""

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import call, without


@provider
class LayerVersion(Provider):
    """`AWS::Lambda::LayerVersion`."""

    type = "AWS::Lambda::LayerVersion"
    unread = frozenset({"Content"})  # the service answers where to download it, not where it came from

    def create(self, props: Props, ctx: Context) -> Made:
        """Publish it."""
        name = str(props.get("LayerName", ctx.name(64)))
        made = call(ctx.client("lambda"), "PublishLayerVersion", {**props, "LayerName": name})
        arn = str(made["LayerVersionArn"])
        return Made(physical_id=arn, attributes={"LayerVersionArn": arn})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete this version."""
        layer, _, version = physical_id.rpartition(":")
        try:
            ctx.client("lambda").delete_layer_version(LayerName=layer, VersionNumber=int(version))
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Its name, description and runtimes."""
        layer, _, version = physical_id.rpartition(":")
        try:
            found = ctx.client("lambda").get_layer_version(LayerName=layer, VersionNumber=int(version))
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return {**without(found, "Content", "ResponseMetadata"), "LayerName": layer.rpartition(":")[2]}
