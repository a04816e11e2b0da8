"""The objects of each channel, and each instance's share of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.requests import automl, transform
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.processing import input_address
from shardyard.spec.requests.training_data import s3_uri

COUNT_LIMIT = 10_000
"""Counting stops here: every rule is satisfied with this many, and listing takes time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """The objects of one channel."""

    channel: str
    uri: str
    count: int
    at_least: bool
    """Whether there are more objects than were counted."""
    total_bytes: int
    fingerprint: str
    """A hash of keys, sizes and ETags: two runs with the same one read the same data."""
    objects_per_instance: tuple[int, int] | None = None
    """Fewest and most objects that an instance gets; None if every instance gets all."""
    bytes_per_instance: tuple[int, int] | None = None
    """Fewest and most bytes that an instance gets."""

    def balance(self) -> str | None:
        """The instances' shares of a sharded channel in a sentence; None if each gets all."""
        if self.objects_per_instance is None or self.bytes_per_instance is None:
            return None
        objects, sizes = self.objects_per_instance, self.bytes_per_instance
        said = f"at least {self.count}" if self.at_least else str(self.count)
        text = f"{self.channel}: {said} objects, {objects[0]} to {objects[1]} per instance"
        if sizes[1] > 1.1 * sizes[0]:
            text += f"; uneven: {sizes[0]} to {sizes[1]} bytes, and the others wait for the instance with the most"
        return text

    def to_dict(self) -> dict[str, Any]:
        """The listing as JSON, for the plan and the receipt."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """One thing to list."""

    table: str
    name: str
    uri: str
    kind: str
    """What the address names: a prefix or a manifest."""
    shared_by: int | None
    """How many instances share it; None if each gets all."""


def read_channels(
    spec: LaunchedSpec, deployment: Deployment, clients: aws.Clients
) -> tuple[list[Listing], list[Problem]]:
    """List every channel or input in S3 at the same time; one without data is a problem."""
    wanted = list(_places(spec, deployment))
    answers = aws.in_parallel(lambda one: _read(one, clients("s3")), wanted)
    listings = [answer for answer in answers if isinstance(answer, Listing)]
    return listings, [answer for answer in answers if isinstance(answer, Problem)]


def _instances(spec: JobSpec, groups: Sequence[str]) -> int:
    """How many instances share a channel."""
    if spec.compute.groups:
        return sum(group.count for group in spec.compute.groups if not groups or group.name in groups)
    return spec.compute.most_instances


def _places(spec: LaunchedSpec, deployment: Deployment) -> Iterator[_Place]:
    if isinstance(spec, ProcessingSpec):
        for name, one in spec.inputs.items():
            uri = input_address(one, deployment)
            if uri is not None and not one.app_managed:
                sharded = spec.compute.most_instances if one.distribution == "ShardedByS3Key" else None
                yield _Place(table="inputs", name=name, uri=uri, kind=one.type, shared_by=sharded)
    if isinstance(spec, TransformSpec):
        for name, rows in spec.inputs.items():
            uri = transform.input_address(rows, deployment)
            instances = spec.compute.most_instances
            sharded = instances if instances > 1 else None
            yield _Place(table="inputs", name=name, uri=uri, kind=rows.type, shared_by=sharded)
    if isinstance(spec, AutoMLSpec):
        for name, data in spec.inputs.items():
            uri = automl.input_address(data, deployment)
            yield _Place(table="inputs", name=name, uri=uri, kind=data.type, shared_by=None)
    if isinstance(spec, JobSpec):
        for name, channel in spec.channels.items():
            uri = s3_uri(channel, deployment.data_bucket)
            if uri is not None and channel.type != "Converse":
                dealt = channel.distribution == "ShardedByS3Key"
                sharded = _instances(spec, channel.groups) if dealt else None
                yield _Place(table="channels", name=name, uri=uri, kind=channel.type, shared_by=sharded)


def _read(wanted: _Place, s3: Any) -> Listing | Problem:
    name, uri, kind, instances = wanted.name, wanted.uri, wanted.kind, wanted.shared_by
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    where = f"{wanted.table}.{name}"
    try:
        objects, more = _list(s3, bucket, key) if kind == "S3Prefix" else _manifest(s3, bucket, key, kind)
    except ClientError as error:
        code = aws.error_code(error)
        if code in ("NoSuchBucket", "NoSuchKey", "404"):
            return Problem(where, f"there is nothing at {uri} ({code})")
        if code in ("AccessDenied", "403"):
            return Problem(where, f"{uri} cannot be read: access denied; allow this project's roles to read it")
        raise
    if not objects:
        return Problem(where, f"there are no objects under {uri}; put data there, or correct the prefix")
    sizes = [size for _, size, _ in objects]
    return Listing(
        channel=name,
        uri=uri,
        count=len(objects),
        at_least=more,
        total_bytes=sum(sizes),
        fingerprint=sha256("\n".join(f"{k} {s} {e}" for k, s, e in objects).encode()).hexdigest()[:16],
        objects_per_instance=_share([1] * len(sizes), instances) if instances is not None else None,
        bytes_per_instance=_share(sizes, instances) if instances is not None else None,
    )


def _share(sizes: Sequence[int], instances: int) -> tuple[int, int]:
    """The smallest and largest share of an instance when the objects are dealt out in turn, in key order."""
    shares = [sum(sizes[first::instances]) for first in range(instances)]
    return min(shares), max(shares)


Object = tuple[str, int, str]


def _list(s3: Any, bucket: str, prefix: str) -> tuple[list[Object], bool]:
    found: list[Object] = []
    token: dict[str, str] = {}
    while True:
        page = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, **token)
        found += [(one["Key"], one["Size"], one.get("ETag", "")) for one in page.get("Contents", [])]
        more = bool(page.get("IsTruncated"))
        if len(found) >= COUNT_LIMIT or not more:
            # An empty object whose key ends in a slash is a folder made by the S3 console; SageMaker skips it too.
            kept = [one for one in found[:COUNT_LIMIT] if one[1] or not one[0].endswith("/")]
            return kept, more or len(found) > COUNT_LIMIT
        token = {"ContinuationToken": page["NextContinuationToken"]}


def _manifest(s3: Any, bucket: str, key: str, kind: str) -> tuple[list[Object], bool]:
    """The entries of a manifest. Their sizes are unknown, so each counts as one byte."""
    answer = s3.get_object(Bucket=bucket, Key=key)
    text = answer["Body"].read().decode()
    if kind == "AugmentedManifestFile":
        lines = [line for line in text.splitlines() if line.strip()]
    else:
        lines = [str(entry) for entry in json.loads(text) if isinstance(entry, str)]
    return [(line, 1, "") for line in lines[:COUNT_LIMIT]], len(lines) > COUNT_LIMIT
