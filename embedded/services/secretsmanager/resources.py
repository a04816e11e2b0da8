"""Secrets Manager: secrets and their policies."""

import json

from botocore.exceptions import ClientError
from moto.secretsmanager.models import secretsmanager_backends

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import Declared, is_absent
from embedded.cloudformation.providers.shapes import call, tag_list, without


class _Secret(Declared):
    """A secret: given, generated, or empty until a person fills it."""

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it; a generated value is made by the service."""
        generate = props.get("GenerateSecretString")
        if generate is None:
            return super().create(props, ctx)
        options = without(generate, "SecretStringTemplate", "GenerateStringKey")
        value = str(call(ctx.client("secretsmanager"), "GetRandomPassword", options)["RandomPassword"])
        if "SecretStringTemplate" in generate:
            value = json.dumps({**json.loads(generate["SecretStringTemplate"]), generate["GenerateStringKey"]: value})
        return super().create({**without(props, "GenerateSecretString"), "SecretString": value}, ctx)

    def mark(self, physical_id: str, ctx: Context) -> None:
        """Put the stack's tags on it."""
        secretsmanager_backends[ctx.account][ctx.region].tag_resource(physical_id, ctx.stack_tags)

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


@provider
class ResourcePolicy(Provider):
    """`AWS::SecretsManager::ResourcePolicy`."""

    type = "AWS::SecretsManager::ResourcePolicy"
    unread = frozenset({"BlockPublicPolicy"})

    def create(self, props: Props, ctx: Context) -> Made:
        """Put the policy on the secret; a secret has one."""
        return self._put(props, ctx)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put the new one."""
        return self._put(new, ctx)

    @staticmethod
    def _put(props: Props, ctx: Context) -> Made:
        arn = call(ctx.client("secretsmanager"), "PutResourcePolicy", props)["ARN"]
        return Made(physical_id=arn, attributes={"Id": arn})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take the policy off the secret."""
        try:
            ctx.client("secretsmanager").delete_resource_policy(SecretId=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The policy as the secret has it."""
        try:
            found = ctx.client("secretsmanager").get_resource_policy(SecretId=physical_id)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        policy = found.get("ResourcePolicy")
        return None if policy is None else {"SecretId": props["SecretId"], "ResourcePolicy": policy}
