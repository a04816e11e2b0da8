"""The InputDataConfig of a request: the job's channels, then those that Shardyard adds."""

from collections.abc import Mapping
from typing import Any

from shardyard.spec.jobs.data import Channel
from shardyard.spec.jobs.job import JobSpec

Json = dict[str, Any]


def channels(spec: JobSpec, data_bucket: str, added: Mapping[str, str]) -> list[Json]:
    """Every channel of the request; `added` maps a name to the one object that the channel holds."""
    own = [_channel(name, channel, data_bucket) for name, channel in spec.channels.items()]
    return own + [_channel(name, Channel(s3=uri), data_bucket) for name, uri in added.items()]


def s3_uri(channel: Channel, data_bucket: str) -> str | None:
    """A channel's whole S3 address; None for one that does not lie in S3."""
    if channel.s3 is None or channel.s3.startswith("s3://"):
        return channel.s3
    return f"s3://{data_bucket}/{channel.s3}"


def _channel(name: str, channel: Channel, data_bucket: str) -> Json:
    made: Json = {
        "ChannelName": name,
        "DataSource": _source(channel, data_bucket),
        "ContentType": channel.content_type,
        "CompressionType": channel.compression if channel.compression != "None" else None,
        "RecordWrapperType": channel.record_wrapper if channel.record_wrapper != "None" else None,
        "ShuffleConfig": {"Seed": channel.shuffle_seed} if channel.shuffle_seed is not None else None,
    }
    if channel.file_system is None:
        made["InputMode"] = channel.mode
    return {key: value for key, value in made.items() if value is not None}


def _source(channel: Channel, data_bucket: str) -> Json:
    if channel.dataset_arn is not None:
        return {"DatasetSource": {"DatasetArn": channel.dataset_arn}}
    if channel.file_system is not None:
        return {
            "FileSystemDataSource": {
                "FileSystemId": channel.file_system.id,
                "FileSystemAccessMode": channel.file_system.access,
                "FileSystemType": channel.file_system.type,
                "DirectoryPath": channel.file_system.path,
            }
        }
    source: Json = {
        "S3DataType": channel.type,
        "S3Uri": s3_uri(channel, data_bucket),
        "S3DataDistributionType": channel.distribution,
        "AttributeNames": list(channel.attributes),
        "InstanceGroupNames": list(channel.groups),
        "ModelAccessConfig": None if channel.accept_eula is None else {"AcceptEula": channel.accept_eula},
        "HubAccessConfig": None if channel.hub_content_arn is None else {"HubContentArn": channel.hub_content_arn},
    }
    return {"S3DataSource": {key: value for key, value in source.items() if value not in (None, [])}}
