"""The folders that a request has copied to S3 while its job runs: CheckpointConfig and TensorBoardOutputConfig."""

from collections.abc import Iterator, Mapping
from typing import Any

from embedded.nodes.folder_sync import Synced
from embedded.nodes.locations import Location

CHECKPOINTS = "/opt/ml/checkpoints"
TENSORBOARD = "/opt/ml/output/tensorboard"


def synced(request: Mapping[str, Any], job_name: str) -> Iterator[Synced]:
    """The folders that the request names, and where in S3 their files go."""
    checkpoints, board = request.get("CheckpointConfig"), request.get("TensorBoardOutputConfig")
    if checkpoints is not None:
        location = Location.parse(checkpoints["S3Uri"])
        yield Synced(local_path=checkpoints.get("LocalPath", CHECKPOINTS), location=location)
    if board is not None:
        location = Location.parse(board["S3OutputPath"]).below(f"{job_name}/tensorboard-output")
        yield Synced(local_path=board.get("LocalPath", TENSORBOARD), location=location)
