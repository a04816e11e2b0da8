"""What SageMaker puts in front of a container: the files under /opt/ml/input/config, the folders, the environment."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.services.sagemaker.training.job import TrainingJob

FOLDERS = ("input/config", "input/data", "model", "output/data", "output/metrics", "checkpoints")


def write(ml: Path, job: TrainingJob, hosts: Sequence[str], host: str, interface: str) -> None:
    """Write one node's folders and configuration files."""
    for folder in FOLDERS:
        (ml / folder).mkdir(parents=True, exist_ok=True)
    config = ml / "input" / "config"
    _write_json(config / "hyperparameters.json", job.request.get("HyperParameters", {}))
    _write_json(config / "inputdataconfig.json", input_data_config(job.request))
    _write_json(config / "resourceconfig.json", resource_config(job, hosts, host, interface))


def input_data_config(request: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """inputdataconfig.json: each channel's mode and distribution."""
    default_mode = request["AlgorithmSpecification"]["TrainingInputMode"]
    answer = {}
    for channel in request.get("InputDataConfig", []):
        s3 = channel["DataSource"].get("S3DataSource", {})
        entry = {
            "TrainingInputMode": channel.get("InputMode", default_mode),
            "S3DistributionType": s3.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if "ContentType" in channel:
            entry["ContentType"] = channel["ContentType"]
        answer[channel["ChannelName"]] = entry
    return answer


def input_modes(request: Mapping[str, Any]) -> list[str]:
    """The modes that the request's channels come in."""
    return [entry["TrainingInputMode"] for entry in input_data_config(request).values()]


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
        "hosts": list(hosts),
        "instance_groups": list(groups.values()),
        "network_interface_name": interface,
    }


def environment(job: TrainingJob, endpoint: str | None, credentials: Mapping[str, str]) -> dict[str, str]:
    """The container's environment; the job's own variables win over the platform's."""
    variables = {
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        "AWS_REGION": job.region,
        "AWS_DEFAULT_REGION": job.region,
    }
    if endpoint is not None:
        variables |= {"AWS_ENDPOINT_URL": endpoint, **credentials}
    own: dict[str, str] = job.request.get("Environment", {})
    return variables | own


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))
