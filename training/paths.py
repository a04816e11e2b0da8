"""Where the container contract puts what goes out: SageMaker's variables, and its paths where a variable is not set."""

import os
from pathlib import Path

from contract.paths import CHECKPOINT_FOLDER, base_folder, local_path
from contract.variables import CHECKPOINT_DIR, RUN_ID, TENSORBOARD_DIR
from training.data.s3 import is_s3

NO_RUN_ID = "local"
"""The id of a run that was given none."""


def model_folder() -> Path:
    """What is left here is uploaded as model.tar.gz when the job ends."""
    return Path(os.environ.get("SM_MODEL_DIR", base_folder() / "model"))


def checkpoint_folder() -> str:
    """What is written here goes to S3 while the job runs, and comes back when a job starts again."""
    given = os.environ.get(CHECKPOINT_DIR, CHECKPOINT_FOLDER)
    return given if is_s3(given) else str(local_path(given))


def tensorboard_folder() -> Path:
    """Event files written here are uploaded while the job runs."""
    return Path(os.environ.get(TENSORBOARD_DIR, base_folder() / "output" / "tensorboard"))


def run_id() -> str:
    """The logical run that checkpoints belong to; it outlives the training job's name."""
    return os.environ.get(RUN_ID, os.environ.get("TRAINING_JOB_NAME", NO_RUN_ID))
