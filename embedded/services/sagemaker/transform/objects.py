"""The objects of a transform job, and which of its instances gets which."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded.nodes.locations import Location
from embedded.nodes.transfer import list_objects
from embedded.services.sagemaker.jobs.running.failures import JobFailure
from shardyard.spec.transform.errors import TransformError


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One object of the input."""

    bucket: str
    key: str
    below: str
    """The key prefix that its result leaves out."""


def listed(s3: Any, source: Mapping[str, Any]) -> list[Source]:
    """Every object that an S3DataSource names, in the order of the keys, or of the manifest."""
    location = Location.parse(source["S3Uri"])
    try:
        if source["S3DataType"] == "ManifestFile":
            text = s3.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
            found = _of_manifest(text, source["S3Uri"])
        else:
            names = (item.key for item in list_objects(s3, location))
            found = [Source(bucket=location.bucket, key=key, below=location.key) for key in names]
    except (ClientError, BotoCoreError) as error:
        raise JobFailure(f"ClientError: The input {source['S3Uri']} cannot be read: {error}") from error
    if not found:
        raise JobFailure(f"ClientError: There are no objects under {source['S3Uri']}.")
    return found


def _of_manifest(text: bytes, uri: str) -> list[Source]:
    try:
        first, *rest = json.loads(text)
        prefix = Location.parse(first["prefix"])
        return [Source(bucket=prefix.bucket, key=f"{prefix.key}{name}", below=prefix.key) for name in rest]
    except (ValueError, TypeError, KeyError) as error:
        raise JobFailure(f"ClientError: {uri} is no manifest: {error}") from error


def dealt(sources: Sequence[Source], instances: int) -> list[list[Source]]:
    """Each instance's share: objects are dealt out in turn, whole."""
    return [list(sources[first::instances]) for first in range(instances)]


def read(s3: Any, source: Source, compression: str) -> bytes:
    """The object's content, decompressed where the request says so."""
    try:
        content: bytes = s3.get_object(Bucket=source.bucket, Key=source.key)["Body"].read()
        return gzip.decompress(content) if compression == "Gzip" else content
    except (ClientError, BotoCoreError) as error:
        raise TransformError(f"it cannot be read: {error}") from error
    except (EOFError, OSError, zlib.error) as error:
        raise TransformError(f"it is no gzip file: {error}") from error
