"""Brings what a ContainerDefinition names to the container's disk: /opt/ml/model and the channels beside it."""

import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded.nodes.locations import Location
from embedded.nodes.transfer import S3Object, download, list_objects

MODEL = "model"
"""The folder below /opt/ml."""
MORE_MODELS = "additional_model_data_sources"


class ModelDataError(Exception):
    """The model cannot be brought to the container, in the service's words."""


def fetch(client: Any, definition: Mapping[str, Any], ml: Path) -> None:
    """Bring everything that the definition names; `ml` is the container's /opt/ml."""
    (ml / MODEL).mkdir(parents=True, exist_ok=True)
    if definition.get("Mode") == "MultiModel":
        (ml / "models").mkdir(exist_ok=True)
        return
    if "ModelDataUrl" in definition:
        _archive(client, definition["ModelDataUrl"], ml / MODEL)
    if "ModelDataSource" in definition:
        _source(client, definition["ModelDataSource"]["S3DataSource"], ml / MODEL)
    for one in definition.get("AdditionalModelDataSources", ()):
        folder = ml / MORE_MODELS / one["ChannelName"]
        folder.mkdir(parents=True, exist_ok=True)
        _source(client, one["S3DataSource"], folder)


def fetch_archive(client: Any, uri: str, folder: Path) -> None:
    """Unpack one archive of a multi-model endpoint into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _archive(client, uri, folder)


def _source(client: Any, source: Mapping[str, Any], folder: Path) -> None:
    uri, kind = source["S3Uri"], source["S3DataType"]
    if source["CompressionType"] == "Gzip":
        _archive(client, uri, folder)
    elif kind == "S3Object":
        location = Location.parse(uri)
        with _in_words(uri):
            size = client.head_object(Bucket=location.bucket, Key=location.key)["ContentLength"]
            name = PurePosixPath(location.key).name
            download(client, location.bucket, S3Object(key=location.key, size_bytes=size), folder / name)
    else:
        _prefix(client, uri, folder)


def _prefix(client: Any, uri: str, folder: Path) -> None:
    location = Location.parse(uri)
    with _in_words(uri):
        found = list(list_objects(client, location))
        if not found:
            raise ModelDataError(_words(uri))
        for item in found:
            name = item.key.removeprefix(location.key).lstrip("/")
            target = (folder / name).resolve()
            if not target.is_relative_to(folder.resolve()):
                raise ModelDataError(f"{_words(uri)} The key {item.key} leads out of the model's folder.")
            download(client, location.bucket, item, target)


def _archive(client: Any, uri: str, folder: Path) -> None:
    location = Location.parse(uri)
    packed = folder.parent / f"{folder.name}.tar.gz"
    with _in_words(uri):
        size = client.head_object(Bucket=location.bucket, Key=location.key)["ContentLength"]
        download(client, location.bucket, S3Object(key=location.key, size_bytes=size), packed)
        try:
            with tarfile.open(packed, "r:*") as archive:
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise ModelDataError(f"{_words(uri)} It cannot be unpacked as a tar archive: {error}") from error
        finally:
            packed.unlink(missing_ok=True)


class _in_words:
    """Turns an error of S3 into the service's words for a model that it cannot download."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, ClientError | BotoCoreError):
            raise ModelDataError(f"{_words(self._uri)} ({error})") from error


def _words(uri: str) -> str:
    return (
        f'Failed to download model data from URL: "{uri}". Please ensure that there is an object located at the URL '
        "and that the role passed to CreateModel has permissions to download the object."
    )
