"""SageMaker's part in a cluster's checkpoints: restored at a start, copied while it runs, as the weather lets it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import boto3

from embedded import lifecycle
from embedded.nodes.folder_sync import FolderSync, Synced
from embedded.nodes.locations import Location
from embedded.services.sagemaker.jobs import checkpoints
from embedded.services.sagemaker.jobs.synced_folders import CHECKPOINTS
from embedded.weather.carriage import LAST_SYNC
from training.saves.manifest import Save

BUCKET = "faults"
_LOOK_SECONDS = 0.2
_FILES_OF_A_RANK = 3
"""In each save."""


class Carriage:
    """One run's place in the S3 of an embedded cloud."""

    def __init__(self, cloud: lifecycle.CloudState, folder: Path, run: str) -> None:
        self._variables = lifecycle.variables(cloud, folder)
        self._client = boto3.client(
            "s3",
            endpoint_url=cloud.endpoint,
            region_name=self._variables["AWS_REGION"],
            aws_access_key_id=self._variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=cloud.secret,
        )
        self._client.create_bucket(Bucket=BUCKET)
        self._place = Location(bucket=BUCKET, key=run)
        self._sync: FolderSync | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What a job's container finds."""
        return {**self._variables, "SHARDYARD_CHECKPOINT_S3": str(self._place)}

    def begin(self, nodes: Sequence[Path]) -> None:
        """Restore on every node what S3 has, and copy from then on. `nodes` are their /opt/ml."""
        checkpoints.restore(self._client, {"S3Uri": str(self._place)}, nodes)
        synced = Synced(local_path=CHECKPOINTS, location=self._place)
        self._sync = FolderSync(self._client, synced, nodes, _LOOK_SECONDS)
        self._sync.start()

    def end(self, *, gone: bool = False) -> None:
        """The containers have ended, or their machines are gone."""
        if self._sync is not None:
            self._sync.stop(last_look=not gone and LAST_SYNC.value == LAST_SYNC.fair)
            self._sync.join()
            self._sync = None

    def newest_whole_step(self, ranks: int) -> int:
        """The step of the newest save that S3 has all of, of so many ranks; 0 for none."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{self._place.key}/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        counts = Counter(part for key in keys for part in key.split("/") if Save.parse(part) is not None)
        found = [Save.parse(name) for name, count in counts.items() if count == _FILES_OF_A_RANK * ranks]
        return max((save.step for save in found if save is not None), default=0)
