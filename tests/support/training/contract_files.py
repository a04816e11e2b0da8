"""The files of the training contract, as SageMaker writes them for a node."""

import json
from pathlib import Path
from typing import Any

from training.launcher.inputs import Contract, read_contract

TWO_NODES = {
    "current_host": "algo-2",
    "hosts": ["algo-1", "algo-2"],
    "current_instance_type": "ml.p4d.24xlarge",
    "current_group_name": "workers",
    "instance_groups": [
        {"instance_group_name": "workers", "instance_type": "ml.p4d.24xlarge", "hosts": ["algo-1", "algo-2"]}
    ],
    "network_interface_name": "eth0",
}
CHANNELS = {
    "train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
}


def write_config(base: Path, *, hyperparameters: Any = None, channels: Any = None, resource: Any = None) -> Contract:
    config = base / "input" / "config"
    config.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("hyperparameters", hyperparameters),
        ("inputdataconfig", channels),
        ("resourceconfig", resource),
    ):
        if content is not None:
            (config / f"{name}.json").write_text(json.dumps(content))
    return read_contract({"SAGEMAKER_BASE_DIR": str(base)})
