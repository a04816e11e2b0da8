"""Secrets Manager: secrets."""

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated
from embedded.cloudformation.providers.base import Made, Props
from embedded.cloudformation.providers.declared import Declared
from embedded.cloudformation.providers.shapes import tag_list, without


class _Secret(Declared):
    """A secret: given, generated, or empty until a person fills it."""

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it; a generated value is made by the service."""
        generate = props.get("GenerateSecretString")
        if generate is None:
            return super().create(props, ctx)
        if set(generate) & {"SecretStringTemplate", "GenerateStringKey"}:
            raise NotEmulated("the embedded cloud does not emulate SecretStringTemplate of AWS::SecretsManager::Secret")
        options = {key: value for key, value in generate.items()}
        if "PasswordLength" in options:
            options["PasswordLength"] = int(options["PasswordLength"])
        password = ctx.client("secretsmanager").get_random_password(**options)["RandomPassword"]
        return super().create({**without(props, "GenerateSecretString"), "SecretString": password}, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it at once, as CloudFormation does."""
        if self.read(physical_id, props, ctx) is not None:
            ctx.client(self.service).delete_secret(SecretId=physical_id, ForceDeleteWithoutRecovery=True)

    def _name(self, physical_id: str) -> str:
        return physical_id

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The secret's outside: its value is nobody's business here."""
        found = super().read(physical_id, props, ctx)
        if found is None or "DeletedDate" in found:
            return None
        return {**found, "Tags": tag_list(found.get("Tags"))}

    def retag(self, name: str, changed: dict[str, str], removed: list[str], ctx: Context) -> None:
        """Set and remove tags."""
        if changed:
            ctx.client(self.service).tag_resource(SecretId=name, Tags=tag_list(changed))
        if removed:
            ctx.client(self.service).untag_resource(SecretId=name, TagKeys=removed)


_Secret(
    type="AWS::SecretsManager::Secret",
    service="secretsmanager",
    create_operation="CreateSecret",
    describe_operation="DescribeSecret",
    update_operation="UpdateSecret",
    delete_operation="DeleteSecret",
    name="Name",
    key="SecretId",
    ref="ARN",
    attributes={"Id": "ARN"},
    unread=frozenset({"SecretString", "GenerateSecretString"}),
    name_limit=512,
)
