"""Policies of templates as texts: every reference replaced by what it names once it is deployed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.rules.model import Assembly, Resource

_PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
_HERE = "us-east-1:123456789012"
_UUID = "11111111-2222-3333-4444-555555555555"
_ARNS = {
    "AWS::CloudWatch::Alarm": f"arn:aws:cloudwatch:{_HERE}:alarm:NAME",
    "AWS::CodeBuild::Project": f"arn:aws:codebuild:{_HERE}:project/NAME",
    "AWS::ECR::Repository": f"arn:aws:ecr:{_HERE}:repository/NAME",
    "AWS::Events::Rule": f"arn:aws:events:{_HERE}:rule/NAME",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::123456789012:policy/NAME",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/NAME",
    "AWS::KMS::Key": f"arn:aws:kms:{_HERE}:key/{_UUID}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_HERE}:function:NAME",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_HERE}:log-group:NAME:*",
    "AWS::S3::Bucket": "arn:aws:s3:::NAME",
    "AWS::SNS::Topic": f"arn:aws:sns:{_HERE}:NAME",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_HERE}:NAME",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{_HERE}:secret:NAME-a1B2c3",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{_HERE}:stateMachine:NAME",
}
"""What `Fn::GetAtt` of `Arn` gives."""
_REF_IS_ARN = (
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
)
_IDS = {
    "AWS::EC2::SecurityGroup": "sg-0123456789abcdef0",
    "AWS::EC2::Subnet": "subnet-0123456789abcdef0",
    "AWS::EC2::VPC": "vpc-0123456789abcdef0",
    "AWS::KMS::Key": _UUID,
}
"""What `Ref` gives where it is an id."""
_ATTRIBUTES = {"DefaultSecurityGroup": "sg-0123456789abcdef1", "GroupId": "sg-0123456789abcdef0"}


class Unknown(Exception):
    """A reference in a policy that nobody has said the shape of: add it to the tables above."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """One policy document of a template, filled in."""

    resource: Resource
    holder: str
    """The property that holds it."""
    statements: tuple[Mapping[str, Any], ...]

    @property
    def where(self) -> str:
        """How a problem names it."""
        return f"{self.resource.where} {self.holder}"


def policies(assembly: Assembly) -> Iterator[Policy]:
    """Every policy document of these templates, wherever it stands."""
    for resource in assembly.resources():
        for path, document in _documents(resource.properties, ""):
            filled = _Filler(assembly, resource.stack).value(document)
            if isinstance(filled, str):
                filled = json.loads(filled)
            statements = filled["Statement"]
            yield Policy(
                resource=resource,
                holder=path,
                statements=tuple([statements] if isinstance(statements, Mapping) else statements),
            )


def _documents(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        if "Statement" in value:
            yield path, value
            return
        for key, inner in value.items():
            if key in ("PolicyDocument", "PolicyText") and not _is_table(inner):
                yield f"{path}.{key}".lstrip("."), inner
            else:
                yield from _documents(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _documents(inner, f"{path}[{number}]")


def _is_table(value: Any) -> bool:
    """Whether a document is given as a table, not as its text."""
    return isinstance(value, Mapping) and "Statement" in value


class _Filler:
    """Fills in the references of one stack."""

    def __init__(self, assembly: Assembly, stack: str) -> None:
        self._assembly, self._stack = assembly, stack

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            # a choice between something and nothing leaves nothing behind
            return [self.value(item) for item in value if not _is_nothing(item)]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._function(function, argument, value)
        return {key: self.value(inner) for key, inner in value.items()}

    def _function(self, function: str, argument: Any, value: Mapping[str, Any]) -> Any:
        match function, argument:
            case "Ref", str() if argument in _PSEUDO:
                return _PSEUDO[argument]
            case "Fn::Join", [separator, parts]:
                return str(separator).join(map(self.value, parts))
            case "Fn::If", [_, yes, no]:
                return self.value(no if _is_nothing(yes) else yes)
            case "Fn::ImportValue", _:
                stack, exported = self._assembly.exported(argument)
                return _Filler(self._assembly, stack).value(exported)
            case "Fn::FindInMap", [name, *keys]:
                found = self._assembly.templates[self._stack]["Mappings"][name]
                for key in keys:
                    found = found[self.value(key)]
                return found
            case "Ref", str():
                return self._reference(value, "")
            case "Fn::GetAtt", [_, attribute]:
                return self._reference(value, attribute)
        raise Unknown(f"{self._stack}: {json.dumps(value)}")

    def _reference(self, value: Mapping[str, Any], attribute: str) -> str:
        target = self._assembly.target(self._stack, value)
        if target is None:
            raise Unknown(f"{self._stack}: {json.dumps(value)}")
        if attribute in _ATTRIBUTES:
            return _ATTRIBUTES[attribute]
        if target.type in _ARNS and (attribute == "Arn" or (attribute == "" and target.type in _REF_IS_ARN)):
            return _ARNS[target.type].replace("NAME", target.logical_id)
        if attribute == "" and target.type in _IDS:
            return _IDS[target.type]
        raise Unknown(f"{self._stack}: {json.dumps(value)} of {target.type}")


def _is_nothing(value: Any) -> bool:
    if value == {"Ref": "AWS::NoValue"}:
        return True
    return isinstance(value, Mapping) and "Fn::If" in value and all(map(_is_nothing, value["Fn::If"][1:]))
