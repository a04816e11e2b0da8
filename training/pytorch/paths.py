"""Where the container contract puts things: SageMaker's variables, and its paths where a variable is not set."""

import json
import os
from pathlib import Path

ROOT = Path("/opt/ml")


def model_folder() -> Path:
    """What is left here is uploaded as model.tar.gz when the job ends."""
    return Path(os.environ.get("SM_MODEL_DIR", ROOT / "model"))


def channel_folder(channel: str) -> Path:
    """The folder of one input channel."""
    return Path(os.environ.get(f"SM_CHANNEL_{channel.upper()}", ROOT / "input" / "data" / channel))


def checkpoint_folder() -> Path:
    """What is written here goes to S3 while the job runs, and comes back when a job starts again."""
    return Path(os.environ.get("SHARDYARD_CHECKPOINT_DIR", ROOT / "checkpoints"))


def tensorboard_folder() -> Path:
    """Event files written here are uploaded while the job runs."""
    return Path(os.environ.get("SHARDYARD_TENSORBOARD_DIR", ROOT / "output" / "tensorboard"))


def run_id() -> str:
    """The logical run that checkpoints belong to; it outlives the training job's name."""
    return os.environ.get("SHARDYARD_RUN_ID", os.environ.get("TRAINING_JOB_NAME", "local"))


def has_channel(channel: str) -> bool:
    """Whether the job has this input channel."""
    return channel_folder(channel).is_dir()


def is_sharded(channel: str) -> bool:
    """Whether each node has its own part of the channel's files (ShardedByS3Key) rather than all of them."""
    config = json.loads(os.environ.get("SM_INPUT_DATA_CONFIG", "{}"))
    return bool(config.get(channel, {}).get("S3DistributionType") == "ShardedByS3Key")
