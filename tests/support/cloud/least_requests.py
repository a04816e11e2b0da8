"""The least request that an operation's model allows, and the one that lacks all that it must have."""

from collections.abc import Sequence
from typing import Any

from embedded.model_check.patterns import compiled

_ACCOUNT = "us-east-1:123456789012"
_TEXTS = (
    "x",
    "123456789012",
    "1",
    "a1b2c3d4",
    f"arn:aws:sagemaker:{_ACCOUNT}:x/y",
    f"arn:aws:sns:{_ACCOUNT}:x",
    "arn:aws:iam::123456789012:role/x",
    f"arn:aws:states:{_ACCOUNT}:stateMachine:x",
    f"arn:aws:cloudformation:{_ACCOUNT}:stack/x/y",
    "s3://bucket/key",
    "https://x.amazonaws.com/x",
    "a@b.cd",
    "11111111-2222-3333-4444-555555555555",
    "sha256:" + "a" * 64,
    "a" * 64,
    "{}",
    "x/y",
    "/x",
    "ml.m5.large",
    "AWS::S3::Bucket",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1",
    "cron(0 * ? * * *)",
)


def least(shape: Any, within: Sequence[str] = ()) -> Any:
    """The smallest value of a shape that its model allows; a text of an uncommon pattern may not fit."""
    if shape.type_name == "structure":
        if shape.name in within:
            return {}
        members = list(shape.members)[:1] if shape.is_tagged_union else shape.required_members
        return {name: least(shape.members[name], (*within, shape.name)) for name in members}
    if shape.type_name == "list":
        return [least(shape.member, within)] * max(int(shape.metadata.get("min", 1)), 1)
    if shape.type_name == "map":
        return {} if not shape.metadata.get("min") else {least(shape.key): least(shape.value, within)}
    return _scalar(shape)


def _scalar(shape: Any) -> Any:
    smallest = shape.metadata.get("min", 1)
    values = {"integer": int(smallest), "long": int(smallest), "float": float(smallest), "double": float(smallest)}
    values |= {"boolean": True, "blob": b"x", "timestamp": 1_700_000_000}
    return values[shape.type_name] if shape.type_name in values else _text(shape)


def _text(shape: Any) -> str:
    if shape.enum:
        return str(shape.enum[0])
    fewest, most = int(shape.metadata.get("min", 1)), int(shape.metadata.get("max", 10**6))
    pattern = shape.metadata.get("pattern")
    for text in ("x" * max(fewest, 1), *_TEXTS):
        if fewest <= len(text) <= most and (pattern is None or compiled(pattern).fullmatch(text)):
            return text
    return "x" * max(fewest, 1)


def bare(shape: Any) -> dict[str, Any] | None:
    """Only what stands in the path, without which there is no request; None where nothing else must be given."""
    if shape is None:
        return None
    in_path = {
        name: least(shape.members[name])
        for name in shape.required_members
        if shape.members[name].serialization.get("location") == "uri"
    }
    return in_path if len(in_path) < len(shape.required_members) else None
