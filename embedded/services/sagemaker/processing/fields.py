"""Reads the inputs and outputs of a CreateProcessingJob request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedded.nodes.folder_sync import Synced
from embedded.nodes.locations import Location


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingOutput:
    """One output that the service uploads: a folder of every node, and where in S3 its files go."""

    name: str
    local_path: str
    """The folder as a node sees it."""
    location: Location
    is_continuous: bool
    """Whether files are uploaded while the job runs, and not only at its end."""
    encryption: Mapping[str, str] = field(default_factory=dict)
    """What each upload says of the key."""

    @property
    def synced(self) -> Synced:
        """The same as a folder that is carried to S3; links are not followed, and what is deleted stays in S3."""
        return Synced(
            local_path=self.local_path,
            location=self.location,
            follows_links=False,
            carries_deletions=False,
            encryption=self.encryption,
        )


def is_app_managed(entry: Mapping[str, Any]) -> bool:
    """Whether the program itself reads this input, or writes this output."""
    return bool(entry.get("AppManaged"))


def managed_inputs(request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The inputs that the service itself brings to the nodes."""
    return [entry for entry in request.get("ProcessingInputs", []) if not is_app_managed(entry)]


def channel(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """An input as an InputDataConfig tells of a channel, which it is in all but its folder."""
    source = entry["S3Input"]
    s3 = {key: source[key] for key in ("S3Uri", "S3DataType", "S3DataDistributionType") if key in source}
    return {
        "ChannelName": entry["InputName"],
        "Folder": source["LocalPath"].rstrip("/"),
        "InputMode": source.get("S3InputMode", "File"),
        "CompressionType": source.get("S3CompressionType", "None"),
        "DataSource": {"S3DataSource": s3},
    }


def managed_outputs(request: Mapping[str, Any]) -> Sequence[ProcessingOutput]:
    """The outputs that the service itself uploads."""
    config = request.get("ProcessingOutputConfig", {})
    key = config.get("KmsKeyId")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
    return [
        ProcessingOutput(
            name=entry["OutputName"],
            local_path=entry["S3Output"]["LocalPath"].rstrip("/"),
            location=Location.parse(entry["S3Output"]["S3Uri"]),
            is_continuous=entry["S3Output"]["S3UploadMode"] == "Continuous",
            encryption=encryption,
        )
        for entry in config.get("Outputs", [])
        if not is_app_managed(entry)
    ]
