"""What a training container finds: its command, its environment, its folders and files under /opt/ml."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.services.sagemaker.training.job import TrainingJob

FOLDERS = ("input/config", "input/data", "model", "output/data", "output/metrics", "checkpoints")


class TrainingContainer:
    """The container contract of one training job."""

    def __init__(self, job: TrainingJob) -> None:
        self._job = job
        self._algorithm: Mapping[str, Any] = job.request["AlgorithmSpecification"]

    @property
    def image(self) -> str:
        """The TrainingImage."""
        return str(self._algorithm["TrainingImage"])

    @property
    def entrypoint(self) -> Sequence[str] | None:
        """The ContainerEntrypoint; None for the image's own."""
        return self._algorithm.get("ContainerEntrypoint")

    @property
    def arguments(self) -> Sequence[str]:
        """The ContainerArguments; without any, the image's own entrypoint is run with `train`."""
        default = ["train"] if self.entrypoint is None else []
        arguments: Sequence[str] = self._algorithm.get("ContainerArguments", default)
        return arguments

    def write(self, ml: Path, hosts: Sequence[str], host: str, interface: str) -> None:
        """Write one node's folders and configuration files."""
        for folder in FOLDERS:
            (ml / folder).mkdir(parents=True, exist_ok=True)
        config = ml / "input" / "config"
        _write_json(config / "hyperparameters.json", self._job.request.get("HyperParameters", {}))
        _write_json(config / "inputdataconfig.json", input_data_config(self._job.channels))
        _write_json(config / "resourceconfig.json", resource_config(self._job, hosts, host, interface))

    def environment(self, endpoint: str | None, credentials: Mapping[str, str]) -> dict[str, str]:
        """The container's environment; the job's own variables win over the platform's."""
        variables = {
            "TRAINING_JOB_NAME": self._job.name,
            "TRAINING_JOB_ARN": self._job.arn,
            "AWS_REGION": self._job.region,
            "AWS_DEFAULT_REGION": self._job.region,
        }
        if endpoint is not None:
            variables |= {"AWS_ENDPOINT_URL": endpoint, **credentials}
        own: dict[str, str] = self._job.request.get("Environment", {})
        return variables | own


def input_data_config(channels: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """inputdataconfig.json: each channel's mode and distribution."""
    answer = {}
    for channel in channels:
        s3 = channel["DataSource"].get("S3DataSource", {})
        entry = {
            # a program that knows File mode needs no change for FastFile: it is told of the same
            "TrainingInputMode": "File" if channel["InputMode"] == "FastFile" else channel["InputMode"],
            "S3DistributionType": s3.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if "ContentType" in channel:
            entry["ContentType"] = channel["ContentType"]
        answer[channel["ChannelName"]] = entry
    return answer


def resource_config(job: TrainingJob, hosts: Sequence[str], host: str, interface: str) -> dict[str, Any]:
    """resourceconfig.json: who takes part, and who this node is."""
    instances = dict(zip(hosts, job.instances(), strict=True))
    groups: dict[str, dict[str, Any]] = {}
    for name, (instance_type, group) in instances.items():
        entry = groups.setdefault(group, {"instance_group_name": group, "instance_type": instance_type, "hosts": []})
        entry["hosts"].append(name)
    return {
        "current_host": host,
        "current_instance_type": instances[host][0],
        "current_group_name": instances[host][1],
        # in the order of letters, as SageMaker writes it: algo-10 before algo-2
        "hosts": sorted(hosts),
        "instance_groups": list(groups.values()),
        "network_interface_name": interface,
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))
