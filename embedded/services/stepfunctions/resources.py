"""Step Functions: state machines."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded import clients
from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import ResourceError
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import tag_changes, tag_list, to_api

_SETTINGS = ("LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration")


def _definition(props: Props, ctx: Context) -> str:
    if "DefinitionString" in props:
        text = str(props["DefinitionString"])
    elif "Definition" in props:
        text = json.dumps(props["Definition"])
    elif "DefinitionS3Location" in props:
        where = props["DefinitionS3Location"]
        answer = clients.client("s3", ctx.account, ctx.region).get_object(Bucket=where["Bucket"], Key=where["Key"])
        text = answer["Body"].read().decode()
    else:
        raise ResourceError("a state machine needs DefinitionString, Definition or DefinitionS3Location")
    for name, value in props.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return text


def _lower(tags: Any) -> list[dict[str, str]]:
    return [{"key": item["Key"], "value": item["Value"]} for item in tag_list(tags)]


@provider
class StateMachine(Provider):
    """`AWS::StepFunctions::StateMachine`."""

    type = "AWS::StepFunctions::StateMachine"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it."""
        name = str(props.get("StateMachineName", ctx.name(80)))
        client = ctx.client("stepfunctions")
        params = self._params(client, "CreateStateMachine", props, ctx)
        kind = props.get("StateMachineType", "STANDARD")
        answer = client.create_state_machine(name=name, type=kind, tags=_lower(props.get("Tags")), **params)
        ctx.begin(answer["stateMachineArn"])
        return self._made(answer["stateMachineArn"], name)

    @staticmethod
    def _params(client: Any, operation: str, props: Props, ctx: Context) -> dict[str, Any]:
        given: Props = {key: props[key] for key in _SETTINGS if key in props}
        return {"definition": _definition(props, ctx), "roleArn": props["RoleArn"], **to_api(client, operation, given)}

    @staticmethod
    def _made(arn: str, name: str) -> Made:
        return Made(physical_id=arn, attributes={"Arn": arn, "Name": name, "StateMachineRevisionId": "INITIAL"})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change the definition, the role, logging and tags."""
        client = ctx.client("stepfunctions")
        client.update_state_machine(stateMachineArn=physical_id, **self._params(client, "UpdateStateMachine", new, ctx))
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            client.tag_resource(resourceArn=physical_id, tags=_lower(changed))
        if removed:
            client.untag_resource(resourceArn=physical_id, tagKeys=removed)
        return self._made(physical_id, physical_id.rsplit(":", 1)[-1])

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        try:
            ctx.client("stepfunctions").delete_state_machine(stateMachineArn=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The machine; its definition is compared as JSON, after substitution."""
        client = ctx.client("stepfunctions")
        try:
            raw = client.describe_state_machine(stateMachineArn=physical_id)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        same = json.loads(raw["definition"]) == json.loads(_definition(props, ctx))
        found: Props = {
            "StateMachineName": raw["name"],
            "StateMachineType": raw["type"],
            "RoleArn": raw["roleArn"],
            "LoggingConfiguration": raw.get("loggingConfiguration"),
            "TracingConfiguration": raw.get("tracingConfiguration"),
            "EncryptionConfiguration": raw.get("encryptionConfiguration"),
            "Tags": tag_list(client.list_tags_for_resource(resourceArn=physical_id)["tags"]),
            "DefinitionSubstitutions": props.get("DefinitionSubstitutions"),
        }
        for name in ("DefinitionString", "Definition", "DefinitionS3Location"):
            if name in props:
                found[name] = props[name] if same else raw["definition"]
        return found
