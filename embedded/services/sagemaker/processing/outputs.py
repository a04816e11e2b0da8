"""What a processing job leaves: its outputs in S3, and the message that its nodes leave for Describe."""

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from embedded.nodes.folder_sync import on_node
from embedded.nodes.folders import node_files, real_file
from embedded.services.sagemaker.jobs.running.failures import JobFailure
from embedded.services.sagemaker.processing.fields import ProcessingOutput

MESSAGE_BYTES = 1024


def upload(client: Any, outputs: Sequence[ProcessingOutput], nodes: Mapping[str, Path]) -> None:
    """Upload every node's files; of files with the same name, the last host's wins. `nodes` are their /opt/ml.

    Links are not followed, as the service says. A file that cannot be uploaded fails the job.
    """
    for output in outputs:
        for ml in nodes.values():
            folder = on_node(ml, output.local_path)
            for path, real in node_files(folder, ml, follows_links=False).items():
                target = output.location.below(path.relative_to(folder).as_posix())
                try:
                    client.upload_file(str(real), target.bucket, target.key, ExtraArgs=dict(output.encryption))
                except (Boto3Error, ClientError, BotoCoreError, OSError) as error:
                    raise JobFailure(
                        f"ClientError: Data upload failed: output {output.name}, {path.name} to {target}: {error}"
                    ) from error


def exit_message(nodes: Mapping[str, Path]) -> str | None:
    """The first kilobyte of what the nodes wrote to /opt/ml/output/message, one after the other; None if none did."""
    whole = b""
    for host, ml in nodes.items():
        path = real_file(ml / "output" / "message", ml)
        if path is None:
            continue
        with path.open("rb") as file:
            part = file.read(MESSAGE_BYTES)
        try:
            # the limit may cut the last character in two, which is no error
            codecs.getincrementaldecoder("utf-8")().decode(part, final=len(part) < MESSAGE_BYTES)
        except UnicodeDecodeError as error:
            raise JobFailure(
                f"ClientError: The file /opt/ml/output/message of {host} is not UTF-8: {error.reason} at byte "
                f"{error.start}"
            ) from None
        whole += part
    return whole[:MESSAGE_BYTES].decode(errors="ignore") if whole else None
