"""InputDataConfig: looks up what each channel of a request holds in S3, and deals it out to the hosts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from embedded.nodes.channels import ChannelError, Item, NodeChannel, check_name, local_name
from embedded.nodes.locations import Location
from embedded.nodes.transfer import S3Object, list_objects
from embedded.operations import ServiceError
from embedded.services.sagemaker.jobs.job import Job


def resolve(client: Any, job: Job, hosts: Sequence[str]) -> list[NodeChannel]:
    """Look up what each channel of the job holds, and deal it out."""
    return [_resolve(client, job, config, hosts) for config in job.channels if "S3DataSource" in config["DataSource"]]


def _resolve(client: Any, job: Job, config: Mapping[str, Any], hosts: Sequence[str]) -> NodeChannel:
    source = config["DataSource"]["S3DataSource"]
    kind = source["S3DataType"]
    location = Location.parse(source["S3Uri"])
    members = _members(job, hosts, source.get("InstanceGroupNames", []))
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    lines: tuple[Mapping[str, Any], ...] = ()
    items: list[Item] = []
    try:
        if kind == "ManifestFile":
            items = _manifest(client, location)
        elif kind == "AugmentedManifestFile":
            lines = _augmented(client, location, source.get("AttributeNames", ()))
        else:
            items = [
                Item(bucket=location.bucket, object=found, name=local_name(location.key, found.key))
                for found in list_objects(client, location)
            ]
    except ClientError as error:
        # the listing was there when the job was created, so it is the objects that cannot be read
        raise ChannelError(f"ClientError: Data download failed: {source['S3Uri']}: {error}") from error
    for item in items:
        check_name(item.bucket, item.object.key, item.name)
    if not items and not lines:
        raise ChannelError(f"ClientError: {missing(job.role_arn, job.region, source['S3Uri'])}")
    return NodeChannel(
        folder=config["Folder"],
        mode=config["InputMode"],
        items={host: _part(items, index, len(members), sharded) for index, host in enumerate(members)},
        lines=lines,
        attributes=tuple(source.get("AttributeNames", ())),
        record_io=config.get("RecordWrapperType") == "RecordIO",
        gzipped=config.get("CompressionType") == "Gzip",
        shuffle_seed=config["ShuffleConfig"]["Seed"] if "ShuffleConfig" in config else None,
    )


def _members(job: Job, hosts: Sequence[str], groups: Sequence[str]) -> list[str]:
    instances = zip(hosts, job.instances(), strict=True)
    return [host for host, (_, group) in instances if not groups or group in groups]


def _part(items: Sequence[Item], index: int, count: int, sharded: bool) -> tuple[Item, ...]:
    """ShardedByS3Key deals the objects out like cards: in the order of keys, in the order of hosts."""
    return tuple(items[index::count] if sharded else items)


def _manifest(client: Any, location: Location) -> list[Item]:
    """`[{"prefix": "s3://bucket/folder/"}, "a", "b/c"]`: the folder, and names in it."""
    entries = _json(client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read(), str(location))
    start = entries[0] if isinstance(entries, list) and entries else None
    prefix = start.get("prefix") if isinstance(start, dict) else None
    if not isinstance(prefix, str) or not all(isinstance(name, str) for name in entries[1:]):
        raise ChannelError(
            f'ClientError: The manifest {location} is not a list of names that begins with {{"prefix": "s3://..."}}'
        )
    items = []
    for name in entries[1:]:
        target = Location.parse(prefix + name)
        size = client.head_object(Bucket=target.bucket, Key=target.key)["ContentLength"]
        items.append(Item(bucket=target.bucket, object=S3Object(key=target.key, size_bytes=size), name=name))
    return items


def _augmented(client: Any, location: Location, attributes: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    body = client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
    lines = []
    for number, text in enumerate(body.splitlines(), 1):
        if not text.strip():
            continue
        where = f"{location}, line {number},"
        line = _json(text, where)
        if not isinstance(line, dict):
            raise ChannelError(f"ClientError: The manifest {where} is not an object")
        for attribute in attributes:
            if attribute not in line:
                raise ChannelError(f"ClientError: The manifest {where} has no attribute {attribute!r}")
        lines.append(line)
    return tuple(lines)


def _json(text: bytes, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ChannelError(f"ClientError: The manifest {where} is not JSON: {error}") from None


def check_objects(client: Any, channels: Sequence[Mapping[str, Any]], role_arn: str, region: str) -> None:
    """Refuse a request with a channel that holds nothing, as the Create operation itself does."""
    for config in channels:
        source = config["DataSource"].get("S3DataSource")
        if source is None:
            continue
        location = Location.parse(source["S3Uri"])
        try:
            found = client.list_objects_v2(Bucket=location.bucket, Prefix=location.key, MaxKeys=1)["KeyCount"]
        except ClientError as error:
            raise ServiceError("ValidationException", missing(role_arn, region, source["S3Uri"], str(error))) from error
        if not found:
            raise ServiceError("ValidationException", missing(role_arn, region, source["S3Uri"]))


def missing(role_arn: str, region: str, uri: str, said: str = "") -> str:
    """The service's words for a channel that holds nothing, or that the role cannot list."""
    bucket = Location.parse(uri).bucket
    return (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists in '
        f"the selected region ({region}), that objects exist under that S3 prefix, and that the role "
        f'"{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
        + (f" Error message from S3: {said}" if said else "")
    )
