"""Channels on a shared file system (EFS, FSx for Lustre): one folder of this machine stands for each file system."""

from collections.abc import Sequence
from pathlib import Path

from contract import places
from embedded.nodes.channels import ChannelError
from embedded.services.sagemaker.jobs.job import Job
from embedded.settings import current


def root(file_system_id: str) -> Path:
    """The folder that stands for a file system; users put its data there."""
    return current.file_systems_root / file_system_id


def mounts(job: Job, hosts: Sequence[str]) -> dict[str, tuple[tuple[Path, str, bool], ...]]:
    """For each host: the folder, where the node sees it, and whether it may only read it."""
    found: list[tuple[Path, str, bool]] = []
    for channel in job.channels:
        source = channel["DataSource"].get("FileSystemDataSource")
        if source is None:
            continue
        whole = root(source["FileSystemId"])
        try:
            folder = places.within(whole, source["DirectoryPath"].lstrip("/"))
        except places.MisplacedError:
            raise ChannelError(
                f"ClientError: Unable to mount file system: {source['FileSystemId']}, directory path: "
                f"{source['DirectoryPath']}. It leads out of the file system"
            ) from None
        if not folder.is_dir():
            raise ChannelError(
                f"ClientError: Unable to mount file system: {source['FileSystemId']}, directory path: "
                f"{source['DirectoryPath']}. No such directory; in the embedded cloud it is the folder {folder}"
            )
        found.append((folder, channel["Folder"], source["FileSystemAccessMode"] == "ro"))
    return dict.fromkeys(hosts, tuple(found))
