"""The archive that the public toolkit's variables name: `sagemaker_submit_directory`, a tar.gz in S3.

The official SDK sends the code of a tuning job's training jobs so: tuning jobs know no entrypoint of a container.
"""

import os
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from contract import places

_WITHOUT_BOTO3 = "the image has no boto3, which fetches the code that sagemaker_submit_directory names"


class Unusable(Exception):
    """The archive cannot be had or unpacked; the message says why."""


def fetch(uri: str, code_dir: Path) -> Path:
    """Fetch the archive and unpack it into the code directory."""
    parts = urlsplit(uri)
    key = parts.path.lstrip("/")
    if not key.endswith(".tar.gz"):
        raise Unusable(f"sagemaker_submit_directory is {uri!r}, and not the address of a .tar.gz")
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise Unusable(_WITHOUT_BOTO3) from error
    here = os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION"))
    with tempfile.TemporaryFile() as file:
        try:
            boto3.client("s3", region_name=here).download_fileobj(parts.netloc, key, file)
        except (BotoCoreError, ClientError) as error:
            raise Unusable(f"the code at {uri} cannot be fetched: {error}") from error
        file.seek(0)
        try:
            with tarfile.open(fileobj=file, mode="r:gz") as archive:
                for member in archive.getmembers():
                    places.within(code_dir, member.name)
                archive.extractall(code_dir, filter="data")
        except places.MisplacedError as error:
            raise Unusable(f"the code at {uri} holds {error}") from error
        except (tarfile.TarError, OSError) as error:
            raise Unusable(f"the code at {uri} cannot be unpacked: {error}") from error
    return code_dir
