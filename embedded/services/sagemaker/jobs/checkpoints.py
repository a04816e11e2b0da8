"""Copies checkpoints from S3 to every node before it starts. `folder_sync` carries new ones to S3."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.nodes.channels import place, refused
from embedded.nodes.folder_sync import on_node
from embedded.nodes.locations import Location
from embedded.nodes.transfer import download, list_objects
from embedded.services.sagemaker.jobs.synced_folders import CHECKPOINTS


def restore(client: Any, config: Mapping[str, Any], nodes: Sequence[Path]) -> None:
    """Copy everything below the CheckpointConfig's S3Uri to every node. `nodes` are their /opt/ml."""
    folders = [on_node(ml, config.get("LocalPath", CHECKPOINTS)) for ml in nodes]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    location = Location.parse(config["S3Uri"])
    prefix = location.key.rstrip("/") + "/" if location.key else ""
    for item in list_objects(client, Location(bucket=location.bucket, key=prefix)):
        name = item.key[len(prefix) :]
        for folder in folders:
            try:
                download(client, location.bucket, item, place(folder, location.bucket, item.key, name))
            except OSError as error:
                # deletions are not carried over, so a name that was first a file and then a folder is both in S3
                raise refused(location.bucket, item.key, f"({error.strerror})") from error
