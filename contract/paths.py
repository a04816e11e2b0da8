"""Where SageMaker's container contract lies."""

import os
from collections.abc import Mapping
from pathlib import Path

BASE_VARIABLE = "SAGEMAKER_BASE_DIR"
"""Another place than /opt/ml, for tests and for machines without namespaces; the public toolkit reads the same name."""

DEFAULT_BASE = "/opt/ml"

CHECKPOINT_FOLDER = f"{DEFAULT_BASE}/checkpoints"
"""What SageMaker copies to S3 while a job runs, unless the job names another folder."""


def base_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the contract."""
    return Path(environ.get(BASE_VARIABLE, DEFAULT_BASE))


def local_path(path: str, environ: Mapping[str, str] = os.environ) -> Path:
    """A path of the contract as this machine has it: below another folder where `BASE_VARIABLE` names one."""
    below = Path(path)
    return base_folder(environ) / below.relative_to(DEFAULT_BASE) if below.is_relative_to(DEFAULT_BASE) else below
