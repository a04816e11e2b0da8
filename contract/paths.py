"""Where SageMaker's container contract lies."""

import os
from collections.abc import Mapping
from pathlib import Path

BASE_VARIABLE = "SAGEMAKER_BASE_DIR"
"""Another place than /opt/ml, for tests and for machines without namespaces; the public toolkit reads the same name."""

DEFAULT_BASE = "/opt/ml"


def base_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the contract."""
    return Path(environ.get(BASE_VARIABLE, DEFAULT_BASE))
