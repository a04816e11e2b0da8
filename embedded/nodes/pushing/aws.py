"""`aws` for builds where the machine has none: `aws SERVICE OPERATION --parameter value`, answered as JSON.

Lists are several words, structures are JSON or `key=value,key=value`; `--query` and `--output` are not known.
"""

import base64
import json
import sys
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError


def main(words: list[str]) -> int:
    """Make the call, and return the command's exit code."""
    if len(words) < 2:
        print("usage: aws <command> <subcommand> [parameters]", file=sys.stderr)
        return 252
    service, operation, rest = words[0], words[1], words[2:]
    try:
        client = boto3.client(service)
        if (service, operation) == ("ecr", "get-login-password"):
            token = client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
            print(base64.b64decode(token).decode().partition(":")[2])
            return 0
        names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
        if operation not in names:
            print(f"aws: {service} has no operation {operation}", file=sys.stderr)
            return 252
        model = client.meta.service_model.operation_model(names[operation])
        answer = getattr(client, operation.replace("-", "_"))(**_parameters(model.input_shape, rest))
    except ClientError as error:
        print(f"\n{error}", file=sys.stderr)
        return 254
    except (BotoCoreError, ValueError) as error:
        print(f"aws: {error}", file=sys.stderr)
        return 252
    answer.pop("ResponseMetadata", None)
    print(json.dumps(answer, indent=4, default=str))
    return 0


def _parameters(shape: Any, words: list[str]) -> dict[str, Any]:
    members = {} if shape is None else {xform_name(name, "-"): name for name in shape.members}
    found: dict[str, Any] = {}
    while words:
        option, words = words[0].removeprefix("--"), words[1:]
        if option == "region":
            words = words[1:]
            continue
        if option not in members:
            raise ValueError(f"unknown option --{option}")
        values = []
        while words and not words[0].startswith("--"):
            values.append(words[0])
            words = words[1:]
        name = members[option]
        found[name] = _value(shape.members[name], values)
    return found


def _value(shape: Any, values: list[str]) -> Any:
    if shape.type_name == "list":
        if len(values) == 1 and values[0].startswith("["):
            return json.loads(values[0])
        return [_value(shape.member, [value]) for value in values]
    text = " ".join(values)
    if shape.type_name in ("structure", "map"):
        return json.loads(text) if text.startswith("{") else dict(one.partition("=")[::2] for one in text.split(","))
    if shape.type_name in ("integer", "long"):
        return int(text)
    return text == "true" or not text if shape.type_name == "boolean" else text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
